package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.AttentionMask;
import dev.winnow.layers.Backend;
import dev.winnow.layers.CompiledLayer;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.reduction.StackRunner;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.TokenKind;
import dev.winnow.weights.Settings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * CLIP (Radford et al. 2021): a vision tower and a causal text tower whose projected class and end tokens meet in one space. The
 * vision tower alone is also what LLaVA looks through.
 */
final class Clip {
    private static final EncoderSize USUAL_VISION = EncoderSize.usual(768, 12, 3072, 12, 1e-5, Activation.QUICK_GELU);
    private static final EncoderSize USUAL_TEXT = EncoderSize.usual(512, 8, 2048, 12, 1e-5, Activation.QUICK_GELU);

    private Clip() {}

    static ImageTextEncoder load(Settings c, WeightScope root, Backend backend) {
        int shared = Config.size(c, "projection_dim", 512);
        if (!c.has("text_config") && !c.has("vision_config")) {
            VisionEncoder tower = vision(c, root.at("vision_model"), backend);
            Linear projection = root.has("visual_projection.weight")
                    ? root.linear("visual_projection", shared, tower.width(), false) : null;
            return new ImageTextEncoder("clip_vision_model", tower, new Pooling.ClassToken(), projection, null, 0, 0);
        }
        VisionEncoder vision = vision(Config.section(c, "vision_config"), root.at("vision_model"), backend);
        return new ImageTextEncoder("clip", vision, new Pooling.ClassToken(),
                root.linear("visual_projection", shared, vision.width(), false),
                text(Config.section(c, "text_config"), root, shared, backend), root.vector("logit_scale")[0], 0);
    }

    /** The vision tower; {@code pre_layrnorm} is spelled so in every checkpoint. */
    static VisionEncoder vision(Settings c, WeightScope tower, Backend backend) {
        EncoderSize size = EncoderSize.of(c, USUAL_VISION);
        int width = size.width();
        int image = Config.imageSize(c, 224);
        int patch = Config.size(c, "patch_size", 32);
        int side = PatchEmbedding.side(image, patch);
        WeightScope e = tower.at("embeddings");
        float[] positions = e.vector("position_embedding.weight", 1 + side * side, width);
        PatchEmbedding embedding = new PatchEmbedding(image, patch,
                new Linear(e.matrix("patch_embedding.weight", width, Config.size(c, "num_channels", 3), patch, patch), null),
                List.of(TokenKind.CLASS), PatchEmbedding.sum(e.vector("class_embedding", width), positions),
                new PatchPositions.Learned(side, Arrays.copyOfRange(positions, width, positions.length), null));
        return new VisionEncoder(backend, embedding, tower.layerNorm("pre_layrnorm", width, size.epsilon()),
                new StackRunner(Stage.VISION, layers(tower, size, AttentionMask.BIDIRECTIONAL, backend)),
                tower.layerNorm("post_layernorm", width, size.epsilon()));
    }

    private static TextEncoder text(Settings c, WeightScope root, int shared, Backend backend) {
        WeightScope tower = root.at("text_model");
        EncoderSize size = EncoderSize.of(c, USUAL_TEXT);
        int width = size.width();
        int context = Config.size(c, "max_position_embeddings", 77);
        int eos = c.integer("eos_token_id", 49407);
        WeightScope e = tower.at("embeddings");
        return new TextEncoder(backend, e.matrix("token_embedding.weight", Config.size(c, "vocab_size", 49408), width),
                e.vector("position_embedding.weight", context, width), layers(tower, size, AttentionMask.CAUSAL, backend),
                tower.layerNorm("final_layer_norm", width, size.epsilon()), context,
                // old configurations say 2, whatever the tokenizer has; the end token is the highest id
                eos == 2 ? Clip::highest : ids -> first(ids, eos),
                null, root.linear("text_projection", shared, width, false), -1);
    }

    private static int highest(int[] ids) {
        return first(ids, Arrays.stream(ids).max().orElseThrow());
    }

    private static int first(int[] ids, int id) {
        return IntStream.range(0, ids.length).filter(i -> ids[i] == id).findFirst().orElse(0);
    }

    /** The blocks of a tower; SigLIP's have the same names. */
    static List<CompiledLayer> layers(WeightScope tower, EncoderSize size, AttentionMask mask, Backend backend) {
        int width = size.width();
        List<CompiledLayer> layers = new ArrayList<>();
        for (int i = 0; i < size.layers(); i++) {
            WeightScope layer = tower.at("encoder.layers").at(Integer.toString(i));
            WeightScope a = layer.at("self_attn");
            layers.add(backend.compile(new TransformerLayer(
                    layer.layerNorm("layer_norm1", width, size.epsilon()),
                    size.attention(a.linear("q_proj", width, width, true), a.linear("k_proj", width, width, true),
                            a.linear("v_proj", width, width, true), a.linear("out_proj", width, width, true), mask, null),
                    layer.layerNorm("layer_norm2", width, size.epsilon()),
                    mlp(layer.at("mlp"), size))));
        }
        return layers;
    }

    static Mlp.Plain mlp(WeightScope mlp, EncoderSize size) {
        return new Mlp.Plain(mlp.linear("fc1", size.inner(), size.width(), true), mlp.linear("fc2", size.width(), size.inner(), true),
                size.activation());
    }
}
