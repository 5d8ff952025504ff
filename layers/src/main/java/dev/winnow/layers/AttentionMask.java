package dev.winnow.layers;

/**
 * Which keys a query sees.
 *
 * @param causal whether a query sees only entries appended up to and including itself
 * @param window how many positions back a query sees, itself included; {@link Integer#MAX_VALUE} for all
 */
public record AttentionMask(boolean causal, int window) {
    public static final AttentionMask CAUSAL = new AttentionMask(true, Integer.MAX_VALUE);
    public static final AttentionMask BIDIRECTIONAL = new AttentionMask(false, Integer.MAX_VALUE);

    /** (query, key) pairs that pass, of n queries that are the last entries of a cache; averaged over the key heads. */
    public long pairs(int n, KeyValues kv) {
        long pairs = 0;
        for (int h = 0; h < kv.heads(); h++) {
            long length = kv.length(h);
            if (!causal) pairs += n * length;
            for (int i = 0; causal && i < n; i++) pairs += Math.min(window, length - n + i + 1);
        }
        return pairs / kv.heads();
    }

    /** Whether queries see a window of the keys only. */
    public boolean slides() {
        return window != Integer.MAX_VALUE;
    }

    public static AttentionMask sliding(int window) {
        return new AttentionMask(true, window);
    }
}
