package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Backend;
import dev.winnow.reduction.Sight;
import dev.winnow.runtime.models.VisionLanguageModel.Features;
import dev.winnow.weights.Settings;
import java.util.List;

/**
 * PaliGemma (Beyer et al. 2024, arXiv 2407.07726): SigLIP and Gemma with one layer between them. A prompt is read as a whole, and its
 * positions begin at 1.
 */
final class PaliGemma {
    private PaliGemma() {}

    static VisionLanguageModel load(Settings c, WeightScope root, Backend backend) {
        VisionLanguageParts parts = VisionLanguageParts.of(root, "multi_modal_projector.linear.weight");
        VisionEncoder vision = Siglip.vision(Config.section(c, "vision_config"), parts.at("vision_tower.vision_model"), backend);
        LanguageModel language = parts.language(c, "gemma", backend).seeing(Sight.WHOLE_PROMPT);
        Projector.Layers projector = new Projector.Layers(
                List.of(parts.at("multi_modal_projector").linear("linear", language.width(), vision.width(), true)), Activation.NONE);
        VisionEncoder tower = vision.before((hidden, n, workspace) -> {
            float[] normed = new float[n * vision.width()];
            backend.normalise(vision.finalNorm(), hidden, n, vision.width(), normed);
            return projector.project(backend, normed, n, null, workspace);
        });
        return new VisionLanguageModel("paligemma", tower, Features.last(vision), projector, new Packing.Apart(), language,
                c.integer("image_token_index", c.integer("image_token_id", 256000)), new PicturePrompt.InFront(), 1);
    }
}
