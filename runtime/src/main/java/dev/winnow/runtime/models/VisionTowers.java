package dev.winnow.runtime.models;

import dev.winnow.layers.Backend;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.Settings;

/** Vision towers of models that see, by the {@code model_type} of their {@code vision_config}. */
final class VisionTowers {
    private VisionTowers() {}

    /** @param tower where {@code embeddings} and {@code encoder} are */
    static VisionEncoder load(Settings c, WeightScope tower, Backend backend) {
        String type = c.string("model_type", "clip_vision_model");
        return switch (type) {
            case "clip_vision_model" -> Clip.vision(c, tower, backend);
            case "siglip_vision_model" -> Siglip.vision(c, tower, backend);
            default -> throw new CheckpointException("config: vision_config has model_type '" + type
                    + "', which is no supported vision tower; known are clip_vision_model, siglip_vision_model");
        };
    }
}
