package dev.winnow.reduction.primitives;

import dev.winnow.reduction.Observation;

/**
 * The best partner of each token that looks for one: what a {@link BipartiteGraph} comes down to where only the best pairs matter.
 *
 * @param tokens  there are
 * @param front   tokens that come first in the merged sequence
 * @param from    the first set, as in the graph
 * @param into    the second set
 * @param partner for each token of the first set a place in the second, the first of equals
 * @param best    how well they fit; minus infinity where they must not merge
 * @param most    pairs that may merge at most
 * @param inOrder whether tokens of the first set that stay keep their order, instead of coming by falling score
 */
public record Pairing(int tokens, int[] front, int[] from, int[] into, int[] partner, float[] best, int most, boolean inOrder) {
    /**
     * {@link BipartiteGraph#alternating} of the live tokens by their keys averaged over heads, found where the keys are.
     *
     * @param guarded tokens that neither merge nor take others in
     */
    public static Pairing alternating(Observation o, boolean[] guarded) {
        int n = guarded.length;
        int[] partner = new int[(n + 1) / 2];
        float[] best = new float[partner.length];
        if (n < 2 || !o.partners(guarded, partner, best)) {
            float[] keys = o.meanKeys();
            return BipartiteGraph.alternating(keys, n, keys.length / n, guarded).pairing();
        }
        return BipartiteGraph.alternating(guarded, partner, best);
    }

    /** How many pairs fit better than a threshold and may merge. */
    public int above(double threshold) {
        int count = 0;
        for (float b : best) if (b > threshold) count++;
        return Math.min(count, most);
    }
}
