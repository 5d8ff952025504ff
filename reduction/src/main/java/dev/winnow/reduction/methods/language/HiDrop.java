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
import dev.winnow.reduction.primitives.TopK;
import dev.winnow.reduction.primitives.VisualScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/**
 * HiDrop (Wu et al. 2026, arXiv 2602.23699). Image tokens pass by the first layers of the language model (late injection), thin out in
 * the middle ones, fastest at first (concave pyramid), and leave before the last ones (early exit). Positions are kept.
 *
 * <p>The three parts and the position policy are the paper's. Its schedule and score were not to be had (the authors' repository holds
 * no code), so the layers and shares are options whose defaults are ours, and tokens are ranked by the attention of the last prompt
 * token in the coming layer, as in PyramidDrop. The authors train models for it; without training it is an approximation.
 *
 * @param inject first layer that image tokens run, or -1 for an eighth of the depth
 * @param layers layers before which tokens go, ascending; empty for a quarter, three eighths and half of the depth
 * @param budget image tokens that each of these layers still sees
 * @param exit   first layer without image tokens, the number of layers for none, or -1 for three quarters of the depth
 */
public record HiDrop(String spec, int inject, int[] layers, StagedBudget budget, int exit, VisualScope scope) implements ReductionMethod {
    public static final MethodType TYPE = new MethodType("hidrop", "HiDrop: Hierarchical Vision Token Reduction in MLLMs via Late"
            + " Injection, Concave Pyramid Pruning, and Early Exit", 2026, "arXiv 2602.23699", "language model, all layers", true,
            List.of(new Options.Option("inject", "", "first layer that image tokens run; default: an eighth of the depth"),
                    new Options.Option("layers", "", "layers before which tokens go; default: 2, 3 and 4 eighths of the depth"),
                    new Options.Option("ratios", "0.4/0.2/0.1", "share of the original image tokens left from each layer on"),
                    Budget.option("", "image tokens left before the exit, or one budget for each layer; bends the ratios"),
                    new Options.Option("exit", "", "first layer without image tokens; default: three quarters of the depth"),
                    VisualScope.START, VisualScope.LENGTH),
            HiDrop.class, HiDrop::create);

    private static HiDrop create(Options o) {
        int[] layers = Stages.requireAscending(o, "layers", o.integers("layers", 0, Integer.MAX_VALUE));
        double[] ratios = Stages.ratios(o, layers.length == 0 ? 3 : layers.length);
        return new HiDrop(o.spec(), o.layer("inject", 0), layers,
                StagedBudget.of(o, ratios, Budget.Rounding.DOWN), o.layer("exit", 0),
                VisualScope.of(o));
    }

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        int depth = ReductionMethod.languageLayersOf(shape, spec);
        int first = inject >= 0 ? inject : depth / 8;
        int end = exit >= 0 ? exit : Math.max(1, depth * 3 / 4);
        int[] at = layers.length > 0 ? layers : Arrays.stream(new int[] {2, 3, 4})
                .map(eighths -> Math.clamp(depth * eighths / 8, first, Math.max(first, end - 1))).toArray();
        ReductionMethod.requireLayer(spec, first, 0, depth);
        ReductionMethod.requireLayer(spec, end, first, depth + 1);
        List<ReductionEvent> events = new ArrayList<>();
        for (int l = 0; l < first; l++) events.add(before(l, this::passBy));
        for (int i = 0; i < at.length; i++) {
            ReductionMethod.requireLayer(spec, at[i], first, Math.max(end, first + 1));
            int stage = i;
            events.add(before(at[i], o -> drop(o, stage)));
        }
        if (end < depth) events.add(before(end, o -> keeping(o, new int[0])));
        return events;
    }

    private ReductionEvent before(int layer, Function<Observation, Outcome> decide) {
        return ReductionEvent.at(spec, new Site(Stage.LANGUAGE, Site.Moment.BEFORE_LAYER, layer), decide);
    }

    private Outcome passBy(Observation o) {
        int n = o.tokens().count();
        int[] images = scope.candidates(o.tokens().ledger());
        if (images.length == 0 || images.length == n) return Outcome.UNCHANGED;
        return new Outcome.Route(TopK.complement(images, n), null, null, null);
    }

    private Outcome drop(Observation o, int stage) {
        int[] images = scope.candidates(o.tokens().ledger());
        int keep = budget.of(stage, scope.originally(o.tokens().ledger()));
        if (keep >= images.length) return Outcome.UNCHANGED;
        RowScores scores = RowScores.ahead(o, Probe.LAST_ROW, images);
        o.report("score", scores::values);
        return keeping(o, scores.highestInOrder(keep));
    }

    private Outcome keeping(Observation o, int[] places) {
        int n = o.tokens().count();
        int[] images = scope.candidates(o.tokens().ledger());
        if (images.length == places.length || images.length == n) return Outcome.UNCHANGED;
        return VisualScope.dropping(images, places, n, PositionPolicy.PRESERVE);
    }
}
