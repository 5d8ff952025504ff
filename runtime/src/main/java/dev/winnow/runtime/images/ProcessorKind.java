package dev.winnow.runtime.images;

import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.Settings;
import java.util.List;
import java.util.Optional;

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
    LLAVA(224, true, Resampling.BICUBIC, 224, Colour.CLIP_MEAN, Colour.CLIP_STD),
    BEIT(256, false, Resampling.BICUBIC, 224, Colour.HALF, Colour.HALF),
    GEMMA3(224, false, Resampling.BILINEAR, 0, Colour.HALF, Colour.HALF),
    LLAVA_NEXT(224, true, Resampling.BICUBIC, 224, Colour.CLIP_MEAN, Colour.CLIP_STD),
    LLAVA_ONEVISION(384, false, Resampling.BICUBIC, 0, Colour.CLIP_MEAN, Colour.CLIP_STD),
    IDEFICS3(364, false, Resampling.LANCZOS, 0, Colour.HALF, Colour.HALF),
    QWEN2_VL(28, false, Resampling.BICUBIC, 0, Colour.CLIP_MEAN, Colour.CLIP_STD),
    PIXTRAL(1024, false, Resampling.BICUBIC, 0, Colour.CLIP_MEAN, Colour.CLIP_STD),
    POOLFORMER(224, true, Resampling.BICUBIC, 224, Colour.IMAGENET_MEAN, Colour.IMAGENET_STD);

    /** As for {@link TargetSize}: far more than a model takes. */
    private static final int LARGEST_SIDE = 8192;
    private static final int LARGEST_AREA = 1 << 26;

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
        return switch (type.replaceAll("FeatureExtractor|VideoProcessor", "ImageProcessor").replaceAll("Fast$", "")) {
            case "CLIPImageProcessor" -> CLIP;
            case "ViTImageProcessor" -> VIT;
            case "DeiTImageProcessor" -> DEIT;
            case "BitImageProcessor" -> BIT;
            case "SiglipImageProcessor" -> SIGLIP;
            case "LlavaImageProcessor" -> LLAVA;
            case "BeitImageProcessor" -> BEIT;
            case "Gemma3ImageProcessor" -> GEMMA3;
            case "LlavaNextImageProcessor" -> LLAVA_NEXT;
            case "LlavaOnevisionImageProcessor" -> LLAVA_ONEVISION;
            case "Idefics3ImageProcessor", "SmolVLMImageProcessor" -> IDEFICS3;
            case "Qwen2VLImageProcessor", "Qwen2_5_VLImageProcessor" -> QWEN2_VL;
            case "PixtralImageProcessor" -> PIXTRAL;
            case "PoolFormerImageProcessor" -> POOLFORMER;
            default -> throw new CheckpointException("image processor '" + type + "' is not supported; those named CLIP, ViT, DeiT, Beit,"
                    + " Bit, Siglip, Gemma3, Llava, LlavaNext, LlavaOnevision, Idefics3, SmolVLM, Qwen2VL, Pixtral and PoolFormer are");
        };
    }

    /** The size that pictures, or their pieces, are brought to; nothing where cutting does that. */
    Optional<SizeRule> size(Settings config, TargetSize usual) {
        return switch (this) {
            case IDEFICS3 -> Optional.empty();
            case QWEN2_VL -> Optional.of(new SizeRule.WithinPixels(number(config, "patch_size", 14, LARGEST_SIDE)
                    * number(config, "merge_size", 2, 64), area(config, "min_pixels", "shortest_edge", 56 * 56),
                    area(config, "max_pixels", "longest_edge", 28 * 28 * 1280)));
            case PIXTRAL -> {
                TargetSize patch = TargetSize.read(config, "patch_size", TargetSize.square(16));
                yield Optional.of(new SizeRule.WithinEdge(longestEdge(config, "size", size), patch.height(), patch.width()));
            }
            case POOLFORMER -> Optional.of(beforeCrop(TargetSize.read(config, "size", usual), config));
            default -> Optional.of(TargetSize.read(config, "size", usual));
        };
    }

    /** The size of which the crop leaves a share, {@code crop_pct}; of a square it is the shorter edge that gets it. */
    private static TargetSize beforeCrop(TargetSize size, Settings config) {
        if (config.type("crop_pct").equals("null")) return size;
        double share = config.number("crop_pct", 0.9);
        if (share <= 0.01 || share > 2) {
            throw new CheckpointException("image processor crop_pct should be above 0.01 and up to 2 but is " + share);
        }
        int height = (int) (size.height() / share);
        return size.height() == size.width() ? TargetSize.shortestEdge(height)
                : new TargetSize(height, (int) (size.width() / share), false);
    }

    /** How pictures are cut. */
    Tiling tiling(Settings config, TargetSize usual) {
        return switch (this) {
            case LLAVA_NEXT, LLAVA_ONEVISION -> {
                TargetSize whole = TargetSize.read(config, "size", usual);
                int tile = crop > 0 ? TargetSize.read(config, "crop_size", TargetSize.square(crop)).height() : whole.height();
                List<Extent> canvases = Extent.canvases(config, tile, this == LLAVA_NEXT ? Extent.next() : Extent.upTo(6));
                yield new Tiling.AnyResolution(canvases, whole.height(), whole.width(), tile);
            }
            case IDEFICS3 -> new Tiling.Squares(longestEdge(config, "size", 4 * size), longestEdge(config, "max_image_size", size),
                    config.flag("do_image_splitting", true));
            case GEMMA3 -> {
                if (!config.flag("do_pan_and_scan", false)) yield new Tiling.None();
                double ratio = config.number("pan_and_scan_min_ratio_to_activate", 1.2);
                if (!(ratio >= 1)) {
                    throw new CheckpointException("image processor pan_and_scan_min_ratio_to_activate should be at least 1 but is " + ratio);
                }
                yield new Tiling.PanAndScan(number(config, "pan_and_scan_min_crop_size", 256, LARGEST_SIDE),
                        number(config, "pan_and_scan_max_num_crops", 4, 64), ratio);
            }
            default -> new Tiling.None();
        };
    }

    private static int longestEdge(Settings config, String key, int otherwise) {
        return config.type(key).equals("object") ? number(config.section(key), "longest_edge", otherwise, LARGEST_SIDE) : otherwise;
    }

    private static int area(Settings config, String key, String edge, int otherwise) {
        if (config.has(key)) return number(config, key, otherwise, LARGEST_AREA);
        return config.type("size").equals("object") ? number(config.section("size"), edge, otherwise, LARGEST_AREA) : otherwise;
    }

    private static int number(Settings config, String key, int otherwise, int most) {
        int value = config.integer(key, otherwise);
        if (value < 1 || value > most) {
            throw new CheckpointException("image processor " + key + " should be 1 to " + most + " but is " + value);
        }
        return value;
    }

    /** Whether a configuration names one of the classes built on torchvision, which round crop offsets differently. */
    static boolean isFast(Settings config) {
        return typeName(config).endsWith("Fast");
    }

    private static String typeName(Settings config) {
        return config.string("video_processor_type", config.string("image_processor_type", config.string("feature_extractor_type", "")));
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
