package dev.winnow.reduction;

import dev.winnow.layers.KeyValues;

/** What an event sees at its site. Valid during the call only. */
public interface Observation {
    /** The live tokens. */
    Tokens tokens();

    /** Query heads of the observed layer. */
    int heads();

    /**
     * The rows the event asked for: [heads, rows, columns]. Columns are the live tokens, for cache events the cache's slots. Where
     * tokens were merged since the layer was observed, their probabilities were added.
     */
    float[] rows();

    /** How many rows {@link #rows} has per head; fewer than asked for when the sequence is shorter. */
    int rowCount();

    /** Keys of the observed layer, averaged over heads: [tokens, headDim]. Merged tokens have the average of their sources. */
    float[] meanKeys();

    /** Keys and values of the site's layer; cache events only. */
    KeyValues cache();

    /** The last token's attention row in the coming layer, before it runs: [heads, tokens]. */
    float[] lastRowAhead();
}
