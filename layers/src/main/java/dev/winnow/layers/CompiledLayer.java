package dev.winnow.layers;

import java.util.List;

/** A layer that a {@link Backend} has made ready to run. Holds no state of a request: many requests may run it at once. */
public interface CompiledLayer {
    /**
     * The attention half: {@code x += attention(norm(x))}, or as the layer's {@link Residual} says; keys and values of the n tokens are
     * appended to kv. Where the halves are parallel both run here, from the same x.
     *
     * @param x         [n, width], updated in place
     * @param positions of the n tokens
     * @param bias      added to every query's logit for each of the n tokens as a key, or null
     * @param probes    rows to observe, often empty
     * @return for each probe {@code [heads, rows, kv.length()]}
     */
    List<float[]> attend(float[] x, int n, int[] positions, float[] bias, KeyValues kv, List<Probe> probes, Workspace workspace);

    /**
     * The attention half over entries that kv has already: like {@link #attend}, but no keys and values are made.
     *
     * @param kv its last n entries are those of the n tokens
     */
    List<float[]> ask(float[] x, int n, int[] positions, KeyValues kv, List<Probe> probes, Workspace workspace);

    /** Appends keys and values of the n tokens to kv, as {@link #attend} does, and no more: x stays. */
    default void remember(float[] x, int n, int[] positions, float[] bias, KeyValues kv, Workspace workspace) {
        RotaryEmbedding rotary = description().attention().rotary();
        if (rotary != null) kv.follow(rotary, RotaryEmbedding.length(positions, n));
        float[] keys = project(Projection.KEY, x, n, positions, workspace);
        float[] values = project(Projection.VALUE, x, n, positions, workspace);
        kv.append(keys, values, keys.length / n, n, positions, bias);
    }

    /**
     * {@link #attend} in another way than the dense one. Probes see the attention that the n tokens would have among themselves and the
     * earlier entries if it were dense; not for copies, which have no rows of their own.
     *
     * @throws UnsupportedOperationException from a backend that has no such way
     */
    default List<float[]> attend(AttentionMode mode, float[] x, int n, int[] positions, float[] bias, KeyValues kv, List<Probe> probes,
                                 Workspace workspace) {
        throw new UnsupportedOperationException("this backend cannot run attention by " + mode.getClass().getSimpleName());
    }

    /** The other half: {@code x += mlp(norm(x))}, or as the layer's {@link Residual} says; nothing where the halves are parallel. */
    void mlp(float[] x, int n, Workspace workspace);

    /** {@link #attend} and then {@link #mlp}: for tokens that nothing happens to between the halves. */
    default List<float[]> run(float[] x, int n, int[] positions, float[] bias, KeyValues kv, List<Probe> probes, Workspace workspace) {
        List<float[]> rows = attend(x, n, positions, bias, kv, probes, workspace);
        mlp(x, n, workspace);
        return rows;
    }

    /**
     * {@link #mlp} without the inner neurons whose gate (activation, in an MLP without one) is no larger in magnitude than the threshold.
     *
     * @throws UnsupportedOperationException from a backend that cannot, and for a layer without a {@link TransformerLayer#separateMlp}
     */
    default void mlp(float threshold, float[] x, int n, Workspace workspace) {
        throw new UnsupportedOperationException("this backend cannot leave out neurons of an MLP");
    }

    /** A projection of the attention half. */
    enum Projection { QUERY, KEY, VALUE }

    /**
     * What one projection makes of {@code norm(x)}, without running the layer: [n, heads * headDim] for queries, [n, kvHeads * headDim]
     * for keys and values, in a new array.
     *
     * @param positions to rotate queries and keys to, or null to leave them unrotated
     */
    float[] project(Projection projection, float[] x, int n, int[] positions, Workspace workspace);

    /**
     * The attention that chosen tokens would have in this layer if it ran now on fresh tokens, without running it:
     * {@code [heads, rows, n]}.
     *
     * @param positions as in {@link #project}
     */
    float[] attentionAhead(float[] x, int n, int[] positions, Probe probe, Workspace workspace);

    /** The halves of a layer. */
    enum Half { ATTENTION, MLP }

    /** {@code norm(x)} as one half reads it, in a new array: [n, width]. */
    float[] normed(Half half, float[] x, int n, Workspace workspace);

    /**
     * The activations of the MLP's inner neurons, {@code f(up(norm(x)))} or {@code f(gate(norm(x)))}: [n, inner], in a new array.
     *
     * @throws UnsupportedOperationException for a layer without a {@link TransformerLayer#separateMlp}
     */
    float[] neurons(float[] x, int n, Workspace workspace);

    /**
     * This layer, but {@link #attend} and {@link #mlp} may leave x where they computed it: the array may hold old values until
     * {@link #home} is called with it. A layer that finds x elsewhere takes it from there. Rows that probes and {@link #attentionAhead}
     * ask for may stay too, until they come {@link #home} or are {@link #forget forgotten}; one of the two has to happen.
     */
    default CompiledLayer staying() {
        return this;
    }

    /** Brings the first n rows of x, that layers let stay elsewhere, to the array, which may then be written. */
    default void home(float[] x, int n) {}

    /** Copies rows from .. to - 1 of them to the array for reading; they stay where they are too. */
    default void look(float[] x, int from, int to) {}

    /** Lets rows of x that layers let stay elsewhere go: nobody will look at them again. */
    default void forget(float[] x) {}

    /**
     * What some columns of a row of attention that stayed elsewhere have, mean over heads.
     *
     * @param rows as {@link #attend} or {@link #attentionAhead} returned them: [heads, rows, columns]
     * @return [columns.length], or null for rows that have to come home for it
     */
    default float[] headMean(float[] rows, int row, int[] columns) {
        return null;
    }

    /**
     * Sums over the rows of each head, of several that stayed elsewhere.
     *
     * @return [heads, columns], or null for rows that have to come home for it
     */
    default float[] received(float[] rows) {
        return null;
    }

    /**
     * Places among the columns of the k with the highest {@link #headMean}, highest first, equal ones by rising place.
     *
     * @param k at most columns.length
     * @return [k], or null for rows that have to come home for it
     */
    default int[] highest(float[] rows, int row, int[] columns, int k) {
        return null;
    }

    /**
     * What a small map, such as a router, makes of rows that layers let stay elsewhere: {@code f(W x + b)}.
     *
     * @param x whose first n rows stayed elsewhere
     * @return [n, map.out()], or null where x has to come home for it
     */
    default float[] product(Linear map, Activation f, float[] x, int n) {
        return null;
    }

    /**
     * Chooses among some of the tokens by the cosines of their hidden states where the layer runs. The states are brought there if they are
     * not, and from then on stay, as if the layer had let them.
     *
     * @param x      [n, width]
     * @param tokens numbers of rows, at least one
     * @param k      at least 1, at most tokens.length
     * @return places among the tokens in the order they are chosen, k or fewer; or null where the host is to choose, and nothing was done
     * @throws IllegalArgumentException as {@link CosineChoice#requireAmong} says
     */
    default int[] choose(CosineChoice choice, float[] x, int n, int[] tokens, int k) {
        choice.requireAmong(n, tokens, k);
        return null;
    }

    /**
     * Makes other rows of those that layers let stay elsewhere: row i becomes the sum of {@code weight[e]} times row {@code index[e]} for
     * e from {@code start[i]} to {@code start[i + 1] - 1}.
     *
     * @param x      whose first n rows stayed elsewhere
     * @param y      as x from now on: at least [start.length - 1, width], to which {@link #home} will bring the new rows
     * @return whether it was done; if not, x has to come home and be combined there
     */
    default boolean combine(float[] x, int n, int[] start, int[] index, float[] weight, float[] y) {
        return false;
    }

    /**
     * Takes some rows of those that layers let stay elsewhere by themselves, until {@link #join}; the others wait there.
     *
     * @param x      whose first n rows stayed elsewhere
     * @param chosen numbers of rows
     * @param y      [chosen.length, width], as x from now on
     * @return whether it was done; if not, nothing was
     */
    default boolean part(float[] x, int n, int[] chosen, float[] y) {
        return false;
    }

    /**
     * Puts rows that were {@link #part parted} back: {@code x[chosen[i]] += factor[i] * (y[i] - x[chosen[i]])}, which for a factor of 1
     * is {@code y[i]} (Raposo et al. 2024).
     *
     * @param factor or null for 1
     * @return whether it was done; if not, both have to come home and be joined there
     */
    default boolean join(float[] x, int n, int[] chosen, float[] factor, float[] y) {
        return false;
    }

    /** The description this was compiled from. */
    TransformerLayer description();
}
