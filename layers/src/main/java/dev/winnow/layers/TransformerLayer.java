package dev.winnow.layers;

/**
 * A residual layer of two halves, attention and MLP. Data only; a {@link Backend} compiles it.
 *
 * @param attentionNorm in front of the attention, or null for none
 * @param mlpNorm       in front of the MLP, or null for none
 * @param residual      how what the halves make is added to the tokens
 */
public record TransformerLayer(Norm attentionNorm, Attention attention, Norm mlpNorm, Mlp mlp, Residual residual) {
    /** A pre-norm layer: {@code x += attention(norm(x)); x += mlp(norm(x))}. */
    public TransformerLayer(Norm attentionNorm, Attention attention, Norm mlpNorm, Mlp mlp) {
        this(attentionNorm, attention, mlpNorm, mlp, Residual.PLAIN);
    }

    /** Whether all tokens run one MLP, after the attention: what methods can act on that come between the halves. */
    public boolean separateMlp() {
        return mlp instanceof Mlp.Dense && !residual.parallel();
    }

    /** The same layer with another attention. */
    public TransformerLayer with(Norm otherNorm, Attention otherAttention) {
        return new TransformerLayer(otherNorm, otherAttention, mlpNorm, mlp, residual);
    }
}
