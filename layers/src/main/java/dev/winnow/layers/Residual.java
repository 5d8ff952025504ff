package dev.winnow.layers;

/**
 * How the two halves of a layer come back to the residual stream: {@code x += scale * after(half(before(x)))}, one after the other or
 * both from the same x.
 *
 * @param afterAttention norm of what attention adds, or null for none
 * @param afterMlp       norm of what the MLP adds, or null for none
 * @param scale          factor on what either adds
 * @param parallel       whether the MLP reads the tokens as they were before the attention (Wang and Komatsuzaki 2021)
 */
public record Residual(Norm afterAttention, Norm afterMlp, float scale, boolean parallel) {
    /** Sums as they are: {@code x += attention(norm(x)); x += mlp(norm(x))}. */
    public static final Residual PLAIN = new Residual(null, null, 1f, false);
    /** {@code x += attention(norm(x)) + mlp(norm(x))}. */
    public static final Residual PARALLEL = new Residual(null, null, 1f, true);

    public static Residual normed(Norm afterAttention, Norm afterMlp) {
        return new Residual(afterAttention, afterMlp, 1f, false);
    }

    public static Residual scaled(float scale) {
        return new Residual(null, null, scale, false);
    }
}
