package dev.winnow.runtime.reducing;

import dev.winnow.reduction.Options.Option;
import dev.winnow.reduction.PlanException;
import dev.winnow.weights.Settings;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A reference case for one method: the arguments of {@link TensorReduction#run}.
 *
 * @param options what the case's parameters say; notes among them are left out
 */
public record ReductionCase(String method, Map<String, String> options) {
    /**
     * Reads a case file: {@code case} names it, and so the method it begins with; {@code params} are the method's options.
     *
     * @throws dev.winnow.weights.CheckpointException when it is not such a file
     * @throws PlanException                          when its method is not in this release
     */
    public static ReductionCase read(Path caseJson) {
        Settings json = Settings.read(caseJson);
        String name = json.string("case");
        TensorMethod method = TensorReduction.of(name);
        if (method == null) {
            throw new PlanException("case " + name + ": its method is not in this release; on tensors alone there are "
                    + String.join(", ", TensorReduction.methods()));
        }
        return new ReductionCase(method.name(), json.optionalSection("params").map(p -> options(p, method.options())).orElse(Map.of()));
    }

    /** Those of a case's parameters that are declared options, as text. */
    static Map<String, String> options(Settings params, List<Option> declared) {
        Map<String, String> options = new LinkedHashMap<>();
        for (String key : params.keys()) {
            boolean known = declared.stream().anyMatch(o -> o.name().equals(key) || List.of(o.aliases()).contains(key));
            if (known && params.has(key)) options.put(key, text(params, key));
        }
        return options;
    }

    private static String text(Settings params, String key) {
        return switch (params.type(key)) {
            case "boolean" -> Boolean.toString(params.flag(key, false));
            case "number" -> number(params.number(key));
            case "array" -> params.numbers(key).stream().map(ReductionCase::number).collect(Collectors.joining("/"));
            default -> params.string(key);
        };
    }

    private static String number(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e15 ? Long.toString((long) value) : Double.toString(value);
    }
}
