package dev.winnow.layers;

/** A pre-norm residual layer: {@code x += attention(norm(x)); x += mlp(norm(x))}. Data only; a {@link Backend} compiles it. */
public record TransformerLayer(Norm attentionNorm, Attention attention, Norm mlpNorm, Mlp mlp) {}
