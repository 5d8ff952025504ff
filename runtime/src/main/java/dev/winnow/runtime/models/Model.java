package dev.winnow.runtime.models;

import dev.winnow.layers.Backend;
import dev.winnow.reduction.ModelShape;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.Quoted;
import dev.winnow.weights.Settings;
import java.util.List;
import java.util.stream.Stream;

/** A loaded model of one of the supported families. */
public sealed interface Model permits LanguageModel, VisionTransformer, ImageTextEncoder, VisionLanguageModel {
    /** The Hugging Face {@code model_type}, or the name of an architecture of timm's. */
    String family();

    /** Whether models of a {@code model_type} take text and nothing else. */
    static boolean readsOnly(String type) {
        return LanguageFamilies.types().contains(type);
    }

    /** What a reduction plan has to know. */
    ModelShape shape();

    /** What kind of model a configuration describes: its {@code model_type}, or {@code timm} where it names an architecture of timm's. */
    static String type(Settings config) {
        return Timm.describes(config) ? "timm" : config.string("model_type");
    }

    /** Every {@code model_type} that can be loaded. */
    static List<String> types() {
        return Stream.concat(LanguageFamilies.types().stream(), Stream.of("vit", "deit", "beit", "dinov2", "dinov2_with_registers", "clip",
                "clip_vision_model", "siglip", "siglip_vision_model", "poolformer", "llava", "llava_next", "llava_onevision", "paligemma",
                "gemma3", "idefics3", "smolvlm", "qwen2_vl", "qwen2_5_vl", "pmod_llava_llama")).toList();
    }

    /**
     * Builds the model that a configuration describes.
     *
     * @throws CheckpointException for an unsupported family, a missing tensor or one of another shape
     */
    static Model load(Settings config, WeightScope root, Backend backend) {
        if (Timm.describes(config)) return Timm.load(config, root.sensitive(), backend);
        String type = config.string("model_type");
        return switch (type) {
            case "vit", "deit" -> Vit.load(config, root.sensitive(), backend);
            case "beit" -> Beit.load(config, root.sensitive(), backend);
            case "dinov2", "dinov2_with_registers" -> Dino.load(config, root.sensitive(), backend);
            case "clip", "clip_vision_model" -> Clip.load(config, root.sensitive(), backend);
            case "siglip", "siglip_vision_model" -> Siglip.load(config, root.sensitive(), backend);
            case "poolformer" -> PoolFormer.load(config, root.sensitive(), backend);
            case "llava", "llava_next", "llava_onevision" -> Llava.load(config, root, backend);
            case "pmod_llava_llama" -> PModLlava.load(config, root, backend);
            case "paligemma" -> PaliGemma.load(config, root, backend);
            case "gemma3" -> Gemma3Vision.load(config, root, backend);
            case "idefics3", "smolvlm" -> Idefics3.load(config, root, backend);
            case "qwen2_vl", "qwen2_5_vl" -> Qwen2Vl.load(config, root, backend);
            default -> {
                if (LanguageFamilies.types().contains(type)) yield LanguageFamilies.load(type, config, root, backend);
                throw new CheckpointException("config.json: model_type '" + Quoted.plain(type) + "' is not supported"
                        + Similar.hint(type, types()) + "; known are " + String.join(", ", types()));
            }
        };
    }
}
