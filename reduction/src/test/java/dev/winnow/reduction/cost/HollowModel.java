package dev.winnow.reduction.cost;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Attention;
import dev.winnow.layers.AttentionMask;
import dev.winnow.layers.CompiledLayer;
import dev.winnow.layers.CpuBackend;
import dev.winnow.layers.KvCache;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.Norm;
import dev.winnow.layers.RopeScaling;
import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.layers.Workers;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.Features;
import dev.winnow.reduction.Grid;
import dev.winnow.reduction.LearnedParts;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.StackRunner;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.Tokens;
import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** A published model's shape on {@link HollowKernels}: walks, reduces and counts like the real thing. */
final class HollowModel {
    private final CpuBackend backend = new CpuBackend(new HollowKernels(), Workers.shared());
    private final ModelShape shape;
    private final StackRunner stack;
    private final int width;
    private final int patchInputs;

    private HollowModel(Stage stage, Optional<ModelShape.Vision> vision, int depth, int width, int heads, int kvHeads, Mlp mlp,
                        int patchInputs) {
        this.width = width;
        this.patchInputs = patchInputs;
        int dim = width / heads;
        boolean language = stage == Stage.LANGUAGE;
        RotaryEmbedding rotary = language ? new RotaryEmbedding(dim, 10_000, new RopeScaling.None()) : null;
        Norm norm = new Norm.Rms(new float[width], 1e-6f);
        TransformerLayer layer = new TransformerLayer(norm, new Attention(linear(width, width), linear(kvHeads * dim, width),
                linear(kvHeads * dim, width), linear(width, width), heads, kvHeads, dim, 1, language ? AttentionMask.CAUSAL
                : AttentionMask.BIDIRECTIONAL, rotary), norm, mlp);
        CompiledLayer compiled = backend.compile(layer);
        // nothing distinguishes the layers: one serves for all
        this.stack = new StackRunner(stage, Collections.nCopies(depth, compiled));
        Map<String, Tensor> parts = learned(depth, width, kvHeads * dim);
        this.shape = new ModelShape(vision, language ? depth : 0,
                new LearnedParts(backend, stack.descriptions(), name -> Optional.ofNullable(parts.get(name))));
    }

    /** What methods with learned parameters find: p-MoD's routers, and SwiftKV's projections in the second half of the layers. */
    private static Map<String, Tensor> learned(int depth, int width, int keyWidth) {
        Map<String, Tensor> parts = new HashMap<>();
        parts.put("norm_swiftkv.weight", Tensor.ofFloats("norm_swiftkv.weight", new float[width], width));
        for (int l = 0; l < depth; l++) {
            parts.put("layers." + l + ".router.router.weight", linear(1, width).weight());
            if (l < depth / 2) continue;
            String attention = "layers." + l + ".self_attn.";
            parts.put(attention + "q_proj_swiftkv.weight", linear(width, width).weight());
            parts.put(attention + "k_proj_swiftkv.weight", linear(keyWidth, width).weight());
            parts.put(attention + "v_proj_swiftkv.weight", linear(keyWidth, width).weight());
        }
        return parts;
    }

    /** A plain ViT with 16 x 16 patches. */
    static HollowModel vit(int depth, int width, int heads, int patches, int patchSize) {
        return new HollowModel(Stage.VISION, Optional.of(new ModelShape.Vision(depth, depth - 1, true, patches)), depth, width, heads,
                heads, new Mlp.Plain(linear(4 * width, width), linear(width, 4 * width), Activation.GELU), 3 * patchSize * patchSize);
    }

    /** A Llama. */
    static HollowModel llama(int depth, int width, int heads, int kvHeads, int inner) {
        return new HollowModel(Stage.LANGUAGE, Optional.empty(), depth, width, heads, kvHeads,
                new Mlp.Gated(linear(inner, width), linear(inner, width), linear(width, inner), Activation.SILU), 0);
    }

    private static Linear linear(int out, int in) {
        return new Linear(new Tensor("hollow", DType.BF16, new long[] {out, in}, MemorySegment.NULL.reinterpret(2L * out * in)), null);
    }

    /**
     * What one pass did.
     *
     * @param tokens that ran each layer
     */
    record Pass(long multiplyAdds, List<Integer> tokens, long cacheEntries) {
        double giga() {
            return multiplyAdds / 1e9;
        }
    }

    /**
     * What papers on language models count for a pass: all pairs of tokens in attention though half are masked, and no cost of the
     * method itself; over the tokens that really ran each layer.
     */
    double papersGiga(Pass pass) {
        double multiplyAdds = 0;
        for (int l = 0; l < stack.layers(); l++) {
            TransformerLayer layer = stack.descriptions().get(l);
            double n = pass.tokens.get(l);
            double shared = (double) layer.attention().kvHeads() / layer.attention().heads();
            multiplyAdds += (2 + 2 * shared) * n * width * width + 2 * n * n * width + 3 * n * width * layer.mlp().down().in();
        }
        return multiplyAdds / 1e9;
    }

    /**
     * What MCTF's paper counts for a tower: attention over the tokens before a layer's merge and the MLP over those after it, and no
     * cost of the method itself; over the tokens that were really alive in each layer.
     */
    double mergedBeforeMlpGiga(Pass pass) {
        double patches = shape.vision().orElseThrow().patches();
        double multiplyAdds = patches * width * patchInputs;
        double n = patches + 1;
        for (int left : pass.tokens) {
            multiplyAdds += 4 * n * width * width + 2 * n * n * width + 8.0 * left * width * width;
            n = left;
        }
        return multiplyAdds / 1e9;
    }

    /** One picture through a tower, patch embedding included. */
    Pass encode(String... specs) {
        int patches = shape.vision().orElseThrow().patches();
        Workspace workspace = new Workspace();
        workspace.work().product(patches, width, patchInputs);
        return run(TokenLedger.patches(patches, true, 0), null, workspace, specs);
    }

    /** A prompt of one picture's tokens, in a square where they make one, with text around them. */
    Pass prefill(int before, int visual, int after, String... specs) {
        int n = before + visual + after;
        TokenKind[] kinds = new TokenKind[n];
        Arrays.fill(kinds, TokenKind.TEXT);
        Arrays.fill(kinds, before, before + visual, TokenKind.VISUAL);
        int[] images = new int[n];
        int[] cells = new int[n];
        Arrays.setAll(images, i -> kinds[i] == TokenKind.VISUAL ? 0 : -1);
        Arrays.setAll(cells, i -> kinds[i] == TokenKind.VISUAL ? i - before : -1);
        TokenLedger ledger = TokenLedger.of(IntStream.range(0, n).toArray(), kinds, images, cells, List.of(Grid.square(visual)));
        return run(ledger, new KvCache(stack.descriptions(), 0), new Workspace(), specs);
    }

    private Pass run(TokenLedger ledger, KvCache cache, Workspace workspace, String... specs) {
        Schedule schedule = ReductionPlan.parse(List.of(specs)).schedule(shape);
        // nothing changes them on the way, but methods that compare tokens need some that differ
        Tokens tokens = new Tokens(Features.gaussian(1, ledger.count() * width), width, ledger);
        List<Integer> counts = new ArrayList<>();
        stack.run(tokens, stack.layers(), cache, schedule, workspace, new StackListener() {
            @Override
            public void ran(Stage stage, int layer, int count) {
                counts.add(count);
            }
        });
        long entries = 0;
        for (int l = 0; cache != null && l < cache.layers(); l++) entries += cache.layer(l).length();
        return new Pass(workspace.work().flops() / 2, counts, entries);
    }
}
