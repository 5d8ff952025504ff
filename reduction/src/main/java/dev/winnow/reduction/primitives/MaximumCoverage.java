package dev.winnow.reduction.primitives;

/**
 * Greedy maximum coverage (Nemhauser et al. 1978): always the candidate that adds most to the sum, over all targets, of how well the
 * best chosen candidate covers them; at least 1 - 1/e of the optimum. Gains only fall as more is chosen, so a gain that is out of date
 * is a bound, and most need not be computed again (Minoux 1978); the result is that of the plain greedy choice.
 */
public final class MaximumCoverage {
    private MaximumCoverage() {}

    /**
     * k candidates (all if there are fewer) in the order they are chosen; of equal gains the lower index.
     *
     * @param coverage [candidates, targets], none negative
     */
    public static int[] select(float[] coverage, int candidates, int targets, int k) {
        return select(coverage, new float[candidates], targets, k);
    }

    /**
     * The same where each candidate also adds a worth of its own, whatever else is chosen.
     *
     * @param worth [candidates]
     */
    public static int[] select(float[] coverage, float[] worth, int targets, int k) {
        int candidates = worth.length;
        int[] chosen = new int[Math.min(k, candidates)];
        float[] covered = new float[targets];
        float[] gain = new float[candidates];
        int[] computed = new int[candidates];
        for (int c = 0; c < candidates; c++) gain[c] = worth[c] + gain(coverage, c * targets, covered);
        for (int i = 0; i < chosen.length; ) {
            int best = highest(gain);
            if (computed[best] < i) {
                gain[best] = worth[best] + gain(coverage, best * targets, covered);
                computed[best] = i;
                continue;
            }
            chosen[i++] = best;
            gain[best] = Float.NEGATIVE_INFINITY;
            for (int t = 0; t < targets; t++) covered[t] = Math.max(covered[t], coverage[best * targets + t]);
        }
        return chosen;
    }

    private static float gain(float[] coverage, int row, float[] covered) {
        float sum = 0;
        for (int t = 0; t < covered.length; t++) sum += Math.max(0, coverage[row + t] - covered[t]);
        return sum;
    }

    private static int highest(float[] values) {
        int best = 0;
        for (int c = 1; c < values.length; c++) if (values[c] > values[best]) best = c;
        return best;
    }
}
