package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Backend;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Norm;
import dev.winnow.layers.Vocabulary;
import dev.winnow.layers.Work;
import dev.winnow.weights.Tensor;

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

    /** The head with its norm and, where ids can be looked up in a table, the words; {@link #finish} is left to do. */
    Vocabulary vocabulary(Embedding embedding, Norm norm) {
        Tensor words = embedding.positions() == null ? embedding.words() : null;
        Norm before = softcap == 0 ? norm : norm.times(1 / (divisor * softcap));
        return new Vocabulary(words, embedding.scale(), before, map, softcap == 0 ? Activation.NONE : Activation.TANH);
    }

    /** Makes logits of what {@link #vocabulary} makes, in place. */
    void finish(float[] values) {
        for (int i = 0; softcap != 0 && i < values.length; i++) values[i] *= softcap;
        for (int i = 0; softcap == 0 && divisor != 1 && i < values.length; i++) values[i] /= divisor;
    }

    /** Writes logits [rows, vocabulary] of hidden states [rows, width]. */
    void logits(Backend backend, float[] normed, int rows, float[] logits, Work work) {
        int n = rows * map.out();
        if (softcap == 0) {
            backend.linear(map, normed, rows, logits, Activation.NONE, work);
            for (int i = 0; divisor != 1 && i < n; i++) logits[i] /= divisor;
            return;
        }
        float[] divided = new float[rows * map.in()];
        for (int i = 0; i < divided.length; i++) divided[i] = normed[i] / (divisor * softcap);
        backend.linear(map, divided, rows, logits, Activation.TANH, work);
        for (int i = 0; i < n; i++) logits[i] *= softcap;
    }
}
