package dev.winnow.runtime.models;

import dev.winnow.layers.RopeScaling;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.Settings;

/** Reads {@code rope_scaling} (or the newer {@code rope_parameters}) of a configuration. */
final class RopeSettings {
    private RopeSettings() {}

    static double theta(Settings config, double otherwise) {
        if (config.has("rope_theta")) return config.number("rope_theta");
        return config.optionalSection("rope_parameters").map(s -> s.number("rope_theta", otherwise)).orElse(otherwise);
    }

    static RopeScaling scaling(Settings config, int context) {
        Settings s = config.optionalSection("rope_scaling").or(() -> config.optionalSection("rope_parameters")).orElse(null);
        if (s == null) return new RopeScaling.None();
        String type = s.string("rope_type", s.string("type", "default"));
        return switch (type) {
            case "default" -> new RopeScaling.None();
            case "linear" -> new RopeScaling.Linear(s.number("factor"));
            case "dynamic" -> new RopeScaling.Dynamic(s.number("factor"), context);
            case "llama3" -> new RopeScaling.Llama3(s.number("factor"), s.number("low_freq_factor"), s.number("high_freq_factor"),
                    s.integer("original_max_position_embeddings"));
            case "yarn" -> yarn(s, context);
            default -> throw new CheckpointException("config: rope_scaling type '" + type + "' is not supported; known are default, linear,"
                    + " dynamic, llama3, yarn");
        };
    }

    private static RopeScaling yarn(Settings s, int context) {
        int trained = s.integer("original_max_position_embeddings", context);
        double factor = s.has("original_max_position_embeddings") ? (double) context / trained : s.number("factor");
        double attention = s.has("attention_factor") ? s.number("attention_factor")
                : RopeScaling.Yarn.recommendedAttentionFactor(factor);
        return new RopeScaling.Yarn(factor, s.number("beta_fast", 32), s.number("beta_slow", 1), trained, attention);
    }
}
