package dev.winnow.runtime.models;

import dev.winnow.layers.Backend;
import dev.winnow.weights.Settings;

/**
 * Where the parts of a model that sees lie in a checkpoint. Releases of transformers before 4.52 had tower, projector and language model
 * side by side; later ones have all but the head under {@code model}.
 *
 * @param root     of tower and projector
 * @param language where {@code model.*} and {@code lm_head} of the language model are
 */
record VisionLanguageParts(WeightScope root, WeightScope language) {
    /** @param marker a tensor of the projector */
    static VisionLanguageParts of(WeightScope root, String marker) {
        if (root.has("model." + marker)) return new VisionLanguageParts(root.at("model").sensitive(), root.renamed("model.", "model.language_model."));
        return new VisionLanguageParts(root.sensitive(), root.at("language_model"));
    }

    WeightScope at(String child) {
        return root.at(child);
    }

    /** The language model of {@code text_config}, of a family of its own. */
    LanguageModel language(Settings c, String otherwise, Backend backend) {
        Settings text = Config.section(c, "text_config");
        return LanguageFamilies.load(text.string("model_type", otherwise), text, language, backend);
    }
}
