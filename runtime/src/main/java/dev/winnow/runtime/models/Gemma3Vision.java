package dev.winnow.runtime.models;

import dev.winnow.layers.Backend;
import dev.winnow.layers.Linear;
import dev.winnow.reduction.Sight;
import dev.winnow.runtime.models.VisionLanguageModel.Features;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.Settings;

/**
 * Gemma 3 with eyes (Gemma Team 2025): squares of SigLIP's patches are averaged, normed and projected. The tokens of a picture see each
 * other; text is causal.
 */
final class Gemma3Vision {
    private Gemma3Vision() {}

    static VisionLanguageModel load(Settings c, WeightScope root, Backend backend) {
        VisionLanguageParts parts = VisionLanguageParts.of(root, "multi_modal_projector.mm_soft_emb_norm.weight");
        VisionEncoder vision = Siglip.vision(Config.section(c, "vision_config"), parts.at("vision_tower.vision_model"), backend);
        LanguageModel language = parts.language(c, "gemma3_text", backend).seeing(Sight.WHOLE_PICTURES);
        int tokens = (int) Math.sqrt(Config.size(c, "mm_tokens_per_image", 256));
        if (vision.grid() % tokens != 0) {
            throw new CheckpointException("config: mm_tokens_per_image of " + tokens + " x " + tokens + " does not divide the tower's "
                    + vision.grid() + " x " + vision.grid() + " patches");
        }
        WeightScope p = parts.at("multi_modal_projector");
        Linear projection = new Linear(p.turned("mm_input_projection_weight", vision.width(), language.width()), null);
        Projector projector = new Projector.Pooled(vision.grid() / tokens,
                p.rmsNormAroundOne("mm_soft_emb_norm", vision.width(),
                        Config.atLeastZero(Config.section(c, "vision_config"), "layer_norm_eps", 1e-6)), projection);
        return new VisionLanguageModel("gemma3", vision, Features.last(vision), projector, new Packing.Apart(), language,
                c.integer("image_token_index", c.integer("image_token_id", 262144)),
                new PicturePrompt.Framed("<start_of_image>", "\n\n<start_of_image>", "<end_of_image>\n\n"), 0);
    }
}
