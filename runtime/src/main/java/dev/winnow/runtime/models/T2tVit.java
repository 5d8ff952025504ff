package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Attention;
import dev.winnow.layers.AttentionMask;
import dev.winnow.layers.Backend;
import dev.winnow.layers.CompiledLayer;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.Norm;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.reduction.StackRunner;
import dev.winnow.reduction.Stage;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.Settings;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * T2T-ViT (Yuan et al. 2021, arXiv 2101.11986) under the names of yitu-opensource/T2T-ViT: a deep and narrow ViT behind a module that
 * makes tokens of overlapping tokens.
 */
final class T2tVit {
    /** Of PyTorch's layer norm. */
    private static final double EPSILON = 1e-5;

    /** What a name stands for. */
    private record Usual(boolean performer, int width, int depth, int heads, int mlpRatio) {}

    static final Map<String, Usual> ARCHITECTURES = new TreeMap<>(Map.of(
            "t2t_vit_7", new Usual(true, 256, 7, 4, 2), "t2t_vit_10", new Usual(true, 256, 10, 4, 2),
            "t2t_vit_12", new Usual(true, 256, 12, 4, 2), "t2t_vit_14", new Usual(true, 384, 14, 6, 3),
            "t2t_vit_19", new Usual(true, 448, 19, 7, 3), "t2t_vit_24", new Usual(true, 512, 24, 8, 3),
            "t2t_vit_t_14", new Usual(false, 384, 14, 6, 3), "t2t_vit_t_19", new Usual(false, 448, 19, 7, 3),
            "t2t_vit_t_24", new Usual(false, 512, 24, 8, 3), "t2t_vit_14_wide", new Usual(true, 768, 4, 12, 3)));
    static {
        ARCHITECTURES.put("t2t_vit_14_resnext", new Usual(true, 384, 14, 32, 3));
    }

    private T2tVit() {}

    static VisionTransformer load(Timm timm, WeightScope root, Backend backend) {
        timm.requireKnown(Set.of("embed_dim", "depth", "num_heads", "mlp_ratio", "token_dim", "img_size", "in_chans", "qkv_bias",
                "qk_scale"));
        Settings args = timm.args();
        Usual usual = ARCHITECTURES.get(timm.architecture());
        int width = Config.size(args, "embed_dim", usual.width);
        int heads = Config.size(args, "num_heads", usual.heads);
        int headDim = Config.headSize(width, heads);
        int inner = Config.inner(width, Config.positive(args, "mlp_ratio", usual.mlpRatio));
        boolean bias = args.flag("qkv_bias", false);
        float scale = (float) Config.positive(args, "qk_scale", 1 / Math.sqrt(headDim));
        int depth = args.has("depth") ? Config.layers(args, "depth") : usual.depth;
        List<CompiledLayer> layers = root.at("blocks").each(depth, (block, i) -> {
            Linear fused = block.linear("attn.qkv", 3 * width, width, bias);
            Attention attention = new Attention(fused.rows(0, width), fused.rows(width, width), fused.rows(2 * width, width),
                    block.linear("attn.proj", width, width, true), heads, heads, headDim, scale, AttentionMask.BIDIRECTIONAL, null);
            return backend.compile(new TransformerLayer(block.layerNorm("norm1", width, EPSILON), attention,
                    block.layerNorm("norm2", width, EPSILON), mlp(block, "mlp.fc1", "mlp.fc2", width, inner)));
        });
        VisionEncoder encoder = new VisionEncoder(backend, stem(timm, root, usual.performer, width), null,
                new StackRunner(Stage.VISION, layers), root.layerNorm("norm", width, EPSILON));
        Linear head = timm.classes() > 0 ? root.linear("head", timm.classes(), width, true) : null;
        return new VisionTransformer(timm.architecture(), encoder, new Pooling.ClassToken(), null, head, null);
    }

    private static TokensToToken stem(Timm timm, WeightScope root, boolean performer, int width) {
        int token = Config.size(timm.args(), "token_dim", 64);
        int image = timm.imageSize();
        if (image % TokensToToken.STEP != 0) {
            throw new CheckpointException("config.json: pictures of " + image + " pixels a side are no multiple of " + TokensToToken.STEP);
        }
        if (token < 2 || token > 1 << 16) {
            throw new CheckpointException("config.json: model_args.token_dim should be from 2 to 65536 but is " + token);
        }
        WeightScope t2t = root.at("tokens_to_token");
        int first = timm.channels() * 7 * 7;
        int later = token * 3 * 3;
        int side = image / TokensToToken.STEP;
        float[] positions = root.vector("pos_embed", 1, 1 + side * side, width);
        return new TokensToToken(image, timm.channels(), mixer(t2t.at("attention1"), performer, first, token),
                mixer(t2t.at("attention2"), performer, later, token), t2t.linear("project", width, later, true),
                PatchEmbedding.sum(root.vector("cls_token", 1, 1, width), positions),
                new PatchPositions.Learned(side, Arrays.copyOfRange(positions, width, positions.length), null));
    }

    private static TokensToToken.Mixer mixer(WeightScope place, boolean performer, int in, int width) {
        Norm norm = place.layerNorm("norm1", in, EPSILON);
        Norm mlpNorm = place.layerNorm("norm2", width, EPSILON);
        if (performer) {
            Linear kqv = place.linear("kqv", 3 * width, in, true);
            return new TokensToToken.Performer(norm, kqv.rows(0, width), kqv.rows(width, width), kqv.rows(2 * width, width),
                    new Linear(place.matrix("w", width / 2, width), null), place.linear("proj", width, width, true), mlpNorm,
                    mlp(place, "mlp.0", "mlp.2", width, width));
        }
        Linear qkv = place.linear("attn.qkv", 3 * width, in, false);
        return new TokensToToken.Transformer(norm, qkv.rows(0, width), qkv.rows(width, width), qkv.rows(2 * width, width),
                place.linear("attn.proj", width, width, true), mlpNorm, mlp(place, "mlp.fc1", "mlp.fc2", width, width));
    }

    private static Mlp.Plain mlp(WeightScope place, String up, String down, int width, int inner) {
        return new Mlp.Plain(place.linear(up, inner, width, true), place.linear(down, width, inner, true), Activation.GELU);
    }
}
