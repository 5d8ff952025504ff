package dev.winnow.runtime.models;

import dev.winnow.layers.RopeScaling;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.Settings;

/** Reads {@code rope_scaling} (or the newer {@code rope_parameters}) of a configuration. */
final class RopeSettings {
    private RopeSettings() {}

    static double theta(Settings config, double otherwise) {
        if (config.has("rope_theta")) return Config.positive(config, "rope_theta");
        return config.optionalSection("rope_parameters").map(s -> Config.positive(s, "rope_theta", otherwise)).orElse(otherwise);
    }

    static RopeScaling scaling(Settings config, int context) {
        Settings s = config.optionalSection("rope_scaling").or(() -> config.optionalSection("rope_parameters")).orElse(null);
        if (s == null) return new RopeScaling.None();
        String type = s.string("rope_type", s.string("type", "default"));
        return switch (type) {
            case "default" -> new RopeScaling.None();
            case "linear" -> new RopeScaling.Linear(Config.positive(s, "factor"));
            case "dynamic" -> new RopeScaling.Dynamic(Config.positive(s, "factor"), context);
            case "llama3" -> llama3(s);
            case "yarn" -> yarn(s, context);
            default -> throw new CheckpointException("config: rope_scaling type '" + type + "' is not supported; known are default, linear,"
                    + " dynamic, llama3, yarn");
        };
    }

    private static RopeScaling llama3(Settings s) {
        double low = Config.positive(s, "low_freq_factor");
        double high = Config.positive(s, "high_freq_factor");
        if (high <= low) {
            throw new CheckpointException("config: high_freq_factor should be above low_freq_factor, " + low + ", but is " + high);
        }
        int trained = Config.size(s, "original_max_position_embeddings", s.integer("original_max_position_embeddings"));
        return new RopeScaling.Llama3(Config.positive(s, "factor"), low, high, trained);
    }

    private static RopeScaling yarn(Settings s, int context) {
        int trained = Config.size(s, "original_max_position_embeddings", context);
        double factor = s.has("original_max_position_embeddings") ? (double) context / trained : Config.positive(s, "factor");
        double attention = s.has("attention_factor") ? Config.positive(s, "attention_factor")
                : RopeScaling.Yarn.recommendedAttentionFactor(factor);
        return new RopeScaling.Yarn(factor, Config.positive(s, "beta_fast", 32), Config.positive(s, "beta_slow", 1), trained, attention);
    }
}
