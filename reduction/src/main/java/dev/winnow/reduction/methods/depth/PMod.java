package dev.winnow.reduction.methods.depth;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Linear;
import dev.winnow.reduction.LearnedParts;
import dev.winnow.reduction.MethodType;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.Observation;
import dev.winnow.reduction.Options;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.ReductionMethod;
import dev.winnow.reduction.Site;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.primitives.TopK;
import dev.winnow.reduction.primitives.VisualScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * p-MoD (Zhang et al. 2024, "Building Mixture-of-Depths MLLMs via Progressive Ratio Decay", arXiv 2412.04449). In most layers a learned
 * router gives each visual token a weight w = scale tanh(r x + b) + shift (TanhNorm), and only a share of them, falling with depth along a
 * shifted cosine, runs the layer. A token that runs it gets w times what the MLP adds, one that does not becomes w x: both are weighed
 * alike (STRing). Text, prompts without images and decoding are dense; tokens that go around a layer have no cache entry there.
 *
 * <p>Names are those of MCG-NJU/p-MoD: {@code layers.{l}.router.router}. That code writes the cosine for 32 layers; here it spans the
 * model's depth unless told otherwise. Tokens of all images compete together, as there. Positions stay. Cost: one product per visual
 * token and routed layer.
 *
 * @param average  share of visual tokens that run a layer, averaged over the depth, before the bounds
 * @param most     layers with a larger share are not routed at all
 * @param least    no share is smaller
 * @param scale    of TanhNorm
 * @param shift    of TanhNorm
 * @param cosine   whether the decay is a cosine, or else a line
 * @param span     layers that it goes over, 0 for those of the model
 */
public record PMod(String spec, double average, double most, double least, double scale, double shift, boolean cosine, int span,
                   VisualScope scope) implements ReductionMethod {
    public static final MethodType TYPE = new MethodType("pmod", "p-MoD: Building Mixture-of-Depths MLLMs via Progressive Ratio Decay",
            2024, "arXiv 2412.04449, github MCG-NJU/p-MoD", "language model, most layers", false,
            List.of(new Options.Option("keep", "0.5", "share of visual tokens that run a layer, mean over the depth", "mod_router_factor"),
                    new Options.Option("most", "0.85", "layers with a larger share are not routed"),
                    new Options.Option("least", "0.15", "no share is smaller"),
                    new Options.Option("scale", "0.2", "factor on the tanh of the router's output"),
                    new Options.Option("shift", "1", "added to it"),
                    new Options.Option("decay", "shiftedcos", "shiftedcos or shiftedlinear"),
                    new Options.Option("span", "0", "layers that the decay goes over; 0 for those of the model"),
                    VisualScope.START, VisualScope.LENGTH),
            PMod.class, PMod::create);

    private static PMod create(Options o) {
        double least = o.number("least", 0, 1);
        double most = o.number("most", 0, 10);
        if (least > most) throw new PlanException("pmod: least is above most");
        return new PMod(o.spec(), DepthShare.of(o, "keep"), most, least, o.number("scale", -1e6, 1e6), o.number("shift", -1e6, 1e6),
                o.word("decay", "shiftedcos", "shiftedlinear").equals("shiftedcos"), o.integer("span", 0, 100_000),
                VisualScope.of(o));
    }

    /** Share of visual tokens that run a layer, before the bounds. */
    public double ratio(int layer, int depth) {
        int layers = span > 0 ? span : depth;
        double place = layers == 1 ? 0 : (double) layer / (layers - 1);
        return average + (cosine ? Math.cos(place * Math.PI) / 2 : 0.5 - place);
    }

    /** Whether a layer has a router. */
    public boolean routes(int layer, int depth) {
        return ratio(layer, depth) <= most;
    }

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        int depth = ReductionMethod.languageLayersOf(shape, spec);
        List<ReductionEvent> events = new ArrayList<>();
        for (int l = 0; l < depth; l++) {
            if (!routes(l, depth)) continue;
            Linear router = shape.learned().linear(spec, "layers." + l + ".router.router", 1, shape.languageWidth());
            double share = Math.min(1, Math.max(ratio(l, depth), least));
            events.add(ReductionEvent.at(spec, new Site(Stage.LANGUAGE, Site.Moment.BEFORE_LAYER, l),
                    o -> decide(o, shape.learned(), router, share)));
        }
        return events;
    }

    private Outcome decide(Observation o, LearnedParts learned, Linear router, double share) {
        int n = o.tokens().count();
        int[] visual = scope.candidates(o.tokens().ledger());
        if (visual.length == 0) return Outcome.UNCHANGED;
        float[] weights = learned.apply(router, o.tokens(), visual, Activation.TANH, o.work());
        for (int i = 0; i < weights.length; i++) weights[i] = (float) (weights[i] * scale + shift);
        o.report("router", weights);
        int[] chosen = TopK.highestInOrder(weights, (int) (visual.length * (float) share));
        int[] run = VisualScope.keeping(visual, chosen, n);
        float[] all = new float[n];
        Arrays.fill(all, 1);
        for (int i = 0; i < visual.length; i++) all[visual[i]] = weights[i];
        return new Outcome.Route(run, null, VisualScope.pick(all, run), all);
    }
}
