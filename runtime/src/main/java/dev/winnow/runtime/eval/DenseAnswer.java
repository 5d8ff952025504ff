package dev.winnow.runtime.eval;

import java.util.ArrayList;
import java.util.List;

/**
 * What the dense model said to a question, for plans to be compared with: its outcome, the tokens that plans are made to follow, and the
 * logits of the next token at every place. Logits of a long text over a large vocabulary would fill the memory, so only the first places
 * are kept, as many as {@link #MOST_LOGITS} allows; no others are compared.
 */
final class DenseAnswer {
    /** 64 MiB of floats; a vocabulary of 128,000 has 131 places. */
    private static final int MOST_LOGITS = 16 << 20;

    private final List<float[]> logits = new ArrayList<>();
    private int[] tokens;
    private int textTokens;
    private Outcome outcome;

    /** Keeps a copy of the logits of the next place. */
    void see(float[] next) {
        if ((logits.size() + 1L) * next.length <= MOST_LOGITS) logits.add(next.clone());
    }

    /** @param textTokens tokens of the prompt that are not of pictures */
    DenseAnswer finish(int[] tokens, int textTokens, Outcome outcome) {
        this.tokens = tokens;
        this.textTokens = textTokens;
        this.outcome = outcome;
        return this;
    }

    Outcome outcome() {
        return outcome;
    }

    int[] tokens() {
        return tokens;
    }

    int textTokens() {
        return textTokens;
    }

    int places() {
        return logits.size();
    }

    float[] logits(int place) {
        return logits.get(place);
    }

    /** Bytes that logits hold. */
    long bytes() {
        return logits.stream().mapToLong(row -> 4L * row.length).sum();
    }
}
