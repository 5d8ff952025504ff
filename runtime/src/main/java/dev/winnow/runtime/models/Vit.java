package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Attention;
import dev.winnow.layers.AttentionMask;
import dev.winnow.layers.Backend;
import dev.winnow.layers.CompiledLayer;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.RelativePositionBias;
import dev.winnow.layers.Residual;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.reduction.StackRunner;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.TokenKind;
import dev.winnow.weights.Settings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * ViT (Dosovitskiy et al. 2020): bare, with a tanh pooler, or with a classifier on the class token. DeiT (Touvron et al. 2020) is the same
 * with a distillation token, which may have a classifier of its own.
 */
final class Vit {
    static final EncoderSize USUAL = EncoderSize.usual(768, 12, 3072, 12, 1e-12, Activation.GELU);

    private Vit() {}

    static VisionTransformer load(Settings c, WeightScope root, Backend backend) {
        String family = c.string("model_type");
        boolean distills = family.equals("deit");
        EncoderSize size = EncoderSize.of(c, USUAL);
        int width = size.width();
        WeightScope vit = root.atAny("embeddings.cls_token", family, "");
        boolean bias = c.flag("qkv_bias", true);
        List<CompiledLayer> layers = new ArrayList<>();
        for (int i = 0; i < size.layers(); i++) {
            layers.add(backend.compile(layer(vit.at("encoder.layer").at(Integer.toString(i)), size, bias, bias, null, Residual.PLAIN)));
        }
        VisionEncoder encoder = new VisionEncoder(backend, embedding(c, vit.at("embeddings"), width, distills), null,
                new StackRunner(Stage.VISION, layers), vit.layerNorm("layernorm", width, size.epsilon()));
        VisionTransformer.Pooler pooler = vit.has("pooler.dense.weight")
                ? new VisionTransformer.Pooler(vit.linear("pooler.dense", Config.size(c, "pooler_output_size", width), width, true),
                        Config.activation(c, "pooler_act", "tanh")) : null;
        String teacher = "DeiTForImageClassificationWithTeacher";
        Linear classifier = VisionTransformer.classifier(c, root, "classifier", distills ? "DeiTForImageClassification"
                : "ViTForImageClassification", width).or(() -> VisionTransformer.classifier(c, root, "cls_classifier", teacher, width)).orElse(null);
        Linear distilled = VisionTransformer.classifier(c, root, "distillation_classifier", teacher, width).orElse(null);
        return new VisionTransformer(family, encoder, new Pooling.ClassToken(), pooler, classifier, distilled);
    }

    private static PatchEmbedding embedding(Settings c, WeightScope e, int width, boolean distills) {
        int image = Config.imageSize(c, 224);
        int patch = Config.size(c, "patch_size", 16);
        int side = PatchEmbedding.side(image, patch);
        int special = distills ? 2 : 1;
        float[] positions = e.vector("position_embeddings", 1, special + side * side, width);
        float[] tokens = e.vector("cls_token", 1, 1, width);
        if (distills) tokens = PatchEmbedding.stacked(tokens, e.vector("distillation_token", 1, 1, width));
        return new PatchEmbedding(image, patch, kernel(c, e, width, patch),
                distills ? List.of(TokenKind.CLASS, TokenKind.REGISTER) : List.of(TokenKind.CLASS), PatchEmbedding.sum(tokens, positions),
                new PatchPositions.Learned(side, Arrays.copyOfRange(positions, special * width, positions.length), null));
    }

    /** The convolution that cuts patches. */
    static Linear kernel(Settings c, WeightScope embeddings, int width, int patch) {
        WeightScope p = embeddings.at("patch_embeddings.projection");
        return new Linear(p.matrix("weight", width, Config.size(c, "num_channels", 3), patch, patch), p.vector("bias", width));
    }

    /**
     * One block.
     *
     * @param bias    of queries and values
     * @param keyBias of keys
     */
    static TransformerLayer layer(WeightScope layer, EncoderSize size, boolean bias, boolean keyBias, RelativePositionBias relative,
                                  Residual residual) {
        int width = size.width();
        return new TransformerLayer(
                layer.layerNorm("layernorm_before", width, size.epsilon()), attention(layer, size, bias, keyBias, relative),
                layer.layerNorm("layernorm_after", width, size.epsilon()),
                new Mlp.Plain(layer.linear("intermediate.dense", size.inner(), width, true),
                        layer.linear("output.dense", width, size.inner(), true), size.activation()), residual);
    }

    /** Attention under the names that ViT, DeiT, BEiT and DINOv2 share; biases as in {@link #layer}. */
    static Attention attention(WeightScope layer, EncoderSize size, boolean bias, boolean keyBias, RelativePositionBias relative) {
        int width = size.width();
        WeightScope a = layer.at("attention.attention");
        return size.attention(a.linear("query", width, width, bias), a.linear("key", width, width, keyBias),
                a.linear("value", width, width, bias), layer.linear("attention.output.dense", width, width, true),
                AttentionMask.BIDIRECTIONAL, relative);
    }
}
