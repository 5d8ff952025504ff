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
import dev.winnow.reduction.primitives.StagedBudget;
import dev.winnow.reduction.primitives.Stages;
import dev.winnow.reduction.primitives.VisualScope;
import java.util.Arrays;
import java.util.List;

/**
 * PyramidDrop (Xing et al. 2024, arXiv 2410.17247). In front of some layers of the language model the image tokens are ranked by the
 * attention that the last prompt token would give them in the coming layer, and only the first part stays. Positions are
 * renumbered after every drop.
 *
 * @param layers layers in front of which tokens go, ascending; empty for a quarter, half and three quarters of the depth
 * @param budget image tokens that each of these layers still sees
 */
public record PyramidDrop(String spec, int[] layers, StagedBudget budget, VisualScope scope) implements ReductionMethod {
    public static final MethodType TYPE = new MethodType("pyramiddrop", "PyramidDrop: Accelerating Your Large Vision-Language Models"
            + " via Pyramid Visual Redundancy Reduction", 2024, "arXiv 2410.17247", "language model, before some layers", true,
            List.of(new Options.Option("layers", "", "layers before which tokens go; default: every quarter of the depth", "layer_list"),
                    new Options.Option("ratios", "0.5/0.25/0.125", "share of the original image tokens left from each layer on; a leading 1"
                            + " for the first stage is understood", "image_token_ratio_list"),
                    Budget.option("", "image tokens left in the end, or one budget for each layer; bends the ratios"),
                    VisualScope.START, VisualScope.LENGTH),
            PyramidDrop.class, PyramidDrop::create);

    private static PyramidDrop create(Options o) {
        int[] layers = Stages.requireAscending(o, "layers", o.integers("layers", 0, Integer.MAX_VALUE));
        double[] ratios = o.numbers("ratios", 0, 1);
        int stages = layers.length == 0 ? 3 : layers.length;
        if (ratios.length == stages + 1 && ratios[0] == 1) ratios = Arrays.copyOfRange(ratios, 1, ratios.length);
        Stages.requireOneEach(o, ratios, stages);
        return new PyramidDrop(o.spec(), layers, StagedBudget.of(o, ratios, Budget.Rounding.DOWN), VisualScope.of(o));
    }

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        int depth = ReductionMethod.languageLayersOf(shape, spec);
        int[] at = layers.length > 0 ? layers : new int[] {depth / 4, depth / 2, depth * 3 / 4};
        return Stages.events(spec, at, 0, depth, stage -> ReductionEvent.at(spec,
                new Site(Stage.LANGUAGE, Site.Moment.BEFORE_LAYER, at[stage]), o -> drop(o, stage)));
    }

    /** What the image tokens alive would receive from the last prompt token in the coming layer, mean over heads, in their order. */
    public RowScores scores(Observation o) {
        return RowScores.ahead(o, Probe.LAST_ROW, scope.candidates(o.tokens().ledger()));
    }

    private Outcome drop(Observation o, int stage) {
        int[] images = scope.candidates(o.tokens().ledger());
        int keep = budget.of(stage, scope.originally(o.tokens().ledger()));
        // looking ahead costs a key projection, so first see whether anything would go
        if (keep >= images.length) return Outcome.UNCHANGED;
        return VisualScope.keepingHighest(o, scores(o), keep, PositionPolicy.RENUMBER);
    }
}
