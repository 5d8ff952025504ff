package dev.winnow.reduction.methods.language;

import dev.winnow.reduction.primitives.RowScores;
import dev.winnow.layers.Probe;
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
import dev.winnow.reduction.primitives.Budget;
import dev.winnow.reduction.primitives.TopK;
import dev.winnow.reduction.primitives.VisualScope;
import java.util.List;

/**
 * FastV (Chen et al. 2024, "An Image is Worth 1/2 Tokens After Layer 2", arXiv 2403.06764). Before layer k of the language model the
 * image tokens are ranked by the attention that the last prompt token gave them in layer k - 1, mean over heads; the lowest go.
 * Survivors keep their positions.
 *
 * @param k       first layer with fewer tokens
 * @param ratio   share of image tokens dropped
 * @param keep    budget instead of a ratio, or null
 * @param inPlace false only hides dropped tokens from attention, which saves nothing; the authors' ablation
 */
public record FastV(String spec, int k, double ratio, Budget keep, boolean inPlace, VisualScope scope) implements ReductionMethod {
    public static final MethodType TYPE = new MethodType("fastv", "An Image is Worth 1/2 Tokens After Layer 2", 2024,
            "arXiv 2403.06764", "language model, before layer k", true,
            List.of(new Options.Option("k", "2", "first layer with fewer tokens", "agg_layer"),
                    new Options.Option("ratio", "0.5", "share of image tokens dropped", "r"),
                    Budget.option("", "image tokens kept, instead of a ratio", "attention_rank"),
                    new Options.Option("inplace", "true", "false: hide dropped tokens instead of removing them"),
                    VisualScope.START, VisualScope.LENGTH),
            FastV.class,
            o -> new FastV(o.spec(), o.integer("k", 1, Integer.MAX_VALUE), o.number("ratio", 0, 1),
                    Budget.orNull(o), o.flag("inplace"), VisualScope.of(o)));

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        ReductionMethod.requireLayer(spec, k, 1, ReductionMethod.languageLayersOf(shape, spec));
        return List.of(ReductionEvent.at(spec, new Site(Stage.LANGUAGE, Site.Moment.BEFORE_LAYER, k), this::decide)
                .watching(k - 1, Probe.LAST_ROW));
    }

    /** What the image tokens alive received from the last prompt token, mean over heads, in their order. */
    public RowScores scores(Observation o) {
        return RowScores.watched(o, scope.candidates(o.tokens().ledger()));
    }

    /** Places of the scores that stay, ascending. */
    public int[] select(float[] scores) {
        return TopK.highestInOrder(scores, left(scores.length));
    }

    private int left(int images) {
        return keep != null ? keep.of(images) : (int) Math.rint(images * (1 - ratio));
    }

    private Outcome decide(Observation o) {
        int n = o.tokens().count();
        RowScores scores = scores(o);
        o.report("score", scores::values);
        int[] images = scores.tokens();
        int left = left(images.length);
        if (left >= images.length) return Outcome.UNCHANGED;
        int[] best = scores.highestInOrder(left);
        if (inPlace) return VisualScope.dropping(images, best, n, PositionPolicy.PRESERVE);
        boolean[] hidden = new boolean[n];
        for (int gone : TopK.complement(best, images.length)) hidden[images[gone]] = true;
        return new Outcome.Hide(hidden);
    }
}
