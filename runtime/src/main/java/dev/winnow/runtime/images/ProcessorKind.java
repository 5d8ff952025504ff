package dev.winnow.runtime.images;

import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.Settings;

/**
 * The supported image processor classes of the transformers library, and what each takes for granted where a configuration is
 * silent.
 */
enum ProcessorKind {
    CLIP(224, true, Resampling.BICUBIC, 224, Colour.CLIP_MEAN, Colour.CLIP_STD),
    VIT(224, false, Resampling.BILINEAR, 0, Colour.HALF, Colour.HALF),
    DEIT(256, false, Resampling.BICUBIC, 224, Colour.IMAGENET_MEAN, Colour.IMAGENET_STD),
    BIT(224, true, Resampling.BICUBIC, 224, Colour.CLIP_MEAN, Colour.CLIP_STD),
    SIGLIP(224, false, Resampling.BICUBIC, 0, Colour.HALF, Colour.HALF),
    LLAVA(224, true, Resampling.BICUBIC, 224, Colour.CLIP_MEAN, Colour.CLIP_STD);

    final int size;
    /** Whether a single size means the shorter edge, and not a square. */
    final boolean shortestEdge;
    final Resampling resampling;
    /** Side of the centre crop, 0 where the class never crops. */
    final int crop;
    final double[] mean;
    final double[] std;

    ProcessorKind(int size, boolean shortestEdge, Resampling resampling, int crop, double[] mean, double[] std) {
        this.size = size;
        this.shortestEdge = shortestEdge;
        this.resampling = resampling;
        this.crop = crop;
        this.mean = mean;
        this.std = std;
    }

    /** The class that a configuration names, by today's or its old name, or the one that fits its keys when it names none. */
    static ProcessorKind of(Settings config) {
        String type = typeName(config);
        if (type.isEmpty()) return inferred(config);
        return switch (type.replace("FeatureExtractor", "ImageProcessor").replaceAll("Fast$", "")) {
            case "CLIPImageProcessor" -> CLIP;
            case "ViTImageProcessor" -> VIT;
            case "DeiTImageProcessor" -> DEIT;
            case "BitImageProcessor" -> BIT;
            case "SiglipImageProcessor" -> SIGLIP;
            case "LlavaImageProcessor" -> LLAVA;
            default -> throw new CheckpointException("image processor '" + type + "' is not supported; CLIPImageProcessor, "
                    + "ViTImageProcessor, DeiTImageProcessor, BitImageProcessor, SiglipImageProcessor and LlavaImageProcessor are");
        };
    }

    /** Whether a configuration names one of the classes built on torchvision, which round crop offsets differently. */
    static boolean isFast(Settings config) {
        return typeName(config).endsWith("Fast");
    }

    private static String typeName(Settings config) {
        return config.string("image_processor_type", config.string("feature_extractor_type", ""));
    }

    private static ProcessorKind inferred(Settings config) {
        if (config.flag("do_pad", false)) return LLAVA;
        boolean shortestEdge = config.type("size").equals("object") && config.section("size").has("shortest_edge");
        if (shortestEdge) return CLIP;
        boolean crops = config.flag("do_center_crop", config.has("crop_size"));
        if (!crops) return VIT;
        return config.type("size").equals("object") ? DEIT : CLIP;
    }

    private static final class Colour {
        static final double[] HALF = {0.5, 0.5, 0.5};
        static final double[] CLIP_MEAN = {0.48145466, 0.4578275, 0.40821073};
        static final double[] CLIP_STD = {0.26862954, 0.26130258, 0.27577711};
        static final double[] IMAGENET_MEAN = {0.485, 0.456, 0.406};
        static final double[] IMAGENET_STD = {0.229, 0.224, 0.225};
    }
}
