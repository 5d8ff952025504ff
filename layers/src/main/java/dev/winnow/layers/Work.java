package dev.winnow.layers;

/** Counts what really ran. One instance belongs to one request; not thread-safe. */
public final class Work {
    private long flops;

    /** Adds a product of [m, k] and [k, n]: 2 m n k. */
    public void product(long m, long n, long k) {
        flops += 2 * m * n * k;
    }

    /** Adds attention of heads * headDim channels over the given number of (query, key) pairs: logits and weighted values. */
    public void attention(long pairs, long heads, long headDim) {
        flops += 4 * pairs * heads * headDim;
    }

    /** Floating-point operations so far; a multiply-add counts two. */
    public long flops() {
        return flops;
    }
}
