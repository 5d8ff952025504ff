package dev.winnow.runtime.cli;

import dev.winnow.runtime.tune.SavedReduction;
import dev.winnow.weights.Settings;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** The small model and pictures that travel in the jar, unpacked to a temporary folder because weights are mapped from files. */
final class EmbeddedModel implements AutoCloseable {
    private static final String RESOURCES = "/dev/winnow/demo/";
    private static final List<String> MODEL_FILES = List.of("config.json", "generation_config.json", "model.safetensors",
            "preprocessor_config.json", "processor_config.json", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json");

    /** One question about one picture. */
    record Question(Path image, String text, String answer) {}

    private final Path folder;

    private EmbeddedModel(Path folder) {
        this.folder = folder;
    }

    static EmbeddedModel unpack() {
        try {
            EmbeddedModel model = new EmbeddedModel(Files.createTempDirectory("winnow-demo"));
            // interrupting the demo must not leave the folder behind
            Runtime.getRuntime().addShutdownHook(new Thread(model::close, "winnow-demo"));
            return model;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot unpack the embedded model: " + e.getMessage(), e);
        }
    }

    /** The model's directory. */
    Path model() {
        for (String f : MODEL_FILES) file("shapes-vlm/" + f);
        String tuned = "shapes-vlm/" + SavedReduction.FILE;
        if (EmbeddedModel.class.getResource(RESOURCES + tuned) != null) file(tuned);
        return folder.resolve("shapes-vlm");
    }

    List<Question> questions() {
        List<Question> questions = new ArrayList<>();
        try {
            Settings list = Settings.of("{\"questions\":" + Files.readString(file("demo.json")) + "}", "demo.json");
            for (Settings q : list.sections("questions")) {
                questions.add(new Question(file(q.string("image")), q.string("question"), q.string("answer")));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return questions;
    }

    private Path file(String name) {
        Path target = folder.resolve(name);
        if (Files.exists(target)) return target;
        try (InputStream in = EmbeddedModel.class.getResourceAsStream(RESOURCES + name)) {
            if (in == null) throw new IllegalStateException("the jar lacks " + RESOURCES + name);
            Files.createDirectories(target.getParent());
            Files.copy(in, target);
            return target;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot unpack " + name + ": " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        if (!Files.exists(folder)) return;
        try (Stream<Path> all = Files.walk(folder)) {
            all.sorted(Comparator.reverseOrder()).forEach(p -> p.toFile().delete());
        } catch (IOException e) {
            // a temporary folder that stays behind is the system's to clean
        }
    }
}
