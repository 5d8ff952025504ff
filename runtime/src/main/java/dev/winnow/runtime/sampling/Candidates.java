package dev.winnow.runtime.sampling;

import java.util.Arrays;
import java.util.Comparator;

/**
 * The tokens that may come next, with their logits: what warpers narrow down. A token that is out is dropped, where Hugging
 * Face sets its logit to minus infinity. The arrays are reused from one step to the next; {@link #size} says how much of them
 * counts.
 */
final class Candidates {
    int[] ids = new int[0];
    float[] logits = new float[0];
    int size;
    private double[] weights = new double[0];

    /** Starts a step: every token whose logit is not minus infinity, in the order of ids. */
    void reset(float[] all) {
        makeRoom(all.length);
        size = 0;
        for (int id = 0; id < all.length; id++) add(id, all[id]);
        if (size == 0) throw new IllegalStateException("the logits leave no token possible");
    }

    private void makeRoom(int count) {
        if (ids.length >= count) return;
        ids = new int[count];
        logits = new float[count];
        weights = new double[count];
    }

    private void add(int id, float logit) {
        if (Float.isNaN(logit) || logit == Float.POSITIVE_INFINITY) {
            throw new IllegalStateException("the logit of token " + id + " is " + logit + "; no token can be chosen");
        }
        if (logit == Float.NEGATIVE_INFINITY) return;
        ids[size] = id;
        logits[size++] = logit;
    }

    /** Starts a step with some tokens alone, put in the order of ids: chance then takes the same token as among all. */
    void reset(int[] some, float[] theirs) {
        Integer[] order = new Integer[some.length];
        Arrays.setAll(order, i -> i);
        Arrays.sort(order, Comparator.comparingInt(i -> some[i]));
        makeRoom(some.length);
        size = 0;
        for (int i : order) add(some[i], theirs[i]);
    }

    /** The highest logit's place; the first of equals. */
    int best() {
        int best = 0;
        for (int i = 1; i < size; i++) if (logits[i] > logits[best]) best = i;
        return best;
    }

    /** exp(logit - highest) for each candidate: the probabilities, up to a common factor. Valid until the next call. */
    double[] weights() {
        double highest = logits[best()];
        for (int i = 0; i < size; i++) weights[i] = Math.exp(logits[i] - highest);
        return weights;
    }

    /** Drops the candidates below {@code lowest}; the others keep their order. */
    void keepFrom(float lowest) {
        int kept = 0;
        for (int i = 0; i < size; i++) {
            if (logits[i] < lowest) continue;
            ids[kept] = ids[i];
            logits[kept++] = logits[i];
        }
        size = kept;
    }
}
