package dev.winnow.reduction;

import dev.winnow.layers.Attention;
import dev.winnow.layers.CompiledLayer.Projection;
import dev.winnow.layers.CosineChoice;
import dev.winnow.layers.KeyValues;
import dev.winnow.layers.Probe;
import dev.winnow.layers.Work;
import java.util.function.Supplier;

/** What an event sees at its site. Valid during the call only; arrays are not to be changed. */
public interface Observation {
    /** The live tokens. */
    Tokens tokens();

    /** The attention of the observed layer, as described. */
    Attention attention();

    /** Query heads of the observed layer. */
    default int heads() {
        return attention().heads();
    }

    /** 0 in the prompt pass, then 1, 2, ... in decoding steps. */
    int step();

    // ---- the layer that the event watches, as it ran ----

    /**
     * The rows the event asked for: [heads, rows, columns]. Columns are the live tokens, for cache events the cache's slots. Where
     * tokens were merged since the layer was observed, their probabilities were added.
     */
    float[] rows();

    /** {@link #rows} that need not come home to be averaged or ranked. */
    default AttentionRows watched() {
        return AttentionRows.of(rows(), heads(), rowCount());
    }

    /** How many rows {@link #rows} has per head; fewer than asked for when the sequence is shorter. */
    int rowCount();

    /** Keys of the observed layer, averaged over heads: [tokens, headDim]. Merged tokens have the average of their sources. */
    float[] meanKeys();

    /**
     * For each of the live tokens at an even place the one at an odd place whose mean keys are most similar, where a device has the keys.
     *
     * @param guarded    tokens that neither are matched nor are a match, or null for none
     * @param partner    half the index of the match, [(tokens + 1) / 2]; the first of equals
     * @param similarity cosines, minus infinity where there is no match
     * @return whether the device has them; if not, they are to be made of {@link #meanKeys}
     */
    default boolean partners(boolean[] guarded, int[] partner, float[] similarity) {
        return false;
    }

    /** Keys of the observed layer, rotated where the model rotates: [tokens, kvHeads * headDim]; merged as {@link #meanKeys}. */
    float[] keys();

    /** Values of the observed layer, like {@link #keys}. */
    float[] values();

    /** Queries of the tokens that ran the observed layer, before rotation: [tokens, heads * headDim]. */
    float[] queries();

    /** Keys and values of the site's layer; cache events only. */
    KeyValues cache();

    // ---- the coming layer, before it runs: the site's own for events before a layer, else the next ----

    /** Whether there is a coming layer. */
    boolean hasAhead();

    /**
     * Attention rows that the live tokens would have in the coming layer: [heads, rows, tokens].
     *
     * @param rotated whether queries and keys get their rotary phases
     */
    float[] attentionAhead(Probe probe, boolean rotated);

    /** {@link #attentionAhead} with rotary phases, which need not come home to be averaged or ranked. */
    default AttentionRows ahead(Probe probe) {
        return AttentionRows.of(attentionAhead(probe, true), heads(), probe.rowsOf(tokens().count()));
    }

    /** Queries [tokens, heads * headDim], keys or values [tokens, kvHeads * headDim] of the live tokens in the coming layer. */
    float[] projectionAhead(Projection projection, boolean rotated);

    /**
     * The live tokens behind the norm in front of the coming half of a layer: [tokens, width]. Between attention and MLP that is the
     * MLP's, elsewhere the coming layer's attention's.
     */
    float[] normedAhead();

    /** Activations of the inner neurons of the site's own layer, for events between attention and MLP: [tokens, inner]. */
    default float[] neurons() {
        return neurons(0, tokens().count());
    }

    /** {@link #neurons()} of some consecutive tokens. */
    float[] neurons(int first, int count);

    /**
     * Chooses among some of the live tokens by the cosines of their hidden states, where a device runs the coming layer.
     *
     * @param among tokens, at least one
     * @param k     at least 1, at most among.length
     * @return places among them in the order they are chosen; null where the host is to choose, by {@link Tokens#hidden}
     * @throws IllegalArgumentException as {@link CosineChoice#requireAmong} says
     */
    default int[] choose(CosineChoice choice, int[] among, int k) {
        choice.requireAmong(tokens().count(), among, k);
        return null;
    }

    /**
     * What follows the stack makes of hidden states: a tower's projector (output width [n, language width]), a language model's final
     * norm ([n, width]).
     *
     * @throws PlanException for a stack that nothing follows
     */
    float[] beyond(float[] hidden, int n);

    /** Counts what an event computes itself. */
    Work work();

    // ---- for those who look on ----

    /**
     * Tells what a decision rests on, for explanations and traces: a score per candidate, a count, a threshold.
     *
     * @param shape of values; none for one dimension
     */
    void report(String name, float[] values, int... shape);

    /** {@link #report(String, float[], int...)} of values that are made only where someone listens. */
    default void report(String name, Supplier<float[]> values, int... shape) {
        report(name, values.get(), shape);
    }
}
