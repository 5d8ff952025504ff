package dev.winnow.runtime.models;

import dev.winnow.layers.Backend;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.Quoted;
import dev.winnow.weights.Settings;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * A configuration as timm puts it beside its checkpoints: the name of an architecture, which says nearly all, and what the makers set
 * otherwise.
 *
 * @param architecture as timm or its authors register it, such as {@code caformer_s18}
 * @param args         {@code model_args}: arguments that differ from those of the name
 * @param classes      {@code num_classes}, 0 for a model without a classifier
 * @param imageSize    side of its pictures
 */
record Timm(String architecture, Settings args, int classes, int imageSize) {
    private static final String ARCHITECTURE = "architecture";
    private static final int MOST_STAGES = 16;

    /** Whether a configuration is of this kind; {@code timm_wrapper} is how transformers saves one. */
    static boolean describes(Settings c) {
        return c.has(ARCHITECTURE) && c.string("model_type", "timm_wrapper").equals("timm_wrapper");
    }

    static Timm of(Settings c) {
        // the part behind a dot tells weights of one architecture apart
        String name = c.string(ARCHITECTURE).replaceFirst("\\..*", "");
        Settings weights = Config.section(c, "pretrained_cfg");
        Settings args = Config.section(c, "model_args");
        int classes = c.integer("num_classes", weights.integer("num_classes", 1000));
        if (classes < 0 || classes > 1 << 24) {
            throw new CheckpointException("config.json: num_classes should be 0 or more but is " + classes);
        }
        return new Timm(name, args, classes, side(args, weights));
    }

    /** @throws CheckpointException for an architecture that is not supported, a missing tensor or one of another shape */
    static VisionTransformer load(Settings c, WeightScope root, Backend backend) {
        Timm timm = of(c);
        if (T2tVit.ARCHITECTURES.containsKey(timm.architecture)) return T2tVit.load(timm, root, backend);
        if (MetaFormer.architectures().contains(timm.architecture)) return MetaFormer.load(timm, root, backend);
        List<String> known = new ArrayList<>(T2tVit.ARCHITECTURES.keySet());
        known.addAll(MetaFormer.architectures());
        throw new CheckpointException("config.json: architecture '" + Quoted.plain(timm.architecture) + "' is not supported"
                + Similar.hint(timm.architecture, known) + "; known are " + String.join(", ", known));
    }

    private static int side(Settings args, Settings weights) {
        int otherwise = 224;
        if (weights.has("input_size")) {
            List<Integer> size = weights.integers("input_size");
            if (size.size() != 3 || !size.get(1).equals(size.get(2))) {
                throw new CheckpointException("config.json: pretrained_cfg.input_size should be [channels, side, side] but is " + size);
            }
            otherwise = size.get(1);
        }
        int side = args.integer("img_size", otherwise);
        if (side < 1 || side > 1 << 14) {
            throw new CheckpointException("config.json: pictures of " + side + " pixels a side are not supported");
        }
        return side;
    }

    /** Refuses arguments that change the model in ways that are not known here. */
    void requireKnown(Set<String> known) {
        for (String key : args.keys()) {
            if (known.contains(key)) continue;
            throw new CheckpointException("config.json: model_args." + Quoted.plain(key) + " is not supported for " + architecture
                    + Similar.hint(key, known) + "; known are " + String.join(", ", known.stream().sorted().toList()));
        }
    }

    int channels() {
        return Config.size(args, "in_chans", 3);
    }

    /** A number for each stage. */
    int[] stages(String key, List<Integer> otherwise) {
        List<Integer> values = args.has(key) ? args.integers(key) : otherwise;
        if (values.isEmpty() || values.size() > MOST_STAGES || values.stream().anyMatch(v -> v < 1 || v > 1 << 16)) {
            throw new CheckpointException("config.json: model_args." + key + " should hold 1 to " + MOST_STAGES
                    + " numbers above 0 but is " + values);
        }
        return values.stream().mapToInt(v -> v).toArray();
    }

    /** Ones, for factors that a checkpoint does not have. */
    static float[] ones(int n) {
        float[] ones = new float[n];
        IntStream.range(0, n).forEach(i -> ones[i] = 1);
        return ones;
    }
}
