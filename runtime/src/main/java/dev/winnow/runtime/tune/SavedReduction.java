package dev.winnow.runtime.tune;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.RequestException;
import dev.winnow.runtime.eval.Fingerprint;
import dev.winnow.weights.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A tuned plan in a file, {@code reduction.json}, usually beside the model it was tuned for: the plan's specs, the budget, a fingerprint of
 * the model, and the evidence.
 *
 * @param plan   specs that act together
 * @param budget it was tuned for, in words
 */
public record SavedReduction(List<String> plan, String budget) {
    /** The name of the file beside a model. */
    public static final String FILE = "reduction.json";
    private static final int VERSION = 1;

    public SavedReduction {
        plan = List.copyOf(plan);
    }

    /** Writes a plan found for the model in a directory. @throws RequestException when the file cannot be written */
    public static void write(Path file, Tuning tuning, Path model) {
        Map<String, Object> saved = new LinkedHashMap<>();
        saved.put("version", VERSION);
        saved.put("plan", tuning.plan());
        saved.put("budget", tuning.budget().text());
        saved.put("model", Fingerprint.ofModel(model));
        saved.put("evidence", tuning);
        try {
            Files.writeString(file, new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValueAsString(saved) + "\n");
        } catch (IOException e) {
            throw new RequestException(file + " cannot be written: " + e.getMessage());
        }
    }

    /**
     * Reads the plan for the model in a directory.
     *
     * @throws RequestException when there is no file, it is damaged, or it is of another model
     */
    public static SavedReduction read(Path file, Path model) {
        if (!Files.exists(file)) {
            throw new RequestException(file + " is missing; 'winnow tune --model " + model + " --questions FILE --budget 25%' makes it");
        }
        Settings saved = Settings.read(file);
        int version = saved.integer("version");
        if (version != VERSION) throw new RequestException(file + " has version " + version + ", but this release reads " + VERSION);
        if (!saved.string("model").equals(Fingerprint.ofModel(model))) {
            throw new RequestException(file + " was made for another model than the one in " + model);
        }
        SavedReduction reduction = new SavedReduction(saved.strings("plan"), saved.string("budget"));
        try {
            ReductionPlan.parse(reduction.plan);
        } catch (PlanException e) {
            throw new RequestException(file + ": " + e.getMessage());
        }
        return reduction;
    }
}
