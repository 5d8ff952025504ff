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
import dev.winnow.weights.Settings;
import dev.winnow.weights.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * CLIP (Radford et al. 2021): a vision tower and a causal text tower whose projected class and end tokens meet in one space. The
 * vision tower alone is also what LLaVA looks through.
 *
 * @param visionProjection or null in a tower without one
 * @param text             or null in a vision-only checkpoint
 * @param logitScale       logarithm of the factor on cosines
 */
record Clip(VisionEncoder vision, Linear visionProjection, Text text, float logitScale) {

    /**
     * The text tower.
     *
     * @param positions [context, width]
     * @param eos       where to pool: the first token with this id, or, for 2 (old configurations), the first highest id
     */
    record Text(Tensor embeddings, float[] positions, StackRunner stack, Norm finalNorm, Linear projection, int context, int eos) {
        int width() {
            return embeddings.dim(1);
        }

        /** Index of the token that stands for the text. */
        int pooled(int[] ids) {
            int best = 0;
            for (int i = 0; i < ids.length; i++) {
                if (eos == 2 ? ids[i] > ids[best] : ids[i] == eos) {
                    best = i;
                    if (eos != 2) break;
                }
            }
            return best;
        }
    }

    static Clip load(Settings c, WeightScope root, Backend backend) {
        if (!c.has("text_config") && !c.has("vision_config")) {
            VisionEncoder tower = vision(c, root.at("vision_model"), backend);
            return new Clip(tower, root.has("visual_projection.weight")
                    ? root.linear("visual_projection", Config.size(c, "projection_dim", 512), tower.width(), false) : null, null, 0);
        }
        int shared = Config.size(c, "projection_dim", 512);
        VisionEncoder vision = vision(section(c, "vision_config"), root.at("vision_model"), backend);
        Text text = text(section(c, "text_config"), root, shared, backend);
        return new Clip(vision, root.linear("visual_projection", shared, vision.width(), false), text, root.vector("logit_scale")[0]);
    }

    private static Settings section(Settings c, String key) {
        return c.optionalSection(key).orElse(Settings.of("{}", key));
    }

    /** The vision tower; {@code pre_layrnorm} is spelled so in every checkpoint. */
    static VisionEncoder vision(Settings c, WeightScope tower, Backend backend) {
        int width = Config.size(c, "hidden_size", 768);
        int image = Config.size(c, "image_size", 224);
        int patch = Config.size(c, "patch_size", 32);
        int channels = Config.size(c, "num_channels", 3);
        double epsilon = c.number("layer_norm_eps", 1e-5);
        VisionTransformer.requirePatches(image, patch);
        int grid = image / patch;
        WeightScope e = tower.at("embeddings");
        return new VisionEncoder(backend, image, patch, width,
                new Linear(e.matrix("patch_embedding.weight", width, channels, patch, patch), null),
                e.vector("class_embedding", width), e.vector("position_embedding.weight", 1 + grid * grid, width),
                tower.layerNorm("pre_layrnorm", width, epsilon),
                new StackRunner(Stage.VISION, layers(c, tower, width, 3072, 12, 12, epsilon, AttentionMask.BIDIRECTIONAL, backend)),
                tower.layerNorm("post_layernorm", width, epsilon));
    }

    private static Text text(Settings c, WeightScope root, int shared, Backend backend) {
        WeightScope tower = root.at("text_model");
        int width = Config.size(c, "hidden_size", 512);
        int context = Config.size(c, "max_position_embeddings", 77);
        double epsilon = c.number("layer_norm_eps", 1e-5);
        WeightScope e = tower.at("embeddings");
        return new Text(e.matrix("token_embedding.weight", Config.size(c, "vocab_size", 49408), width),
                e.vector("position_embedding.weight", context, width),
                new StackRunner(Stage.LANGUAGE, layers(c, tower, width, 2048, 12, 8, epsilon, AttentionMask.CAUSAL, backend)),
                tower.layerNorm("final_layer_norm", width, epsilon),
                root.linear("text_projection", shared, width, false), context, c.integer("eos_token_id", 49407));
    }

    private static List<CompiledLayer> layers(Settings c, WeightScope tower, int width, int usualInner, int usualLayers, int usualHeads,
                                              double epsilon, AttentionMask mask, Backend backend) {
        int heads = Config.size(c, "num_attention_heads", usualHeads);
        int headDim = Config.headSize(width, heads);
        int inner = Config.size(c, "intermediate_size", usualInner);
        Activation activation = Config.activation(c, "hidden_act", "quick_gelu");
        List<CompiledLayer> layers = new ArrayList<>();
        for (int i = 0; i < Config.size(c, "num_hidden_layers", usualLayers); i++) {
            WeightScope layer = tower.at("encoder.layers").at(Integer.toString(i));
            WeightScope a = layer.at("self_attn");
            layers.add(backend.compile(new TransformerLayer(
                    layer.layerNorm("layer_norm1", width, epsilon),
                    new Attention(a.linear("q_proj", width, width, true), a.linear("k_proj", width, width, true),
                            a.linear("v_proj", width, width, true), a.linear("out_proj", width, width, true),
                            heads, heads, headDim, (float) (1 / Math.sqrt(headDim)), mask, null),
                    layer.layerNorm("layer_norm2", width, epsilon),
                    new Mlp.Plain(layer.linear("mlp.fc1", inner, width, true), layer.linear("mlp.fc2", width, inner, true), activation))));
        }
        return layers;
    }
}
