package dev.winnow.reduction.methods.language;

import dev.winnow.layers.CosineChoice;
import dev.winnow.reduction.MethodType;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.Observation;
import dev.winnow.reduction.Options;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.PositionPolicy;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.ReductionMethod;
import dev.winnow.reduction.Site;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.primitives.Budget;
import dev.winnow.reduction.primitives.CosineSimilarity;
import dev.winnow.reduction.primitives.NonMaximumSuppression;
import dev.winnow.reduction.primitives.PromptImages;
import dev.winnow.reduction.primitives.VisualScope;
import java.util.Arrays;
import java.util.List;

/**
 * GreedyPrune (Pei et al. 2025, "GreedyPrune: Retenting Critical Visual Token Set for Large Vision Language Models", arXiv 2506.13166): the
 * image tokens most like the last text token, by the cosine of hidden states, of which no two may be more alike than a threshold; chosen
 * greedily until there are as many as wanted or none is left. Survivors keep their positions.
 *
 * <p>There is no code of the authors'. Objective and rule are told alike by a review (themoonlight.io) and by muy3938-creator/verlprune,
 * docs/four-method-flex-pruning.md, written from the paper; the threshold is the latter's. That repository compares values and fills up
 * to the wanted number, as changes of its own. Which layer the paper takes is told by neither: 2 is FastV's. Costs the products of all
 * image tokens with each other.
 *
 * @param layer     first layer with fewer tokens, 0 for in front of the model; -1 for the default
 * @param keep      image tokens kept at most
 * @param threshold cosine above which two tokens are alike
 */
public record GreedyPrune(String spec, int layer, Budget keep, double threshold, VisualScope scope) implements ReductionMethod {
    public static final MethodType TYPE = new MethodType("greedyprune", "GreedyPrune: Retenting Critical Visual Token Set for Large Vision"
            + " Language Models", 2025, "arXiv 2506.13166", "language model, before a layer", true,
            List.of(new Options.Option("layer", "", "first layer with fewer tokens; default: 2, the last of a model of two"),
                    Budget.option("0.25", "image tokens kept at most"),
                    new Options.Option("threshold", "0.9", "cosine above which two image tokens are alike", "similarity_threshold"),
                    VisualScope.START, VisualScope.LENGTH),
            GreedyPrune.class,
            o -> new GreedyPrune(o.spec(), o.layer("layer", 0), Budget.of(o), o.number("threshold", -1, 1), VisualScope.of(o)));

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        int depth = ReductionMethod.languageLayersOf(shape, spec);
        int first = layer < 0 ? Math.min(2, depth - 1) : layer;
        ReductionMethod.requireLayer(spec, first, 0, depth);
        return List.of(ReductionEvent.at(spec, new Site(Stage.LANGUAGE, Site.Moment.BEFORE_LAYER, first), this::decide));
    }

    private Outcome decide(Observation o) {
        int[] images = scope.candidates(o.tokens().ledger());
        int k = keep.of(images.length);
        int text = lastText(o.tokens().ledger(), images);
        if (k >= images.length || text < 0) return Outcome.UNCHANGED;
        Saliency saliency = new Saliency(o, images, text);
        o.report("saliency", saliency::values);
        int[] chosen = PromptImages.choose(o, new CosineChoice.Distinct(text, threshold), images, k,
                s -> NonMaximumSuppression.select(saliency.values(), s, threshold, k));
        Arrays.sort(chosen);
        return VisualScope.dropping(images, chosen, o.tokens().count(), PositionPolicy.PRESERVE);
    }

    /** How much each image token is like the text token, computed when it is first asked for: a device may choose without it. */
    private static final class Saliency {
        private final Observation o;
        private final int[] images;
        private final int text;
        private float[] values;

        Saliency(Observation o, int[] images, int text) {
            this.o = o;
            this.images = images;
            this.text = text;
        }

        float[] values() {
            if (values != null) return values;
            int width = o.tokens().width();
            float[] unit = CosineSimilarity.normalised(PromptImages.features(o, images), images.length, width);
            float[] last = CosineSimilarity.normalised(PromptImages.features(o, new int[] {text}), 1, width);
            values = CosineSimilarity.products(unit, images.length, last, 1, width);
            return values;
        }
    }

    /** The last token that is neither a candidate nor of a picture, or -1. */
    private static int lastText(TokenLedger ledger, int[] images) {
        for (int i = ledger.count() - 1; i >= 0; i--) {
            if (ledger.kind(i) != TokenKind.VISUAL && Arrays.binarySearch(images, i) < 0) return i;
        }
        return -1;
    }
}
