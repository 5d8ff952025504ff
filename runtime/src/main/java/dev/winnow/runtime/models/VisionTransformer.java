package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Attention;
import dev.winnow.layers.AttentionMask;
import dev.winnow.layers.Backend;
import dev.winnow.layers.CompiledLayer;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.StackRunner;
import dev.winnow.reduction.Stage;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.Settings;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * ViT (Dosovitskiy et al. 2020) as Hugging Face lays it out: bare, with a tanh pooler, or with a classifier on the class token.
 *
 * @param pooler     or null
 * @param classifier or null
 */
public record VisionTransformer(VisionEncoder encoder, Linear pooler, Linear classifier) implements Model {
    private static final int MOST_PATCHES_PER_SIDE = 1024;

    @Override
    public String family() {
        return "vit";
    }

    @Override
    public ModelShape shape() {
        return new ModelShape(Optional.of(encoder.shape(encoder.layers() - 1)), 0);
    }

    static VisionTransformer load(Settings c, WeightScope root, Backend backend) {
        int width = Config.size(c, "hidden_size", 768);
        int heads = Config.size(c, "num_attention_heads", 12);
        int headDim = Config.headSize(width, heads);
        int inner = Config.size(c, "intermediate_size", 3072);
        int image = Config.imageSize(c, 224);
        int patch = Config.size(c, "patch_size", 16);
        int channels = Config.size(c, "num_channels", 3);
        double epsilon = Config.atLeastZero(c, "layer_norm_eps", 1e-12);
        boolean bias = c.flag("qkv_bias", true);
        Activation activation = Config.activation(c, "hidden_act", "gelu");
        requirePatches(image, patch);

        WeightScope vit = root.atAny("embeddings.cls_token", "vit", "");
        WeightScope e = vit.at("embeddings");
        List<CompiledLayer> layers = new ArrayList<>();
        for (int i = 0; i < Config.layers(c, 12); i++) {
            WeightScope layer = vit.at("encoder.layer").at(Integer.toString(i));
            WeightScope a = layer.at("attention.attention");
            layers.add(backend.compile(new TransformerLayer(
                    layer.layerNorm("layernorm_before", width, epsilon),
                    new Attention(a.linear("query", width, width, bias), a.linear("key", width, width, bias),
                            a.linear("value", width, width, bias), layer.linear("attention.output.dense", width, width, true),
                            heads, heads, headDim, (float) (1 / Math.sqrt(headDim)), AttentionMask.BIDIRECTIONAL, null),
                    layer.layerNorm("layernorm_after", width, epsilon),
                    new Mlp.Plain(layer.linear("intermediate.dense", inner, width, true),
                            layer.linear("output.dense", width, inner, true), activation))));
        }
        int grid = image / patch;
        VisionEncoder encoder = new VisionEncoder(backend, image, patch, width,
                new Linear(e.matrix("patch_embeddings.projection.weight", width, channels, patch, patch),
                        e.vector("patch_embeddings.projection.bias", width)),
                e.vector("cls_token", 1, 1, width), e.vector("position_embeddings", 1, 1 + grid * grid, width), null,
                new StackRunner(Stage.VISION, layers), vit.layerNorm("layernorm", width, epsilon));
        boolean classifies = root.has("classifier.weight")
                || c.has("architectures") && c.strings("architectures").contains("ViTForImageClassification");
        return new VisionTransformer(encoder,
                vit.has("pooler.dense.weight") ? vit.linear("pooler.dense", width, width, true) : null,
                classifies ? root.linear("classifier", labels(c), width, true) : null);
    }

    static void requirePatches(int image, int patch) {
        if (image % patch != 0) throw new CheckpointException("config: image_size " + image + " is not a multiple of patch_size " + patch);
        if (image / patch > MOST_PATCHES_PER_SIDE) {
            throw new CheckpointException("config: an image_size of " + image + " makes too many patches of " + patch + " pixels");
        }
    }

    private static int labels(Settings c) {
        int labels = c.optionalSection("id2label").map(s -> s.keys().size()).orElse(c.integer("num_labels", 2));
        if (labels < 1) throw new CheckpointException("config: a classifier needs labels, but id2label or num_labels gives " + labels);
        return labels;
    }
}
