package dev.winnow.layers;

/**
 * A pre-norm residual layer: {@code x += attention(norm(x)); x += mlp(norm(x))}. Data only; a {@link Backend} compiles it.
 *
 * @param scale factors on what each half adds, or null for none
 */
public record TransformerLayer(Norm attentionNorm, Attention attention, Norm mlpNorm, Mlp mlp, LayerScale scale) {
    /** A layer without factors. */
    public TransformerLayer(Norm attentionNorm, Attention attention, Norm mlpNorm, Mlp mlp) {
        this(attentionNorm, attention, mlpNorm, mlp, null);
    }
}
