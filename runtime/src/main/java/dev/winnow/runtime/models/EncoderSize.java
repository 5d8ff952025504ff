package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Attention;
import dev.winnow.layers.AttentionMask;
import dev.winnow.layers.Linear;
import dev.winnow.layers.RelativePositionBias;
import dev.winnow.weights.Settings;

/** The numbers that the configuration of every encoder has. */
record EncoderSize(int width, int heads, int headDim, int inner, int layers, double epsilon, Activation activation) {

    /** @param otherwise what the family's configuration class takes for granted */
    static EncoderSize of(Settings c, EncoderSize otherwise) {
        int width = Config.size(c, "hidden_size", otherwise.width);
        int heads = Config.size(c, "num_attention_heads", otherwise.heads);
        String activation = "hidden_act";
        return new EncoderSize(width, heads, Config.headSize(width, heads), Config.size(c, "intermediate_size", otherwise.inner),
                Config.layers(c, otherwise.layers), Config.atLeastZero(c, "layer_norm_eps", otherwise.epsilon),
                c.has(activation) ? Config.activation(c, activation, "") : otherwise.activation);
    }

    /** What a configuration class takes for granted. */
    static EncoderSize usual(int width, int heads, int inner, int layers, double epsilon, Activation activation) {
        return new EncoderSize(width, heads, width / heads, inner, layers, epsilon, activation);
    }

    /** Attention of all heads with logits scaled by 1 / sqrt(headDim). */
    Attention attention(Linear query, Linear key, Linear value, Linear output, AttentionMask mask, RelativePositionBias relative) {
        return new Attention(query, key, value, output, heads, heads, headDim, (float) (1 / Math.sqrt(headDim)), mask, null)
                .withRelative(relative);
    }
}
