package dev.winnow.reduction.primitives;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Contextual tokens as VisionZip makes them (Yang et al. 2024, arXiv 2412.04467): every so-many-th of the tokens is a target, every other
 * joins the target most similar to it, and the new token is the target plus the mean of those that joined it.
 *
 * @param members for each new token what it is made of, the target first, as places among the tokens
 * @param weights 1 for the target, equal shares of 1 for the others
 */
public record Contextual(int[][] members, float[][] weights) {

    /**
     * Makes at most a number of tokens.
     *
     * @param metric [n, width], any length
     */
    public static Contextual of(float[] metric, int n, int width, int wanted) {
        int groups = Math.min(wanted, n);
        int[][] members = new int[groups][];
        float[][] weights = new float[groups][];
        if (groups == 0) return new Contextual(members, weights);
        int stride = n / groups;
        int[] targets = IntStream.range(0, groups).map(g -> g * stride).toArray();
        int[] others = TopK.complement(targets, n);
        float[] unit = CosineSimilarity.normalised(metric, n, width);
        int[] nearest = CosineSimilarity.nearest(unit, others, CosineSimilarity.gather(unit, width, targets), groups, width).index();
        for (int g = 0; g < groups; g++) {
            int group = g;
            int[] joined = IntStream.range(0, others.length).filter(i -> nearest[i] == group).map(i -> others[i]).toArray();
            members[g] = IntStream.concat(IntStream.of(targets[g]), IntStream.of(joined)).toArray();
            weights[g] = new float[members[g].length];
            Arrays.fill(weights[g], 1f / Math.max(1, joined.length));
            weights[g][0] = 1f;
        }
        return new Contextual(members, weights);
    }
}
