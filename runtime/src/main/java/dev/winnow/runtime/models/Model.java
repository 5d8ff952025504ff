package dev.winnow.runtime.models;

import dev.winnow.layers.Backend;
import dev.winnow.reduction.ModelShape;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.Settings;

/** A loaded model of one of the supported families. */
public sealed interface Model permits LanguageModel, VisionTransformer, ImageTextEncoder, Llava {
    /** The Hugging Face {@code model_type}. */
    String family();

    /** What a reduction plan has to know. */
    ModelShape shape();

    /**
     * Builds the model that a configuration describes.
     *
     * @throws CheckpointException for an unsupported family, a missing tensor or one of another shape
     */
    static Model load(Settings config, WeightScope root, Backend backend) {
        String type = config.string("model_type");
        return switch (type) {
            case "llama", "llama_swiftkv" -> Llama.load(config, root, backend);
            case "vit", "deit" -> Vit.load(config, root, backend);
            case "beit" -> Beit.load(config, root, backend);
            case "dinov2", "dinov2_with_registers" -> Dino.load(config, root, backend);
            case "clip", "clip_vision_model" -> Clip.load(config, root, backend);
            case "siglip", "siglip_vision_model" -> Siglip.load(config, root, backend);
            case "llava" -> Llava.load(config, root, backend);
            default -> throw new CheckpointException("config.json: model_type '" + type
                    + "' is not supported; known are llama, llama_swiftkv, vit, deit, beit,"
                    + " dinov2, dinov2_with_registers, clip, clip_vision_model, siglip, siglip_vision_model, llava");
        };
    }
}
