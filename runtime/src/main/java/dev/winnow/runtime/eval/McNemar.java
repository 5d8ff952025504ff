package dev.winnow.runtime.eval;

/**
 * The exact test of McNemar (1947, <i>Note on the Sampling Error of the Difference Between Correlated Proportions</i>): were two answers to
 * every question equally often right, those that flipped would have flipped either way by the toss of a coin.
 */
public final class McNemar {
    private McNemar() {}

    /**
     * The two-sided p-value: the probability that fair coins split as unevenly as this or more.
     *
     * @param lost   questions that only the first got right
     * @param gained questions that only the second got right
     */
    public static double p(int lost, int gained) {
        if (lost < 0 || gained < 0) throw new IllegalArgumentException("flips of " + lost + " and " + gained + " questions are no counts");
        int flips = lost + gained;
        // log of the binomial coefficient over 2^flips, term by term: the terms themselves are too small for many flips
        double log = -flips * Math.log(2);
        double tail = 0;
        for (int k = 0; k <= Math.min(lost, gained); k++) {
            tail += Math.exp(log);
            log += Math.log(flips - k) - Math.log(k + 1);
        }
        return Math.min(1, 2 * tail);
    }
}
