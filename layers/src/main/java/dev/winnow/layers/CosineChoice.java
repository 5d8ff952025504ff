package dev.winnow.layers;

/**
 * A greedy choice among tokens by the cosines of their hidden states, one after the other; of equal ones the first. A row of zeros has
 * the cosine 0 with all.
 */
public sealed interface CosineChoice {
    /**
     * Always the token farthest from all chosen so far, by one minus the cosine (Gonzalez 1985); the first is the one whose nearest
     * neighbour is farthest.
     */
    record FarthestFirst() implements CosineChoice {}

    /**
     * Always the token whose cosines with all chosen so far have the lowest sum (Borodin et al. 2012).
     *
     * @param first place of the one to begin with
     */
    record LeastAlike(int first) implements CosineChoice {}

    /**
     * Always the token most like a given one, without those that are more like one chosen than a threshold; fewer where none is left.
     *
     * @param like      number of the given token among all
     * @param threshold cosine above which two are alike
     */
    record Distinct(int like, double threshold) implements CosineChoice {}

    /**
     * Refuses what cannot be chosen among.
     *
     * @param n      tokens in all
     * @param tokens numbers of those among which k are to be chosen
     * @throws IllegalArgumentException when a token is none of the n, k is not in 1 .. tokens.length, or the token or place that the choice
     *                                  itself names is none
     */
    default void requireAmong(int n, int[] tokens, int k) {
        if (k < 1 || k > tokens.length) throw new IllegalArgumentException("cannot choose " + k + " of " + tokens.length + " tokens");
        for (int t : tokens) requireIn("token", t, n);
        switch (this) {
            case FarthestFirst() -> { }
            case LeastAlike(int first) -> requireIn("first place", first, tokens.length);
            case Distinct(int like, double threshold) -> requireIn("token to be like", like, n);
        }
    }

    private static void requireIn(String what, int i, int n) {
        if (i < 0 || i >= n) throw new IllegalArgumentException(what + " " + i + " is not in 0 .. " + (n - 1));
    }
}
