package dev.winnow.runtime.models;

import dev.winnow.layers.Attention;
import dev.winnow.layers.AttentionMask;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.TransformerLayer;
import java.util.List;
import java.util.stream.LongStream;

/** Floating-point operations that follow from shapes alone; a multiply-add counts two. */
public final class ComputeCost {
    /** Buffers of a layer: normed, queries, keys, values, attended, hidden, gated, entered, branch, routed, expert. */
    private static final int SLOTS = 11;

    private ComputeCost() {}

    /** Dense layers over n new tokens of a sequence that had none before; masked pairs of tokens cost nothing. */
    public static long layers(List<TransformerLayer> layers, long n) {
        long flops = 0;
        for (TransformerLayer l : layers) {
            Attention a = l.attention();
            flops += n * (product(a.query()) + product(a.key()) + product(a.value()) + product(a.output()));
            flops += n * mlp(l.mlp());
            flops += 4 * pairs(a.mask(), n) * a.heads() * a.headDim();
        }
        return flops;
    }

    /** One token through an MLP; of a mixture it runs only its own experts. */
    private static long mlp(Mlp mlp) {
        return switch (mlp) {
            case Mlp.Plain m -> product(m.up()) + product(m.down());
            case Mlp.Gated m -> product(m.gate()) + product(m.up()) + product(m.down());
            case Mlp.MixtureOfExperts m -> product(m.router()) + m.active() * mlp(m.experts().getFirst());
        };
    }

    /** (query, key) pairs of n tokens that a mask lets through. */
    private static long pairs(AttentionMask mask, long n) {
        if (!mask.causal()) return n * n;
        long seen = Math.min(n, mask.window());
        return seen * (seen + 1) / 2 + (n - seen) * seen;
    }

    /** One row through a map. */
    public static long product(Linear l) {
        return 2L * l.out() * l.in();
    }

    /** One image through a tower, patches included. */
    public static long image(VisionEncoder tower, int blocks) {
        return tower.embedding().flops()
                + layers(tower.stack().descriptions().subList(0, blocks), tower.patchCount() + tower.specialTokens());
    }

    /**
     * Bytes of scratch that n new tokens take on the way through layers, of a mixture at most: buffers are shared by all layers, each as
     * large as the layer that needs most of it.
     */
    public static long scratch(List<TransformerLayer> layers, long n) {
        long[] widest = new long[SLOTS];
        for (TransformerLayer l : layers) {
            Attention a = l.attention();
            long width = a.query().in();
            long keys = (long) a.kvHeads() * a.headDim();
            long queries = (long) a.heads() * a.headDim();
            Mlp.Dense dense = dense(l.mlp());
            boolean mixes = l.mlp() instanceof Mlp.MixtureOfExperts;
            boolean apart = mixes || l.residual().scale() != 1 || l.residual().afterAttention() != null || l.residual().afterMlp() != null;
            long[] own = {l.attentionNorm() == null && l.mlpNorm() == null ? 0 : width, queries, keys, keys, queries, dense.down().in(),
                dense instanceof Mlp.Gated ? dense.down().in() : 0, l.residual().parallel() ? width : 0, apart ? width : 0,
                mixes ? ((Mlp.MixtureOfExperts) l.mlp()).experts().size() : 0, mixes ? width : 0};
            for (int i = 0; i < SLOTS; i++) widest[i] = Math.max(widest[i], own[i]);
        }
        return Float.BYTES * n * LongStream.of(widest).sum();
    }

    private static Mlp.Dense dense(Mlp mlp) {
        return switch (mlp) {
            case Mlp.Dense m -> m;
            case Mlp.MixtureOfExperts m -> m.experts().getFirst();
        };
    }

    /** Bytes of keys and values per token in all layers. */
    public static long cachePerToken(List<TransformerLayer> layers) {
        long bytes = 0;
        for (TransformerLayer l : layers) bytes += 2L * Float.BYTES * l.attention().kvHeads() * l.attention().headDim();
        return bytes;
    }
}
