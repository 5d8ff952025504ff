package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Backend;
import dev.winnow.runtime.models.VisionLanguageModel.Features;
import dev.winnow.weights.Settings;
import java.util.List;

/**
 * Idefics3 (Laurencon et al. 2024, arXiv 2408.12637) and SmolVLM (Marafioti et al. 2025, arXiv 2504.05299): squares of patches of a SigLIP
 * tower side by side go through one layer. Pictures are cut into pieces, which stand apart in the prompt.
 */
final class Idefics3 {
    private Idefics3() {}

    private static final String VISION = """
            {"hidden_size": 1152, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 16, "patch_size": 32}""";
    static VisionLanguageModel load(Settings c, WeightScope root, Backend backend) {
        String family = c.string("model_type");
        Settings visionConfig = Config.section(c, "vision_config").withDefaults(VISION);
        WeightScope model = root.at("model").sensitive();
        VisionEncoder vision = Siglip.spread(visionConfig, model.at("vision_model"), backend);
        Settings text = Config.section(c, "text_config");
        LanguageModel language = LanguageFamilies.load(text.string("model_type", "llama"), text,
                root.renamed("model.", "model.text_model."), backend);
        int side = Config.size(c, "scale_factor", 2);
        Projector projector = new Projector.Shuffled(side, new Projector.Layers(List.of(model.at("connector.modality_projection")
                .linear("proj", language.width(), vision.width() * side * side, false)), Activation.NONE));
        return new VisionLanguageModel(family, vision, Features.last(vision), projector, new Packing.Apart(), language,
                c.integer("image_token_id", 128257), new PicturePrompt.Pieces(), 0);
    }
}
