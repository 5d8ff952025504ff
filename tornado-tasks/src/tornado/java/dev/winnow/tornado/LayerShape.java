package dev.winnow.tornado;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Attention;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.Norm;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.weights.DType;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What kernels of a layer are compiled for. Layers of one shape run by the same programs; weights, masks and positions are data.
 *
 * @param inner      neurons of the MLP
 * @param half       channel pairs of a head that rotate, 0 for none
 * @param scale      factor on the logits
 * @param softcap    bound on the logits, 0 for none
 * @param branchScale factor on what either half adds
 */
record LayerShape(int width, int heads, int kvHeads, int headDim, int inner, boolean gated, Activation activation, DType dtype,
                  NormShape attentionNorm, NormShape queryNorm, NormShape keyNorm, NormShape afterAttention, NormShape mlpNorm,
                  NormShape afterMlp, int half, float scale, float softcap, float branchScale) {
    /** What a work-group's memory has room for. */
    private static final int WIDEST_HEAD = 256;

    enum NormKind { NONE, RMS, LAYER, FACTORS }

    /** @param width channels that are normalised together */
    record NormShape(NormKind kind, int width, float epsilon) {
        private static final NormShape NONE = new NormShape(NormKind.NONE, 0, 0);

        static NormShape of(Norm norm) {
            return switch (norm) {
                case null -> NONE;
                case Norm.Rms n -> new NormShape(NormKind.RMS, n.width(), n.epsilon());
                case Norm.Layer n -> new NormShape(NormKind.LAYER, n.width(), n.epsilon());
                case Norm.Factors n -> new NormShape(NormKind.FACTORS, n.width(), 0);
            };
        }

        boolean isNone() {
            return kind == NormKind.NONE;
        }
    }

    /** The shape of a layer that has one: experts, relative position biases and parallel halves have no kernels, nor have mixed weights. */
    static Optional<LayerShape> of(TransformerLayer layer) {
        Attention a = layer.attention();
        if (a.relative() != null || layer.residual().parallel() || !(layer.mlp() instanceof Mlp.Dense mlp)) return Optional.empty();
        if (a.headDim() > WIDEST_HEAD) return Optional.empty();
        DType dtype = a.query().weight().dtype();
        if (!WeightStore.holds(dtype) || !linears(layer).allMatch(l -> l.weight().dtype() == dtype)) return Optional.empty();
        return Optional.of(new LayerShape(a.query().in(), a.heads(), a.kvHeads(), a.headDim(), mlp.down().in(), mlp instanceof Mlp.Gated,
                mlp.activation(), dtype, NormShape.of(layer.attentionNorm()), NormShape.of(a.queryNorm()), NormShape.of(a.keyNorm()),
                NormShape.of(layer.residual().afterAttention()), NormShape.of(layer.mlpNorm()), NormShape.of(layer.residual().afterMlp()),
                a.rotary() == null ? 0 : a.rotary().half(), a.scale(), a.softcap(), layer.residual().scale()));
    }

    private static Stream<Linear> linears(TransformerLayer layer) {
        Attention a = layer.attention();
        Mlp.Dense mlp = (Mlp.Dense) layer.mlp();
        List<Linear> up = mlp instanceof Mlp.Gated g ? List.of(g.up()) : List.of();
        return Stream.concat(Stream.of(a.query(), a.key(), a.value(), a.output(), mlp.first(), mlp.down()), up.stream());
    }

    int queryWidth() {
        return heads * headDim;
    }

    int keyWidth() {
        return kvHeads * headDim;
    }

    /** Queries, keys and values of a token, side by side. */
    int attendingWidth() {
        return queryWidth() + 2 * keyWidth();
    }

    boolean addsPlainly(NormShape after) {
        return after.isNone() && branchScale == 1;
    }

    /** Floats that a token takes while a layer runs. */
    int floatsPerToken() {
        return 3 * width + attendingWidth() + queryWidth() + inner + 2 * half;
    }
}
