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

    /** Whether queries see a window of the keys only. */
    public boolean slides() {
        return window != Integer.MAX_VALUE;
    }

    public static AttentionMask sliding(int window) {
        return new AttentionMask(true, window);
    }
}
