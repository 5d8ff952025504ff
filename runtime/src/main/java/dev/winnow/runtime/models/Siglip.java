package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.AttentionMask;
import dev.winnow.layers.Backend;
import dev.winnow.layers.Linear;
import dev.winnow.reduction.StackRunner;
import dev.winnow.reduction.Stage;
import dev.winnow.weights.Settings;
import java.util.List;

/**
 * SigLIP (Zhai et al. 2023): a vision tower without a class token, pooled by attention, and a bidirectional text tower whose last token
 * stands for a text that is filled up to the context. The vision tower alone is what many later models look through.
 */
final class Siglip {
    private static final EncoderSize USUAL = EncoderSize.usual(768, 12, 3072, 12, 1e-6, Activation.GELU_TANH);

    private Siglip() {}

    static ImageTextEncoder load(Settings c, WeightScope root, Backend backend) {
        boolean alone = !c.has("text_config") && !c.has("vision_config");
        Settings visionConfig = alone ? c : Config.section(c, "vision_config");
        WeightScope tower = root.at("vision_model");
        VisionEncoder vision = vision(visionConfig, tower, backend);
        Pooling head = head(tower.at("head"), EncoderSize.of(visionConfig, USUAL));
        if (alone) return new ImageTextEncoder("siglip_vision_model", vision, head, null, null, 0, 0);
        return new ImageTextEncoder("siglip", vision, head, null, text(Config.section(c, "text_config"), root.at("text_model"), backend),
                root.vector("logit_scale", 1)[0], root.vector("logit_bias", 1)[0]);
    }

    static VisionEncoder vision(Settings c, WeightScope tower, Backend backend) {
        return vision(c, tower, false, backend);
    }

    /** A tower that spreads its places over pictures of any size up to its own. */
    static VisionEncoder spread(Settings c, WeightScope tower, Backend backend) {
        return vision(c, tower, true, backend);
    }

    private static VisionEncoder vision(Settings c, WeightScope tower, boolean spreads, Backend backend) {
        EncoderSize size = EncoderSize.of(c, USUAL);
        int width = size.width();
        int image = Config.imageSize(c, 224);
        int patch = Config.size(c, "patch_size", 16);
        int side = PatchEmbedding.side(image, patch);
        WeightScope e = tower.at("embeddings");
        float[] positions = e.vector("position_embedding.weight", side * side, width);
        PatchEmbedding embedding = new PatchEmbedding(image, patch,
                new Linear(e.matrix("patch_embedding.weight", width, Config.size(c, "num_channels", 3), patch, patch),
                        e.vector("patch_embedding.bias", width)),
                List.of(), new float[0], spreads ? new PatchPositions.Spread(side, positions) : new PatchPositions.Learned(side, positions, null));
        return new VisionEncoder(backend, embedding, null,
                new StackRunner(Stage.VISION, Clip.layers(tower, size, AttentionMask.BIDIRECTIONAL, backend)),
                tower.layerNorm("post_layernorm", width, size.epsilon()));
    }

    private static Pooling head(WeightScope head, EncoderSize size) {
        int width = size.width();
        WeightScope a = head.at("attention");
        Linear in = new Linear(a.matrix("in_proj_weight", 3 * width, width), a.vector("in_proj_bias", 3 * width));
        return new Pooling.Attentive(head.vector("probe", 1, 1, width), in.rows(0, width), in.rows(width, width),
                in.rows(2 * width, width), a.linear("out_proj", width, width, true), size.heads(),
                head.layerNorm("layernorm", width, size.epsilon()), Clip.mlp(head.at("mlp"), size));
    }

    private static TextEncoder text(Settings c, WeightScope tower, Backend backend) {
        EncoderSize size = EncoderSize.of(c, USUAL);
        int width = size.width();
        int context = Config.size(c, "max_position_embeddings", 64);
        WeightScope e = tower.at("embeddings");
        return new TextEncoder(backend, e.matrix("token_embedding.weight", Config.size(c, "vocab_size", 32000), width),
                e.vector("position_embedding.weight", context, width), Clip.layers(tower, size, AttentionMask.BIDIRECTIONAL, backend),
                tower.layerNorm("final_layer_norm", width, size.epsilon()), context, ids -> ids.length - 1,
                tower.linear("head", Config.size(c, "projection_size", width), width, true), null, c.integer("pad_token_id", 1));
    }
}
