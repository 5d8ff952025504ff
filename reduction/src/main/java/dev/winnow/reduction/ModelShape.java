package dev.winnow.reduction;

import java.util.Optional;

/**
 * What a plan has to know of a model. Layers that do not exist count 0.
 *
 * @param learned what methods with learned parameters find in the checkpoint
 */
public record ModelShape(Optional<Vision> vision, int languageLayers, LearnedParts learned) {
    /** A model whose checkpoint has nothing for methods. */
    public ModelShape(Optional<Vision> vision, int languageLayers) {
        this(vision, languageLayers, LearnedParts.NONE);
    }

    /** The width of the language model, as its layers have it. */
    public int languageWidth() {
        return learned.layers().isEmpty() ? 0 : learned.layers().getFirst().attention().query().in();
    }

    /**
     * @param layers       layers of the tower that run
     * @param featureLayer the last layer whose output is used
     * @param classToken   whether token 0 is a class token
     * @param patches      patches of one image at the model's resolution
     * @param special      tokens in front of the patches: class, distillation and register tokens
     * @param whole        whether what follows the tower needs every patch in its place, as where squares of them become one token
     */
    public record Vision(int layers, int featureLayer, boolean classToken, int patches, int special, boolean whole) {
        /** A tower whose patches are read one by one. */
        public Vision(int layers, int featureLayer, boolean classToken, int patches, int special) {
            this(layers, featureLayer, classToken, patches, special, false);
        }

        /** A tower with nothing in front of the patches but, perhaps, a class token. */
        public Vision(int layers, int featureLayer, boolean classToken, int patches) {
            this(layers, featureLayer, classToken, patches, classToken ? 1 : 0);
        }
    }
}
