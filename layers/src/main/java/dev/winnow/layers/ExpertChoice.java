package dev.winnow.layers;

/**
 * Which experts of a mixture the tokens of a pass go to.
 *
 * @param tokens  for each expert its tokens, ascending
 * @param weights for each expert the weights of those tokens
 */
record ExpertChoice(int[][] tokens, float[][] weights) {
    /** @param logits [n, experts] of the router; overwritten */
    static ExpertChoice of(Kernels kernels, Mlp.MixtureOfExperts mixture, float[] logits, int n) {
        int experts = mixture.experts().size();
        int active = mixture.active();
        int[] chosen = new int[n * active];
        float[] weights = new float[n * active];
        int[] counts = new int[experts];
        for (int i = 0; i < n; i++) {
            int row = i * experts;
            float sum = kernels.expMinus(logits, row, experts, kernels.max(logits, row, experts));
            float taken = 0;
            for (int a = 0; a < active; a++) {
                int best = 0;
                for (int e = 1; e < experts; e++) if (logits[row + e] > logits[row + best]) best = e;
                chosen[i * active + a] = best;
                weights[i * active + a] = logits[row + best];
                taken += logits[row + best];
                logits[row + best] = -1;
                counts[best]++;
            }
            kernels.scale(weights, i * active, active, 1 / (mixture.normalised() ? taken : sum));
        }
        return byExpert(chosen, weights, counts, active);
    }

    private static ExpertChoice byExpert(int[] chosen, float[] weights, int[] counts, int active) {
        int[][] tokens = new int[counts.length][];
        float[][] shares = new float[counts.length][];
        for (int e = 0; e < counts.length; e++) {
            tokens[e] = new int[counts[e]];
            shares[e] = new float[counts[e]];
        }
        int[] next = new int[counts.length];
        for (int i = 0; i < chosen.length; i++) {
            int e = chosen[i];
            tokens[e][next[e]] = i / active;
            shares[e][next[e]++] = weights[i];
        }
        return new ExpertChoice(tokens, shares);
    }
}
