package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Attention;
import dev.winnow.layers.AttentionMask;
import dev.winnow.layers.AttentionMode;
import dev.winnow.layers.Backend;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.Norm;
import dev.winnow.layers.RopeScaling;
import dev.winnow.layers.RotaryAxes;
import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.reduction.StackRunner;
import dev.winnow.reduction.Stage;
import dev.winnow.runtime.models.VisionLanguageModel.Features;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.Settings;
import java.util.List;

/**
 * Qwen2-VL (Wang et al. 2024, arXiv 2409.12191): pictures of any size, rotary positions by row and column in the tower and by time, row
 * and column in the prompt; a merger makes one token of each square of patches. Qwen2.5-VL (Bai et al. 2025, arXiv 2502.13923): most
 * blocks of the tower look into windows, with RMSNorm and a gated MLP.
 */
final class Qwen2Vl {
    private Qwen2Vl() {}

    private static final double EPSILON = 1e-6;
    /** The tower has no size of its own; where one is asked for, it is so many squares a side: 448 pixels in what was released. */
    private static final int USUAL_SIDE = 16;
    private static final String TOWER = """
            {"depth": 32, "embed_dim": 1280, "num_heads": 16, "in_channels": 3, "patch_size": 14, "spatial_merge_size": 2,
             "temporal_patch_size": 2, "mlp_ratio": 4, "hidden_act": "quick_gelu"}""";
    private static final String TOWER_2_5 = """
            {"depth": 32, "hidden_size": 3584, "num_heads": 16, "in_channels": 3, "patch_size": 14, "spatial_merge_size": 2,
             "temporal_patch_size": 2, "tokens_per_second": 4, "intermediate_size": 3420, "hidden_act": "silu", "window_size": 112,
             "fullatt_block_indexes": [7, 15, 23, 31]}""";

    static VisionLanguageModel load(Settings c, WeightScope root, Backend backend) {
        String family = c.string("model_type");
        boolean windowed = family.equals("qwen2_5_vl");
        boolean nested = root.has("model.visual.patch_embed.proj.weight");
        WeightScope visual = root.at(nested ? "model.visual" : "visual").sensitive();
        WeightScope text = nested ? root.renamed("model.", "model.language_model.") : root;
        Settings tower = Config.section(c, "vision_config").withDefaults(windowed ? TOWER_2_5 : TOWER);
        VisionEncoder vision = tower(tower, visual, windowed, backend);
        LanguageModel language = LanguageFamilies.load("qwen2", c.optionalSection("text_config").orElse(c), text, backend);
        int square = vision.embedding().order().square();
        int joined = vision.width() * square * square;
        WeightScope m = visual.at("merger");
        Projector projector = new Projector.Merged(square, norm(m, "ln_q", vision.width(), windowed), new Projector.Layers(List.of(
                m.linear("mlp.0", joined, joined, true), m.linear("mlp.2", language.width(), joined, true)), Activation.GELU));
        return new VisionLanguageModel(family, vision, new Features(List.of(vision.layers() - 1), false, true), projector,
                new Packing.Apart(), language, c.integer("image_token_id", 151655),
                new PicturePrompt.Repeated("<|vision_start|>", "<|vision_end|>"), 0, films(c, tower, windowed));
    }

    private static Films films(Settings c, Settings tower, boolean timed) {
        double ticks = timed ? Config.positive(tower, "tokens_per_second") : 0;
        return new Films.Moments(c.integer("video_token_id", 151656), Config.size(tower, "temporal_patch_size"), ticks);
    }

    private static VisionEncoder tower(Settings c, WeightScope visual, boolean windowed, Backend backend) {
        int width = Config.size(c, windowed ? "hidden_size" : "embed_dim");
        int patch = Config.size(c, "patch_size");
        int square = Config.size(c, "spatial_merge_size");
        int channels = Config.size(c, c.has("in_chans") ? "in_chans" : "in_channels");
        int window = windowed ? Config.size(c, "window_size") / square / patch : 0;
        if (windowed && window == 0) throw new CheckpointException("config: window_size is less than " + square + " patches of " + patch);
        PatchOrder order = new PatchOrder(square, window);
        PatchEmbedding embedding = new PatchEmbedding(USUAL_SIDE * patch * square, patch, channels, new Linear(visual.matrix("patch_embed.proj.weight",
                width, channels, Config.size(c, "temporal_patch_size"), patch, patch), null), List.of(), new float[0],
                new PatchPositions.InAttention(0), order);
        int heads = Config.size(c, "num_heads");
        int headDim = Config.headSize(width, heads);
        if (headDim % 4 != 0) throw new CheckpointException("config: rows and columns need heads of a multiple of 4 channels, not " + headDim);
        RotaryEmbedding rotary = new RotaryEmbedding(headDim, 10000, new RopeScaling.None(),
                RotaryAxes.of(List.of(headDim / 4, headDim / 4), true));
        Activation activation = Config.activation(c, "hidden_act");
        List<TransformerLayer> layers = visual.at("blocks").each(Config.layers(c, "depth"), (block, i) -> {
            Linear fused = block.linear("attn.qkv", 3 * width, width, true);
            return new TransformerLayer(norm(block, "norm1", width, windowed),
                    new Attention(fused.rows(0, width), fused.rows(width, width), fused.rows(2 * width, width),
                            block.linear("attn.proj", width, width, true), heads, heads, headDim, (float) (1 / Math.sqrt(headDim)),
                            AttentionMask.BIDIRECTIONAL, rotary),
                    norm(block, "norm2", width, windowed), mlp(c, block.at("mlp"), width, windowed, activation));
        });
        StackRunner stack = new StackRunner(Stage.VISION, layers.stream().map(backend::compile).toList());
        if (windowed) {
            List<Integer> everywhere = c.integers("fullatt_block_indexes");
            stack = stack.seeing((layer, ledger) -> everywhere.contains(layer) ? null
                    : new AttentionMode.Windows(order.bounds(ledger.grid(ledger.image(0)))));
        }
        return new VisionEncoder(backend, embedding, null, stack, null);
    }

    private static Mlp mlp(Settings c, WeightScope m, int width, boolean gated, Activation activation) {
        if (!gated) {
            int inner = Math.toIntExact(Math.round(width * Config.positive(c, "mlp_ratio")));
            return new Mlp.Plain(m.linear("fc1", inner, width, true), m.linear("fc2", width, inner, true), activation);
        }
        int inner = Config.size(c, "intermediate_size");
        return new Mlp.Gated(m.linear("gate_proj", inner, width, true), m.linear("up_proj", inner, width, true),
                m.linear("down_proj", width, inner, true), activation);
    }

    private static Norm norm(WeightScope place, String name, int width, boolean rms) {
        return rms ? place.rmsNorm(name, width, EPSILON) : place.layerNorm(name, width, EPSILON);
    }
}
