package dev.winnow.reduction.methods.depth;

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
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * CATS (Lee et al. 2024, "CATS: Contextually-Aware Thresholding for Sparsity in Large Language Models", arXiv 2404.08763), after
 * ScalingIntelligence/CATS, commit 679959c. In every layer, inner neurons of the MLP whose gate is no larger in magnitude than the
 * layer's threshold are set to zero. Decoding steps read only the weights of the others from the up and down projections; for that the
 * backend keeps a second, turned copy of the down projection. The prompt computes as many products as ever. Layers whose MLP is a mixture
 * of experts, or runs beside the attention, are refused.
 *
 * <p>The authors take a threshold from a histogram over a training corpus. Here thresholds are given, or each layer's is the quantile of
 * the gates of the last tokens of the prompt at hand, which costs one more gate projection of these.
 *
 * @param sparsity   share of neurons that are off, when thresholds are not given
 * @param thresholds one for all layers or one per layer; empty to calibrate
 * @param calibrate  last tokens of the prompt that thresholds are calibrated on
 */
public record Cats(String spec, double sparsity, double[] thresholds, int calibrate) implements ReductionMethod {
    public static final MethodType TYPE = new MethodType("cats",
            "CATS: Contextually-Aware Thresholding for Sparsity in Large Language Models", 2024, "arXiv 2404.08763", "MLP of every language layer", true,
            List.of(new Options.Option("sparsity", "0.5", "share of inner neurons that are off", "targeted_sparsity"),
                    new Options.Option("thresholds", "", "gates up to which neurons are off, one for all layers or one per layer, instead"),
                    new Options.Option("calibrate", "32", "last tokens of the prompt that thresholds are calibrated on")),
            Cats.class,
            o -> new Cats(o.spec(), o.number("sparsity", 0, 1), o.numbers("thresholds", 0, Double.MAX_VALUE),
                    o.integer("calibrate", 1, Integer.MAX_VALUE)));

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        int depth = ReductionMethod.languageLayersOf(shape, spec);
        if (thresholds.length > 1 && thresholds.length != depth) {
            throw new PlanException(spec + ": there are " + thresholds.length + " thresholds for " + depth + " layers");
        }
        if (thresholds.length == 0 && sparsity == 0) return List.of();
        for (int l = 0; l < depth; l++) ReductionMethod.requireNeurons(spec, l, shape);
        return IntStream.range(0, depth).mapToObj(l ->
                ReductionEvent.at(spec, new Site(Stage.LANGUAGE, Site.Moment.AFTER_ATTENTION, l), o -> {
                    float threshold = thresholds.length == 0 ? quantile(o) : (float) thresholds[l % thresholds.length];
                    o.report("threshold", new float[] {threshold});
                    return new Outcome.Threshold(threshold);
                })).toList();
    }

    /** The magnitude that the wanted share of the gates does not exceed. */
    private float quantile(Observation o) {
        int n = Math.min(calibrate, o.tokens().count());
        float[] gates = o.neurons(o.tokens().count() - n, n);
        for (int i = 0; i < gates.length; i++) gates[i] = Math.abs(gates[i]);
        Arrays.sort(gates);
        return gates[Math.max(0, (int) Math.rint(sparsity * gates.length) - 1)];
    }
}
