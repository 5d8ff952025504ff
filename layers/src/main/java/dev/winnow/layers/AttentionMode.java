package dev.winnow.layers;

/**
 * Another way for a layer's attention than the dense one, for methods whose act lies inside it. In every mode the cache takes the keys
 * and values of all tokens that arrive.
 */
public sealed interface AttentionMode {
    /**
     * A single query looks only into the pages of the cache where its logit can be highest, chosen for each query head by the least and
     * greatest value that each channel of the keys takes in a page. The last page is always among them. More queries than one attend
     * densely.
     *
     * @param size entries of a page
     * @param most pages a head looks into
     */
    record Pages(int size, int most) implements AttentionMode {}

    /**
     * Each query head attends among some of the arriving tokens: they alone are its queries, and with all earlier entries its keys. What
     * other tokens get from that head is zero.
     *
     * @param sets for each query head arriving tokens, ascending
     */
    record TokenSets(int[][] sets) implements AttentionMode {}

    /**
     * Tokens attend, and are seen, as copies at several positions; a token gets the mean of what its copies get. The cache takes every
     * copy.
     *
     * @param owner     for each copy its token, in the order of positions; every token has one at least
     * @param positions of the copies, ascending
     */
    record Copies(int[] owner, int[] positions) implements AttentionMode {}

    /**
     * Dense attention of tokens that stand at several positions at once: the channel pairs that rotary positions turn are cut into equal
     * runs, from the fastest to the slowest, and each run is turned by a position of its own.
     *
     * @param positions [tokens][runs]; the number of runs divides that of the pairs
     */
    record Sections(int[][] positions) implements AttentionMode {}
}
