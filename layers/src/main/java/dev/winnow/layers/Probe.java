package dev.winnow.layers;

/**
 * Rows of an attention map that an observer wants: the probabilities of {@code count} consecutive queries over all keys. Attention
 * is computed in tiles and never stored whole; a probe costs in proportion to its rows, and no probe costs nothing.
 *
 * @param first first query; negative counts from the end of the queries
 */
public record Probe(int first, int count) {
    /** The class token's row. */
    public static final Probe CLASS_ROW = new Probe(0, 1);
    /** The last query's row: in a prompt, the last instruction token. */
    public static final Probe LAST_ROW = new Probe(-1, 1);

    /** The last n queries. */
    public static Probe lastRows(int n) {
        return new Probe(-n, n);
    }

    /** The first row for n queries; a window longer than the queries starts at 0. */
    public int firstOf(int n) {
        return Math.max(0, first < 0 ? n + first : first);
    }

    /** How many rows there are for n queries. */
    public int countOf(int n) {
        return Math.min(count, n - firstOf(n));
    }
}
