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
}
