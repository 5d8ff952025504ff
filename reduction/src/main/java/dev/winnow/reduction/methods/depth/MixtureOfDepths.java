package dev.winnow.reduction.methods.depth;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Linear;
import dev.winnow.reduction.LearnedParts;
import dev.winnow.reduction.MethodType;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.Observation;
import dev.winnow.reduction.Options;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.ReductionMethod;
import dev.winnow.reduction.Site;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.primitives.Budget;
import dev.winnow.reduction.primitives.Budget.Rounding;
import dev.winnow.reduction.primitives.TopK;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Mixture-of-Depths (Raposo et al. 2024, arXiv 2404.02258). A learned router gives each token a weight r = w x in front of every other
 * layer; the k tokens with the highest run it and leave it as x + r f(x), the others go around it and have no cache entry there.
 *
 * <p>The choice of k looks at the whole prompt. A token that is decoded cannot wait for those that follow: it runs the layer where an
 * auxiliary predictor says so, or, in a checkpoint without one, where sigmoid(r) > 0.5, which the paper's auxiliary loss trains for.
 * No checkpoint was released; names follow public re-implementations: {@code layers.{l}.router} [1, width], and the predictor
 * {@code layers.{l}.aux_router.0}, SiLU, {@code layers.{l}.aux_router.2}. Positions stay. Cost: one product per token and routed layer.
 *
 * @param keep   tokens of a prompt that run a routed layer
 * @param layers that are routed; empty for every other, from the second on
 */
public record MixtureOfDepths(String spec, Budget keep, int[] layers) implements ReductionMethod {
    public static final MethodType TYPE = new MethodType("mod", "Mixture-of-Depths: Dynamically allocating compute in transformer-based"
            + " language models", 2024, "arXiv 2404.02258", "language model, every other layer, decoding too", false,
            List.of(Budget.option("0.125", "tokens of a prompt that run a routed layer", "capacity"),
                    new Options.Option("layers", "", "0-based layers that are routed; default: every other, from the second on")),
            MixtureOfDepths.class,
            o -> new MixtureOfDepths(o.spec(), Budget.of(o), o.integers("layers", 0, Integer.MAX_VALUE)));

    /** The learned parts of one layer. */
    private record Router(LearnedParts learned, Linear weight, Linear first, Linear second) {
        static Router of(LearnedParts learned, String spec, int layer, int width) {
            String name = "layers." + layer;
            Linear weight = learned.linear(spec, name + ".router", 1, width);
            if (!learned.has(name + ".aux_router.0.weight")) return new Router(learned, weight, null, null);
            Linear first = learned.linear(spec, name + ".aux_router.0", -1, width);
            return new Router(learned, weight, first, learned.linear(spec, name + ".aux_router.2", 1, first.out()));
        }

        float[] weights(Observation o) {
            return learned.apply(weight, o.tokens(), IntStream.range(0, o.tokens().count()).toArray(), Activation.NONE, o.work());
        }

        /** Whether a single token runs the layer; a sigmoid is above a half where its argument is above 0. */
        boolean wouldChoose(Observation o, float ownWeight) {
            if (first == null) return ownWeight > 0;
            float[] hidden = learned.apply(first, o.tokens().hidden(), 1, Activation.SILU, o.work());
            return learned.apply(second, hidden, 1, Activation.NONE, o.work())[0] > 0;
        }
    }

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        int depth = ReductionMethod.languageLayersOf(shape, spec);
        int[] routed = layers.length > 0 ? layers : IntStream.range(0, depth).filter(l -> l % 2 == 1).toArray();
        for (int l : routed) ReductionMethod.requireLayer(spec, l, 0, depth);
        return Arrays.stream(routed).mapToObj(l -> {
            Router router = Router.of(shape.learned(), spec, l, shape.languageWidth());
            return ReductionEvent.at(spec, new Site(Stage.LANGUAGE, Site.Moment.BEFORE_LAYER, l), o -> decide(o, router)).everyStep();
        }).toList();
    }

    private Outcome decide(Observation o, Router router) {
        int n = o.tokens().count();
        float[] weights = router.weights(o);
        o.report("router", weights);
        int[] run;
        if (n == 1) run = router.wouldChoose(o, weights[0]) ? new int[] {0} : new int[0];
        else run = TopK.highestInOrder(weights, keep.of(n, Rounding.DOWN));
        float[] chosen = new float[run.length];
        for (int i = 0; i < run.length; i++) chosen[i] = weights[run[i]];
        return new Outcome.Route(run, chosen, null, null);
    }
}
