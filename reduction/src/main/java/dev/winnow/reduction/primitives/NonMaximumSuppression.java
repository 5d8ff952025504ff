package dev.winnow.reduction.primitives;

import java.util.Arrays;

/** Greedy choice of high scores that are not alike: each item chosen rules out all that are more similar to it than a threshold. */
public final class NonMaximumSuppression {
    private NonMaximumSuppression() {}

    /**
     * Items in the order they are chosen, highest score first and of equals the first; at most k, fewer where all others are ruled out.
     *
     * @param similarity [n, n] of the n items
     */
    public static int[] select(float[] scores, float[] similarity, double threshold, int k) {
        int n = scores.length;
        boolean[] out = new boolean[n];
        int[] chosen = new int[Math.min(k, n)];
        int count = 0;
        for (int i : TopK.descending(scores)) {
            if (count == chosen.length) break;
            if (out[i]) continue;
            chosen[count++] = i;
            for (int j = 0; j < n; j++) out[j] |= similarity[i * n + j] > threshold;
        }
        return Arrays.copyOf(chosen, count);
    }
}
