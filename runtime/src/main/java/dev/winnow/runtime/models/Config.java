package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.Settings;

/** Reading of configurations with the checks that keep later arithmetic sane. */
final class Config {
    private Config() {}

    /** Bounds on what is only ever counted through, so that an absurd number is refused and not waited for. */
    private static final int MOST_LAYERS = 10_000;
    private static final int LARGEST_IMAGE = 16_384;

    /** A size: a positive integer, the class default when absent. */
    static int size(Settings s, String key, int otherwise) {
        return size(s, key, otherwise, 1 << 28);
    }

    /** A size that has to be there. */
    static int size(Settings s, String key) {
        return size(s, key, s.integer(key));
    }

    private static int size(Settings s, String key, int otherwise, int most) {
        int value = s.integer(key, otherwise);
        if (value < 1 || value > most) {
            throw new CheckpointException("config: " + key + " should be between 1 and " + most + " but is " + value);
        }
        return value;
    }

    /** A section of a configuration; without it everything has the class defaults. */
    static Settings section(Settings s, String key) {
        return s.optionalSection(key).orElse(Settings.of("{}", key));
    }

    static int layers(Settings s, int otherwise) {
        return size(s, "num_hidden_layers", otherwise, MOST_LAYERS);
    }

    static int layers(Settings s, String key) {
        return size(s, key, s.integer(key), MOST_LAYERS);
    }

    /** Side of the pictures a model looks at, in pixels. */
    static int imageSize(Settings s, int otherwise) {
        return size(s, "image_size", otherwise, LARGEST_IMAGE);
    }

    /** A number from 0 on that has to be there. */
    static double atLeastZero(Settings s, String key) {
        return atLeastZero(s, key, s.number(key));
    }

    /** A number from 0 on. */
    static double atLeastZero(Settings s, String key, double otherwise) {
        double value = s.number(key, otherwise);
        if (value < 0) throw new CheckpointException("config: " + key + " should not be negative but is " + value);
        return value;
    }

    /** A number above 0. */
    static double positive(Settings s, String key, double otherwise) {
        return requirePositive(key, s.number(key, otherwise));
    }

    /** As {@link #positive(Settings, String, double)} for a key that has to be there. */
    static double positive(Settings s, String key) {
        return requirePositive(key, s.number(key));
    }

    private static double requirePositive(String key, double value) {
        if (value <= 0) throw new CheckpointException("config: " + key + " should be above 0 but is " + value);
        return value;
    }

    /** Neurons of an MLP that is so many times as wide as the model. */
    static int inner(int width, double ratio) {
        double inner = width * ratio;
        if (inner < 1 || inner > 1 << 28) {
            throw new CheckpointException("config: mlp_ratio " + ratio + " makes no MLP of a width of " + width);
        }
        return (int) inner;
    }

    static Activation activation(Settings s, String key) {
        return activation(s, key, s.string(key));
    }

    static Activation activation(Settings s, String key, String otherwise) {
        try {
            return Activation.named(s.string(key, otherwise));
        } catch (IllegalArgumentException e) {
            throw new CheckpointException("config: " + key + ": " + e.getMessage());
        }
    }

    /** Width of all heads together. */
    static int headsWidth(int heads, int headSize) {
        if ((long) heads * headSize > 1 << 28) {
            throw new CheckpointException("config: " + heads + " attention heads of " + headSize + " channels are too many");
        }
        return heads * headSize;
    }

    /** Channels per head of width channels in the given number of heads. */
    static int headSize(int width, int heads) {
        if (width % heads != 0) {
            throw new CheckpointException("config: hidden_size " + width + " cannot be split into " + heads + " attention heads");
        }
        return width / heads;
    }
}
