package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Backend;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Work;

/**
 * From normed hidden states to logits.
 *
 * @param map     [vocabulary, width]; the embeddings themselves in tied models
 * @param divisor of the logits
 * @param softcap bound c on the logits, {@code c tanh(logit / c)} (Gemma Team 2024), or 0 for none; only without a bias
 */
public record Head(Linear map, float divisor, float softcap) {
    public Head {
        if (softcap != 0 && map.bias() != null) throw new IllegalArgumentException("logits with a bias cannot be bounded");
    }

    /** Logits as they are. */
    Head(Linear map) {
        this(map, 1f, 0f);
    }

    /** Logits [rows, vocabulary] of hidden states [rows, width]. */
    float[] logits(Backend backend, float[] normed, int rows, Work work) {
        float[] logits = new float[rows * map.out()];
        if (softcap == 0) {
            backend.linear(map, normed, rows, logits, Activation.NONE, work);
            for (int i = 0; divisor != 1 && i < logits.length; i++) logits[i] /= divisor;
            return logits;
        }
        float[] divided = new float[rows * map.in()];
        for (int i = 0; i < divided.length; i++) divided[i] = normed[i] / (divisor * softcap);
        backend.linear(map, divided, rows, logits, Activation.TANH, work);
        for (int i = 0; i < logits.length; i++) logits[i] *= softcap;
        return logits;
    }
}
