package dev.winnow.runtime.reducing;

import dev.winnow.reduction.Observation;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.PositionPolicy;
import dev.winnow.reduction.ReductionMethod;
import dev.winnow.reduction.Site;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenMap;
import dev.winnow.reduction.methods.projector.DivPrune;
import dev.winnow.reduction.methods.projector.FasterVlm;
import dev.winnow.reduction.methods.projector.PruMerge;
import dev.winnow.reduction.methods.projector.VisionZip;
import dev.winnow.reduction.primitives.CosineSimilarity;
import dev.winnow.reduction.primitives.PromptImages;
import dev.winnow.runtime.models.VisionLanguageModel;
import dev.winnow.weights.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Reductions of a picture before the language model sees it: what was kept, logits of the shorter prompt, and what is generated. */
final class PictureVariants {
    /** Between projector and language model. */
    private static final Site PROMPT = new Site(Stage.LANGUAGE, Site.Moment.BEFORE_LAYER, 0);

    private PictureVariants() {}

    static void run(VisionLanguageModel model, List<ModelCases.Variant> variants, Map<String, Tensor> inputs, int newTokens, NamedOutputs out) {
        int layer = model.shape().vision().orElseThrow().featureLayer();
        Onlooker tower = new Onlooker(List.of(new Site(Stage.VISION, Site.Moment.AFTER_LAYER, layer)), (l, o) -> tower(model, o, out));
        answer(model, "none", tower, inputs, newTokens, out);
        for (ModelCases.Variant v : variants) {
            ReductionMethod method = v.method();
            Witnessed witnessed = new Witnessed(method, (event, o, outcome) -> {
                selection(v.name(), method, o, outcome, out);
                if (event.site().equals(PROMPT)) embeds(v.name(), o, outcome, out);
            });
            answer(model, v.name(), witnessed, inputs, newTokens, out);
        }
    }

    private static void answer(VisionLanguageModel model, String name, ReductionMethod method, Map<String, Tensor> inputs, int newTokens, NamedOutputs out) {
        Map<String, Tensor> traced = ModelCases.trace(model, List.of(method), inputs, newTokens);
        // what is dropped between projector and language model still went through the projector
        boolean later = method.events(model.shape()).stream().anyMatch(e -> e.site().equals(PROMPT));
        if (traced.containsKey("projector") && !later) ModelCases.copy(traced, "projector", out, name + ".image_embeds");
        ModelCases.copy(traced, "logits", out, name + ".logits");
        float[] logits = traced.get("logits").toFloats();
        int vocabulary = model.language().vocabulary();
        out.floats(name + ".logits_last", Arrays.copyOfRange(logits, logits.length - vocabulary, logits.length), 1, vocabulary);
        if (newTokens > 0) ModelCases.copyIds(traced, out, name + ".generated_ids");
    }

    /** What the tower computes of the whole picture; the class token, which is token 0, is not among the features. */
    private static void tower(VisionLanguageModel model, Observation o, NamedOutputs out) {
        int n = o.tokens().count();
        int width = o.tokens().width();
        out.floats("vision.features", Arrays.copyOfRange(o.tokens().hidden(), width, n * width), 1, n - 1, width);
        int feature = model.lastBlock() - model.vision().layers();
        out.floats("vision.attention." + feature, o.rows(), o.heads(), n, n);
        out.floats("vision.metric", o.meanKeys(), 1, n, o.meanKeys().length / n);
    }

    private static void selection(String name, ReductionMethod method, Observation o, Outcome outcome, NamedOutputs out) {
        int n = o.tokens().count();
        TokenMap map = outcome instanceof Outcome.Reduce r ? r.map() : TokenMap.identity(n);
        switch (method) {
            case VisionZip m -> {
                int[] indices = TowerTensors.withClass(m.select(o));
                out.longs(name + ".all_indices", indices, 1, indices.length);
                tokens(name, map, o, out);
            }
            case PruMerge m -> tokens(name, map, o, out);
            case FasterVlm m -> {
                int[] kept = new int[map.rows()];
                Arrays.setAll(kept, map::anchor);
                int[] mask = TowerTensors.mask(kept, n);
                out.longs(name + ".mask", Arrays.copyOfRange(mask, 1, n), 1, n - 1);
            }
            case DivPrune m -> {
                int[] images = o.tokens().ledger().ofKind(TokenKind.VISUAL);
                int[] order = DivPrune.select(PromptImages.similarity(o, images), images.length, m.keep().of(images.length));
                out.longs(name + ".selected", order, order.length);
            }
            default -> { }
        }
    }

    /** The image tokens as the language model gets them from a method that acts in front of it. */
    private static void embeds(String name, Observation o, Outcome outcome, NamedOutputs out) {
        List<Outcome> parts = outcome instanceof Outcome.All(List<Outcome> all) ? all : List.of(outcome);
        TokenMap map = TokenMap.identity(o.tokens().count());
        for (Outcome part : parts) if (part instanceof Outcome.Reduce r) map = r.map();
        int width = o.tokens().width();
        float[] hidden = new float[map.rows() * width];
        map.apply(o.tokens().hidden(), width, hidden);
        int[] images = o.tokens().ledger().after(map, PositionPolicy.PRESERVE).ofKind(TokenKind.VISUAL);
        out.floats(name + ".image_embeds", CosineSimilarity.gather(hidden, width, images), 1, images.length, width);
    }

    private static void tokens(String name, TokenMap map, Observation o, NamedOutputs out) {
        int width = o.tokens().width();
        float[] tokens = new float[map.rows() * width];
        map.apply(o.tokens().hidden(), width, tokens);
        out.floats(name + ".tokens", tokens, 1, map.rows(), width);
    }
}
