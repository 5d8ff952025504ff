package dev.winnow.runtime.models;

import dev.winnow.layers.Backend;
import dev.winnow.runtime.images.Extent;
import dev.winnow.runtime.models.VisionLanguageModel.Features;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.Settings;
import java.util.ArrayList;
import java.util.List;

/**
 * LLaVA 1.5 (Liu et al. 2023, arXiv 2310.03744): patch features of a CLIP or SigLIP tower go through a two-layer projector into the prompt
 * of a language model. LLaVA-NeXT (Liu et al. 2024) cuts pictures into pieces; LLaVA-OneVision (Li et al. 2024, arXiv 2408.03326) bounds
 * how many tokens they make.
 */
final class Llava {
    private Llava() {}

    private static final String VISION = """
            {"model_type": "clip_vision_model", "hidden_size": 1024, "intermediate_size": 4096, "patch_size": 14, "image_size": 336,
             "num_hidden_layers": 24, "num_attention_heads": 16}""";
    private static final String ONE_VISION = """
            {"model_type": "siglip_vision_model", "hidden_size": 1152, "intermediate_size": 4304, "patch_size": 14, "image_size": 384,
             "num_hidden_layers": 26, "num_attention_heads": 16}""";

    static VisionLanguageModel load(Settings c, WeightScope root, Backend backend) {
        String family = c.string("model_type");
        VisionLanguageParts parts = VisionLanguageParts.of(root, "multi_modal_projector.linear_1.weight");
        VisionEncoder vision = tower(family, c, parts, backend);
        LanguageModel language = parts.language(c, family.equals("llava_onevision") ? "qwen2" : "llama", backend);
        Settings text = Config.section(c, "text_config");
        // p-MoD's settings lie with those of the language model, as its routers do
        return of(family, c, parts, vision, PModLlava.routed(language, text.has(PModLlava.LAYERS) ? text : c, parts.language()), backend);
    }

    static VisionEncoder tower(String family, Settings c, VisionLanguageParts parts, Backend backend) {
        boolean one = family.equals("llava_onevision");
        Settings visionConfig = c.optionalSection("vision_config").orElse(Settings.of(one ? ONE_VISION : VISION, "default vision_config"));
        return VisionTowers.load(visionConfig, parts.at("vision_tower.vision_model"), backend);
    }

    /** A model of a tower and a language model. */
    static VisionLanguageModel of(String family, Settings c, VisionLanguageParts parts, VisionEncoder vision, LanguageModel language,
                                  Backend backend) {
        boolean one = family.equals("llava_onevision");
        Features read = features(c, vision, one);
        Projector.Layers projector = Projector.twoLayers(parts.at("multi_modal_projector"), vision.width() * read.blocks().size(),
                language.width(), c.flag("multimodal_projector_bias", true), Config.activation(c, "projector_hidden_act", "gelu"));
        // methods may ask what the projector makes of a token; with features of several layers there is no such thing
        VisionEncoder tower = read.blocks().size() > 1 ? vision
                : vision.before((hidden, n, workspace) -> projector.project(backend, hidden, n, null, workspace));
        return new VisionLanguageModel(family, tower, read, projector, packing(c, family, vision, read, parts, language.width()), language,
                c.integer("image_token_index", c.integer("image_token_id", one ? 151646 : 32000)), new PicturePrompt.Repeated("", "\n"), 0,
                one ? new Films.Pooled(c.integer("video_token_index", c.integer("video_token_id", 151647)), vision.grid(),
                        parts.root().vector("image_newline", language.width())) : null);
    }

    private static Features features(Settings c, VisionEncoder vision, boolean one) {
        String key = "vision_feature_layer";
        List<Integer> indices = c.type(key).equals("array") ? c.integers(key) : List.of(c.integer(key, one ? -1 : -2));
        if (indices.isEmpty()) throw new CheckpointException("config: vision_feature_layer names no layer");
        List<Integer> blocks = new ArrayList<>();
        for (int index : indices) {
            // entry 0 of Hugging Face's hidden states is what goes into block 0
            int block = index < 0 ? vision.layers() + index : index - 1;
            if (block < -1 || block >= vision.layers()) {
                throw new CheckpointException("config: vision_feature_layer " + index + " does not exist in a tower of " + vision.layers() + " layers");
            }
            blocks.add(block);
        }
        String strategy = c.string("vision_feature_select_strategy", one ? "full" : "default");
        if (!strategy.equals("default") && !strategy.equals("full")) {
            throw new CheckpointException("config: vision_feature_select_strategy should be default or full but is " + strategy);
        }
        if (strategy.equals("default") && !vision.hasClassToken()) {
            throw new CheckpointException("config: vision_feature_select_strategy default leaves out a class token, but the tower has none;"
                    + " it should be full");
        }
        return new Features(blocks, false, strategy.equals("full"));
    }

    private static Packing packing(Settings c, String family, VisionEncoder vision, Features read, VisionLanguageParts parts,
                                   int width) {
        if (!family.startsWith("llava_")) return new Packing.Apart();
        if (vision.hasClassToken() && read.keepsClass()) {
            throw new CheckpointException("config: vision_feature_select_strategy full keeps a class token, which has no place in a"
                    + " picture of pieces");
        }
        boolean one = family.equals("llava_onevision");
        int size = vision.imageSize();
        int most = one ? most(c.string("vision_aspect_ratio", "anyres_max_9")) : 0;
        return new Packing.AnyResolution(Extent.canvases(c, size, one ? Extent.upTo(6) : Extent.next()), vision.grid(), size,
                parts.root().vector("image_newline", width), most);
    }

    private static int most(String ratio) {
        if (ratio.matches("anyres_max_[1-9][0-9]{0,3}")) return Integer.parseInt(ratio.substring("anyres_max_".length()));
        throw new CheckpointException("config: vision_aspect_ratio should be anyres_max_ and a number but is '" + ratio + "'");
    }
}
