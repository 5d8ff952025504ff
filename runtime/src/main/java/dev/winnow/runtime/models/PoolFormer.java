package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Backend;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Mlp;
import dev.winnow.reduction.StackRunner;
import dev.winnow.reduction.Stage;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.Settings;
import java.util.ArrayList;
import java.util.List;

/**
 * PoolFormer (Yu et al. 2022, arXiv 2111.11418, "MetaFormer Is Actually What You Need for Vision") as transformers lays it out: four
 * stages on ever coarser grids, in whose blocks nothing but a mean of neighbours mixes tokens.
 */
final class PoolFormer {
    private static final String DEFAULTS = """
            {"num_channels": 3, "pool_size": 3, "mlp_ratio": 4.0, "depths": [2, 2, 6, 2], "hidden_sizes": [64, 128, 320, 512],
             "patch_sizes": [7, 3, 3, 3], "strides": [4, 2, 2, 2], "padding": [2, 1, 1, 1], "num_encoder_blocks": 4,
             "hidden_act": "gelu", "use_layer_scale": true}""";
    /** Of PyTorch's group norm. */
    private static final float EPSILON = 1e-5f;
    private static final int MOST = 1 << 16;

    private PoolFormer() {}

    static VisionTransformer load(Settings config, WeightScope root, Backend backend) {
        Settings c = config.withDefaults(DEFAULTS);
        int stages = Config.layers(c, "num_encoder_blocks");
        int[] widths = numbers(c, "hidden_sizes", stages, 1);
        int[] depths = numbers(c, "depths", stages, 1);
        int[] sizes = numbers(c, "patch_sizes", stages, 1);
        int[] strides = numbers(c, "strides", stages, 1);
        int[] paddings = numbers(c, "padding", stages, 0);
        int pool = Config.size(c, "pool_size");
        if (pool % 2 == 0 || pool > 255) throw new CheckpointException("config: pool_size should be odd and below 256 but is " + pool);
        WeightScope encoder = root.atAny("encoder.patch_embeddings.0.projection.weight", "poolformer", "").at("encoder");
        List<Pyramid.Stage> all = new ArrayList<>();
        for (int i = 0; i < stages; i++) {
            int in = i == 0 ? Config.size(c, "num_channels") : widths[i - 1];
            WeightScope projection = encoder.at("patch_embeddings." + i + ".projection");
            Linear kernel = new Linear(projection.matrix("weight", widths[i], in, sizes[i], sizes[i]),
                    projection.vector("bias", widths[i]));
            int width = widths[i];
            List<GridBlock> blocks = encoder.at("block." + i).each(depths[i], (block, j) -> block(c, block, width, pool));
            all.add(new Pyramid.Stage(new Convolution(kernel, sizes[i], strides[i], paddings[i]), null, null, new Pyramid.OnGrid(blocks)));
        }
        Pyramid pyramid = new Pyramid(Config.imageSize(c, 224), Config.size(c, "num_channels"), all, 0);
        int width = widths[stages - 1];
        Linear classifier = VisionTransformer.classifier(c, root, "classifier", "PoolFormerForImageClassification", width).orElse(null);
        Pooling pooling = classifier == null ? new Pooling.Mean(null) : new Pooling.WholeNormMean(norm(root, "norm", width));
        return new VisionTransformer("poolformer", new VisionEncoder(backend, pyramid, null,
                new StackRunner(Stage.VISION, List.of()), null), pooling, null, classifier, null);
    }

    private static int[] numbers(Settings c, String key, int count, int least) {
        List<Integer> values = c.integers(key);
        if (values.size() < count || values.stream().anyMatch(v -> v < least || v > MOST)) {
            throw new CheckpointException("config: " + key + " should hold " + count + " numbers from " + least + " to " + MOST
                    + ", one for each of num_encoder_blocks, but is " + values);
        }
        return values.stream().mapToInt(v -> v).toArray();
    }

    private static GridBlock block(Settings c, WeightScope block, int width, int pool) {
        int inner = Config.inner(width, Config.positive(c, "mlp_ratio"));
        Activation activation = Config.activation(c, "hidden_act");
        boolean scaled = c.flag("use_layer_scale", true);
        Mlp.Plain mlp = new Mlp.Plain(block.pointwise("output.conv1", inner, width, true),
                block.pointwise("output.conv2", width, inner, true), activation);
        return new GridBlock(norm(block, "before_norm", width), new TokenMixer.Pooling(pool), scales(block, "layer_scale_1", width, scaled),
                norm(block, "after_norm", width), mlp, scales(block, "layer_scale_2", width, scaled));
    }

    private static GridNorm.Whole norm(WeightScope place, String name, int width) {
        return new GridNorm.Whole(place.vector(name + ".weight", width), place.vector(name + ".bias", width), EPSILON);
    }

    private static GridBlock.Scales scales(WeightScope block, String name, int width, boolean scaled) {
        return new GridBlock.Scales(Timm.ones(width), scaled ? block.vector(name, width) : Timm.ones(width));
    }
}
