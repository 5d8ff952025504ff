package dev.winnow.runtime.models;

import dev.winnow.layers.RopeScaling;
import dev.winnow.layers.RotaryAxes;
import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.Settings;
import java.util.List;
import java.util.Optional;

/**
 * Reads {@code rope_theta} and {@code rope_scaling} of a configuration, or the newer {@code rope_parameters}, which may differ for
 * layers that see all keys and layers that slide.
 */
final class RopeSettings {
    private static final double USUAL_THETA = 10000;

    private RopeSettings() {}

    /**
     * Rotation of the first channels of each head, as many as {@code partial_rotary_factor} says.
     *
     * @param context longest sequence the model was made for
     */
    static RotaryEmbedding rotary(Settings config, int headDim, int context) {
        return rotary(config, headDim, context, Config.positive(config, "partial_rotary_factor", 1),
                Config.positive(config, "rope_theta", USUAL_THETA));
    }

    /**
     * The same for configurations that call them otherwise.
     *
     * @param share of the channels of a head that is rotated, unless {@code rope_parameters} says so
     * @param theta base of the frequencies, likewise
     */
    static RotaryEmbedding rotary(Settings config, int headDim, int context, double share, double theta) {
        Settings all = parameters(config, "full_attention").or(() -> config.optionalSection("rope_scaling")).orElse(null);
        if (all == null) return new RotaryEmbedding(dimensions(headDim, share), theta, new RopeScaling.None());
        int dimensions = dimensions(headDim, Config.positive(all, "partial_rotary_factor", share));
        return new RotaryEmbedding(dimensions, Config.positive(all, "rope_theta", theta), scaling(config, all, dimensions, context), axes(all, dimensions / 2));
    }

    /** Rotation of whole heads in layers that slide, without any scaling. */
    static RotaryEmbedding sliding(Settings config, int headDim, double theta) {
        double base = parameters(config, "sliding_attention").map(s -> Config.positive(s, "rope_theta", theta)).orElse(theta);
        return new RotaryEmbedding(dimensions(headDim, 1), base, new RopeScaling.None());
    }

    private static Optional<Settings> parameters(Settings config, String layers) {
        Optional<Settings> all = config.optionalSection("rope_parameters");
        return all.flatMap(s -> s.optionalSection(layers)).or(() -> all);
    }

    private static int dimensions(int headDim, double share) {
        int dimensions = (int) (headDim * share);
        if (dimensions < 2 || dimensions % 2 != 0 || dimensions > headDim) {
            throw new CheckpointException("config: rotary positions need an even number of channels, but " + share + " of the "
                    + headDim + " of a head (head_dim) are " + dimensions);
        }
        return dimensions;
    }

    /** Positions along time, rows and columns of pictures, if {@code mrope_section} says so. */
    private static RotaryAxes axes(Settings s, int pairs) {
        if (!s.has("mrope_section")) return null;
        List<Integer> sections = s.integers("mrope_section");
        if (sections.size() != 3 || sections.stream().anyMatch(n -> n < 1) || sections.stream().mapToLong(n -> n).sum() != pairs) {
            throw new CheckpointException("config: mrope_section should be three lengths that make " + pairs + " but is " + sections);
        }
        return RotaryAxes.of(sections, false);
    }

    private static RopeScaling scaling(Settings config, Settings s, int dimensions, int context) {
        String type = s.string("rope_type", s.string("type", "default"));
        return switch (type) {
            case "default", "mrope" -> new RopeScaling.None();
            case "linear" -> new RopeScaling.Linear(Config.positive(s, "factor"));
            case "dynamic" -> new RopeScaling.Dynamic(Config.positive(s, "factor"), context);
            case "llama3" -> llama3(s);
            case "yarn" -> yarn(s, context);
            case "longrope", "su" -> longRope(config, s, dimensions / 2, context);
            default -> throw new CheckpointException("config: rope_scaling type '" + type + "' is not supported; known are default, linear,"
                    + " dynamic, llama3, yarn, longrope");
        };
    }

    private static RopeScaling longRope(Settings config, Settings s, int frequencies, int context) {
        String key = "original_max_position_embeddings";
        Settings place = s.has(key) ? s : config;
        int trained = Config.size(place, key, context);
        double factor = place.has(key) ? (double) context / trained : Config.positive(s, "factor");
        double attention = s.has("attention_factor") ? Config.positive(s, "attention_factor")
                : RopeScaling.LongRope.recommendedAttentionFactor(factor, trained);
        return new RopeScaling.LongRope(factors(s, "short_factor", frequencies), factors(s, "long_factor", frequencies), trained,
                attention);
    }

    private static List<Double> factors(Settings s, String key, int frequencies) {
        List<Double> factors = s.numbers(key);
        long sound = factors.stream().filter(f -> f > 0).count();
        if (factors.size() != frequencies || sound != frequencies) {
            throw new CheckpointException("config: " + key + " should hold " + frequencies + " numbers above 0 but holds " + sound + " in "
                    + factors.size());
        }
        return factors;
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
