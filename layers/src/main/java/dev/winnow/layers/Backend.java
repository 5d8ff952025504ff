package dev.winnow.layers;

import java.util.Optional;

/** Where layers run. */
public interface Backend {
    /** "cpu", "tornado". */
    String name();

    CompiledLayer compile(TransformerLayer layer);

    /** y = f(W x + b) for rows of x; y is [rows, out]. */
    void linear(Linear linear, float[] x, int rows, float[] y, Activation f, Work work);

    /**
     * Called when all layers of a model are compiled, before they run.
     *
     * @return what the model takes of a device's memory, in one sentence; empty where there is nothing to say
     * @throws IllegalStateException saying how much is missing, when the model does not fit
     */
    default String prepare() {
        return "";
    }

    /**
     * Called once the layers of a decoder are compiled, the last of which the vocabulary comes behind.
     *
     * @return empty where the processor embeds and chooses
     */
    default Optional<CompiledVocabulary> compile(Vocabulary vocabulary) {
        return Optional.empty();
    }

    /** What crossed to and from a device so far; nothing where all runs on the processor. */
    default Transfers transfers() {
        return Transfers.NONE;
    }

    /** y = norm(x) for rows of the given width; x and y may be the same array. */
    void normalise(Norm norm, float[] x, int rows, int width, float[] y);
}
