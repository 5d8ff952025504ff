package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Backend;
import dev.winnow.layers.CompiledLayer;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.Residual;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.reduction.StackRunner;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.TokenKind;
import dev.winnow.weights.Settings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * DINOv2 (Oquab et al. 2023): scaled layers, an MLP that may be gated, pictures of any size; and its successor with register tokens
 * (Darcet et al. 2023).
 */
final class Dino {
    private static final EncoderSize USUAL = EncoderSize.usual(768, 12, 3072, 12, 1e-6, Activation.GELU);

    private Dino() {}

    static VisionTransformer load(Settings c, WeightScope root, Backend backend) {
        String family = c.string("model_type");
        boolean registers = family.equals("dinov2_with_registers");
        EncoderSize size = EncoderSize.of(c, USUAL);
        WeightScope dino = root.atAny("embeddings.cls_token", family, "");
        int inner = size.width() * Config.size(c, "mlp_ratio", 4);
        List<CompiledLayer> layers = new ArrayList<>();
        for (int i = 0; i < size.layers(); i++) {
            WeightScope layer = dino.at("encoder.layer").at(Integer.toString(i));
            layers.add(backend.compile(layer(layer, size, c.flag("qkv_bias", true),
                    c.flag("use_swiglu_ffn", false) ? gated(layer.at("mlp"), size.width(), inner)
                            : new Mlp.Plain(layer.linear("mlp.fc1", inner, size.width(), true),
                                    layer.linear("mlp.fc2", size.width(), inner, true), size.activation()))));
        }
        VisionEncoder encoder = new VisionEncoder(backend,
                embedding(c, dino.at("embeddings"), size.width(), registers ? Config.size(c, "num_register_tokens", 4) : 0), null,
                new StackRunner(Stage.VISION, layers), dino.layerNorm("layernorm", size.width(), size.epsilon()));
        Linear classifier = VisionTransformer.classifier(c, root, "classifier",
                registers ? "Dinov2WithRegistersForImageClassification" : "Dinov2ForImageClassification", 2 * size.width()).orElse(null);
        return new VisionTransformer(family, encoder, classifier == null ? new Pooling.ClassToken() : new Pooling.ClassAndMean(), null,
                classifier, null);
    }

    /** Registers have no positions; those of patches are stretched to other numbers of patches than the tower was trained with. */
    private static PatchEmbedding embedding(Settings c, WeightScope e, int width, int registers) {
        int image = Config.imageSize(c, 224);
        int patch = Config.size(c, "patch_size", 14);
        int side = PatchEmbedding.side(image, patch);
        float[] positions = e.vector("position_embeddings", 1, 1 + side * side, width);
        float[] special = PatchEmbedding.sum(e.vector("cls_token", 1, 1, width), positions);
        if (registers > 0) special = PatchEmbedding.stacked(special, e.vector("register_tokens", 1, registers, width));
        List<TokenKind> kinds = new ArrayList<>(List.of(TokenKind.CLASS));
        kinds.addAll(Collections.nCopies(registers, TokenKind.REGISTER));
        return new PatchEmbedding(image, patch, Vit.kernel(c, e, width, patch), List.copyOf(kinds), special,
                new PatchPositions.Learned(side, Arrays.copyOfRange(positions, width, positions.length),
                        registers > 0 ? Bicubic.ANTIALIASED : Bicubic.PLAIN));
    }

    private static TransformerLayer layer(WeightScope layer, EncoderSize size, boolean bias, Mlp mlp) {
        int width = size.width();
        return new TransformerLayer(
                layer.layerNorm("norm1", width, size.epsilon()), Vit.attention(layer, size, bias, bias, null),
                layer.layerNorm("norm2", width, size.epsilon()), mlp,
                Residual.normed(layer.factors("layer_scale1.lambda1", width), layer.factors("layer_scale2.lambda1", width)));
    }

    /** SwiGLU of two thirds of the plain MLP's neurons, rounded up to a multiple of 8; gate and up are stored as one matrix. */
    private static Mlp gated(WeightScope mlp, int width, int inner) {
        int neurons = ((int) (inner * 2.0 / 3) + 7) / 8 * 8;
        Linear in = mlp.linear("weights_in", 2 * neurons, width, true);
        return new Mlp.Gated(in.rows(0, neurons), in.rows(neurons, neurons), mlp.linear("weights_out", width, neurons, true),
                Activation.SILU);
    }
}
