package dev.winnow.runtime.images;

import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.Quoted;
import dev.winnow.weights.Settings;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What a timm {@code config.json} says of pictures, in the words of an image processor configuration. Where its {@code pretrained_cfg} is
 * silent, or is not there at all, the values are those that the architecture's authors gave.
 */
final class TimmTransform {
    private static final List<Double> MEAN = List.of(0.485, 0.456, 0.406);
    private static final List<Double> DEVIATION = List.of(0.229, 0.224, 0.225);

    private TimmTransform() {}

    /** The processor of a configuration that names an architecture; nothing for others. */
    static Optional<Settings> of(Settings config) {
        if (!config.has("architecture")) return Optional.empty();
        Settings weights = config.optionalSection("pretrained_cfg").orElse(Settings.of("{}", "pretrained_cfg"));
        List<Integer> size = weights.has("input_size") ? weights.integers("input_size") : List.of(3, 224, 224);
        if (size.size() != 3) throw new CheckpointException("pretrained_cfg.input_size should be [channels, height, width] but is " + size);
        String mode = weights.string("crop_mode", "center");
        if (!mode.equals("center")) {
            throw new CheckpointException("pretrained_cfg.crop_mode should be center but is '" + Quoted.plain(mode) + "'");
        }
        // the class on torchvision cuts its crops where timm does
        return Optional.of(Settings.of(String.format(Locale.ROOT, """
                {"image_processor_type": "PoolFormerImageProcessorFast", "size": {"height": %d, "width": %d}, "crop_pct": %s,
                 "crop_size": {"height": %d, "width": %d}, "resample": %d, "image_mean": %s, "image_std": %s}""", size.get(1), size.get(2),
                weights.number("crop_pct", share(config.string("architecture"))), size.get(1), size.get(2),
                resample(weights.string("interpolation", "bicubic")), weights.has("mean") ? weights.numbers("mean") : MEAN,
                weights.has("std") ? weights.numbers("std") : DEVIATION), "pretrained_cfg"));
    }

    private static double share(String architecture) {
        if (architecture.startsWith("t2t_vit") || architecture.startsWith("poolformer_s")) return 0.9;
        return architecture.startsWith("poolformer_m") ? 0.95 : 1;
    }

    private static int resample(String name) {
        return switch (name) {
            case "nearest" -> 0;
            case "lanczos" -> 1;
            case "bilinear" -> 2;
            case "bicubic" -> 3;
            case "box" -> 4;
            case "hamming" -> 5;
            default -> throw new CheckpointException("pretrained_cfg.interpolation '" + Quoted.plain(name) + "' is no resampling"
                    + " filter; known are nearest, lanczos, bilinear, bicubic, box, hamming");
        };
    }
}
