package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.Settings;

/** Reading of configurations with the checks that keep later arithmetic sane. */
final class Config {
    private Config() {}

    /** A size: a positive integer, the class default when absent. */
    static int size(Settings s, String key, int otherwise) {
        int value = s.integer(key, otherwise);
        if (value <= 0 || value > 1 << 28) throw new CheckpointException("config: " + key + " should be a positive size but is " + value);
        return value;
    }

    static Activation activation(Settings s, String key, String otherwise) {
        try {
            return Activation.named(s.string(key, otherwise));
        } catch (IllegalArgumentException e) {
            throw new CheckpointException("config: " + key + ": " + e.getMessage());
        }
    }

    /** Channels per head of width channels in the given number of heads. */
    static int headSize(int width, int heads) {
        if (width % heads != 0) {
            throw new CheckpointException("config: hidden_size " + width + " cannot be split into " + heads + " attention heads");
        }
        return width / heads;
    }
}
