package dev.winnow.runtime.models;

import dev.winnow.layers.Backend;
import dev.winnow.layers.CompiledLayer;
import dev.winnow.layers.RelativePositionBias;
import dev.winnow.layers.Residual;
import dev.winnow.reduction.StackRunner;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.TokenKind;
import dev.winnow.weights.Settings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * BEiT (Bao et al. 2021): a ViT whose attention knows how query and key lie to each other, with scaled layers and keys without bias. It is
 * pooled over patches, or by its class token.
 */
final class Beit {
    private Beit() {}

    static VisionTransformer load(Settings c, WeightScope root, Backend backend) {
        EncoderSize size = EncoderSize.of(c, Vit.USUAL);
        int width = size.width();
        int image = Config.imageSize(c, 224);
        int patch = Config.size(c, "patch_size", 16);
        int side = PatchEmbedding.side(image, patch);
        WeightScope beit = root.atAny("embeddings.cls_token", "beit", "");
        WeightScope e = beit.at("embeddings");

        float[] token = e.vector("cls_token", 1, 1, width);
        PatchPositions places = new PatchPositions.InAttention(side);
        if (c.flag("use_absolute_position_embeddings", false)) {
            float[] positions = e.vector("position_embeddings", 1, 1 + side * side, width);
            token = PatchEmbedding.sum(token, positions);
            places = new PatchPositions.Learned(side, Arrays.copyOfRange(positions, width, positions.length), null);
        }
        PatchEmbedding embedding = new PatchEmbedding(image, patch, Vit.kernel(c, e, width, patch), List.of(TokenKind.CLASS), token,
                places);

        RelativePositions relative = new RelativePositions(side);
        RelativePositionBias shared = c.flag("use_shared_relative_position_bias", false)
                ? relative.bias(beit.at("encoder"), size.heads()) : null;
        boolean own = c.flag("use_relative_position_bias", false);
        boolean scaled = c.number("layer_scale_init_value", 0.1) > 0;
        List<CompiledLayer> layers = new ArrayList<>();
        for (int i = 0; i < size.layers(); i++) {
            WeightScope layer = beit.at("encoder.layer").at(Integer.toString(i));
            RelativePositionBias bias = own ? relative.bias(layer.at("attention.attention"), size.heads()) : null;
            if (shared != null) bias = bias == null ? shared : bias.plus(shared);
            Residual residual = scaled ? Residual.normed(layer.factors("lambda_1", width), layer.factors("lambda_2", width))
                    : Residual.PLAIN;
            layers.add(backend.compile(Vit.layer(layer, size, true, false, bias, residual)));
        }
        boolean mean = c.flag("use_mean_pooling", true);
        VisionEncoder encoder = new VisionEncoder(backend, embedding, null, new StackRunner(Stage.VISION, layers),
                mean ? null : beit.layerNorm("layernorm", width, size.epsilon()));
        Pooling pooling = mean ? new Pooling.Mean(beit.layerNorm("pooler.layernorm", width, size.epsilon())) : new Pooling.ClassToken();
        return new VisionTransformer("beit", encoder, pooling, null,
                VisionTransformer.classifier(c, root, "classifier", "BeitForImageClassification", width).orElse(null), null);
    }

    /** The distances between the class token and the patches of a square, and the tables of what they add to attention. */
    private record RelativePositions(int side) {
        RelativePositionBias bias(WeightScope scope, int heads) {
            float[] stored = scope.vector("relative_position_bias.relative_position_bias_table", entries(), heads);
            float[] table = new float[stored.length];
            for (int i = 0; i < stored.length; i++) table[i % heads * entries() + i / heads] = stored[i];
            return new RelativePositionBias(tokens(), entries(), index(), table);
        }

        private int tokens() {
            return 1 + side * side;
        }

        private int entries() {
            return (2 * side - 1) * (2 * side - 1) + 3;
        }

        private int[] index() {
            int n = tokens();
            int[] index = new int[n * n];
            for (int q = 0; q < n; q++) {
                for (int k = 0; k < n; k++) index[q * n + k] = entry(q - 1, k - 1);
            }
            return index;
        }

        /** @param query place of a patch, -1 for the class token */
        private int entry(int query, int key) {
            if (query < 0) return entries() - (key < 0 ? 1 : 3);
            if (key < 0) return entries() - 2;
            int down = query / side - key / side + side - 1;
            int across = query % side - key % side + side - 1;
            return down * (2 * side - 1) + across;
        }
    }
}
