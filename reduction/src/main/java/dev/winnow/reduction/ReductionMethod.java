package dev.winnow.reduction;

import dev.winnow.layers.CacheFormat;
import dev.winnow.layers.TransformerLayer;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;

/** A named schedule of reduction events: a method with its numbers. Implementations are records that read like their paper. */
public interface ReductionMethod {
    /** The method in the text form that {@link ReductionPlan#parse} reads. */
    String spec();

    /**
     * The method's events for a model.
     *
     * @throws PlanException when the method does not fit the model
     */
    List<ReductionEvent> events(ModelShape shape);

    /** Layers of a stage that no token runs. */
    default BitSet skippedLayers(Stage stage, ModelShape shape) {
        return new BitSet();
    }

    /** How generation drafts tokens ahead, for methods that do; what is generated stays the same. */
    default Optional<Drafting> drafting(ModelShape shape) {
        return Optional.empty();
    }

    /** How the method wants a language layer's cache held once the prompt has run the layer, or null for as it is. */
    default CacheFormat cacheFormat(int layer, ModelShape shape) {
        return null;
    }

    /** The tower of a model, for methods that need one with layers whose tokens are free of their grid. */
    static ModelShape.Vision visionOf(ModelShape shape, String spec) {
        ModelShape.Vision vision = shape.vision()
                .orElseThrow(() -> new PlanException(spec + ": works in a vision tower; this model has none"));
        if (vision.layers() > 0) return vision;
        throw new PlanException(spec + ": works between layers of a vision tower, but this model's operators need the whole grid of patches"
                + " to the end, so that none may leave");
    }

    /** The number of language layers of a model, for methods that need them. */
    static int languageLayersOf(ModelShape shape, String spec) {
        if (shape.languageLayers() == 0) throw new PlanException(spec + ": works in a language model; this model has none");
        return shape.languageLayers();
    }

    /** Checks that a layer's MLP runs after its attention, so that there is something between them to act on. */
    static void requireSequence(String spec, int layer, TransformerLayer description) {
        if (!description.residual().parallel()) return;
        throw new PlanException(spec + ": layer " + layer + " runs its MLP beside the attention, not after it");
    }

    /** Checks that all tokens run the same neurons in a layer, after its attention. */
    static void requireNeurons(String spec, int layer, TransformerLayer description) {
        requireSequence(spec, layer, description);
        if (description.separateMlp()) return;
        throw new PlanException(spec + ": layer " + layer + " has experts in place of one MLP for all tokens");
    }

    /** The same for a language layer of a model, where it is known. */
    static void requireNeurons(String spec, int layer, ModelShape shape) {
        List<TransformerLayer> layers = shape.learned().layers();
        if (!layers.isEmpty()) requireNeurons(spec, layer, layers.get(layer));
    }

    /** Checks that a layer number lies in [from, layers). */
    static void requireLayer(String spec, int layer, int from, int layers) {
        if (layer < from || layer >= layers) {
            throw new PlanException(spec + ": layer " + layer + " is outside " + from + ".." + (layers - 1));
        }
    }
}
