package dev.winnow.layers;

/** Attention in tiles with an online softmax. (contract) */
public final class TiledAttention {
    private TiledAttention() {}

    /**
     * {@code out[i, h] = softmax(q[i, h] . K[h / group]^T * scale + bias) V}. The n queries are the last n entries of the cache
     * (causal masks go by that order; the window goes by positions).
     *
     * @param q         [n, heads * headDim], row stride qStride
     * @param positions of the n queries
     * @param out       [n, heads * headDim], row stride outStride
     */
    public static void attend(Kernels kernels, Workers workers, float[] q, int qStride, int n, int heads, int[] positions,
                              KeyValues kv, float scale, AttentionMask mask, float[] out, int outStride) {
        throw new UnsupportedOperationException();
    }

    /**
     * Attention probabilities of chosen queries only: [heads, count, kv.length()] for queries first .. first + count - 1 of the n
     * queries in q. Costs in proportion to count.
     */
    public static float[] probabilities(Kernels kernels, Workers workers, float[] q, int qStride, int n, int heads, int[] positions,
                                        KeyValues kv, float scale, AttentionMask mask, int first, int count) {
        throw new UnsupportedOperationException();
    }
}
