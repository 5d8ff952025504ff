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
import dev.winnow.reduction.primitives.VisualScope;
import java.util.List;

/**
 * The part of VLA-Pruner (Liu et al. 2025, arXiv 2511.16449) that needs one picture only. Before layer k image tokens are ranked by the
 * attention that they received from the whole prompt in layer k - 1, mean over queries and heads. Kept tokens keep their positions. As
 * in the authors' code (MINT-SJTU/VLA-Pruner) without its temporal guide, which joins to these the tokens that a robot's last actions
 * looked at and needs the state of its control loop. Costs the attention rows of all queries once more, in one layer.
 *
 * @param layer first layer with fewer tokens, or -1 for 3
 */
public record VlaPruner(String spec, int layer, Budget keep, VisualScope scope) implements ReductionMethod {
    public static final MethodType TYPE = new MethodType("vlapruner", "VLA-Pruner: Temporal-Aware Dual-Level Visual Token Pruning for"
            + " Efficient Vision-Language-Action Inference", 2025, "arXiv 2511.16449", "language model, before layer k", true,
            List.of(new Options.Option("layer", "", "first layer with fewer tokens; default: 3, or the last of fewer", "fastv_k"),
                    Budget.option("0.25", "image tokens kept"), VisualScope.START, VisualScope.LENGTH),
            VlaPruner.class,
            o -> new VlaPruner(o.spec(), o.layer("layer", 1), Budget.of(o), VisualScope.of(o)));

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        int depth = ReductionMethod.languageLayersOf(shape, spec);
        int k = layer > 0 ? layer : Math.min(3, depth - 1);
        ReductionMethod.requireLayer(spec, k, 1, depth);
        return List.of(ReductionEvent.at(spec, new Site(Stage.LANGUAGE, Site.Moment.BEFORE_LAYER, k), this::decide)
                .watching(k - 1, Probe.RECEIVED));
    }

    private Outcome decide(Observation o) {
        int[] images = scope.candidates(o.tokens().ledger());
        int count = keep.of(images.length);
        if (count >= images.length) return Outcome.UNCHANGED;
        return VisualScope.keepingHighest(o, RowScores.watched(o, images), count, PositionPolicy.PRESERVE);
    }
}
