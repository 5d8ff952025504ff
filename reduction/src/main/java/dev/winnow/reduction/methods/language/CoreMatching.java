package dev.winnow.reduction.methods.language;

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
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.primitives.Budget;
import dev.winnow.reduction.primitives.TopK;
import dev.winnow.reduction.primitives.VisualScope;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The token side of CoreMatching (Wang et al. 2025, arXiv 2505.19235). An image token counts by how many neurons of a layer's MLP it
 * activates together with a text token near the end of the prompt. Those above the knee of the sorted counts, the point farthest from
 * the line between the ends, go on to the layers behind. Kept tokens keep their positions.
 *
 * <p>Tokens leave at one layer, as the paper says; the authors' code (wangqinsi1/2025-ICML-CoreMatching) only zeroes cache entries,
 * layer by layer. It counts neurons whose gated product is positive; here it is the activation itself. Costs the MLP's first
 * projection once more, in one layer.
 *
 * @param layer     layer after which tokens go, or -1 for 5 of 32, scaled to the depth
 * @param keep      image tokens kept, or null to go by the knee
 * @param reference the text token, counted from the end
 */
public record CoreMatching(String spec, int layer, Budget keep, int reference, VisualScope scope) implements ReductionMethod {
    private static final String SCORE = "corematching.score";

    public static final MethodType TYPE = new MethodType("corematching", "CoreMatching: A Co-adaptive Sparse Inference Framework with Token"
            + " and Neuron Pruning for Comprehensive Acceleration of Vision-Language Models", 2025, "arXiv 2505.19235",
            "language model, after one layer", true,
            List.of(new Options.Option("layer", "", "layer after which tokens go; default: 5 of 32, scaled to the depth"),
                    Budget.option("", "image tokens kept; default: those above the knee"),
                    new Options.Option("reference", "5", "the text token to match, counted from the end of the prompt"),
                    VisualScope.START, VisualScope.LENGTH),
            CoreMatching.class,
            o -> new CoreMatching(o.spec(), o.layer("layer", 0),
                    Budget.orNull(o), o.integer("reference", 1, Integer.MAX_VALUE), VisualScope.of(o)));

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        int depth = ReductionMethod.languageLayersOf(shape, spec);
        int l = layer >= 0 ? layer : depth * 5 / 32;
        ReductionMethod.requireLayer(spec, l, 0, depth);
        ReductionMethod.requireNeurons(spec, l, shape);
        return List.of(ReductionEvent.at(spec, new Site(Stage.LANGUAGE, Site.Moment.AFTER_ATTENTION, l), this::match),
                ReductionEvent.at(spec, new Site(Stage.LANGUAGE, Site.Moment.AFTER_LAYER, l), this::drop));
    }

    private boolean keepsAll(int images) {
        return images == 0 || keep != null && keep.of(images) >= images;
    }

    private Outcome match(Observation o) {
        int n = o.tokens().count();
        if (keepsAll(scope.candidates(o.tokens().ledger()).length)) return Outcome.UNCHANGED;
        float[] neurons = o.neurons();
        return new Outcome.Annotate(SCORE, 1, shared(neurons, n, Math.max(0, n - reference)));
    }

    /** How many neurons each token activates together with one of them: [n]. */
    static float[] shared(float[] neurons, int n, int with) {
        int inner = neurons.length / n;
        int[] active = IntStream.range(0, inner).filter(c -> neurons[with * inner + c] > 0).toArray();
        float[] shared = new float[n];
        for (int i = 0; i < n; i++) {
            for (int c : active) if (neurons[i * inner + c] > 0) shared[i]++;
        }
        return shared;
    }

    private Outcome drop(Observation o) {
        int n = o.tokens().count();
        TokenLedger.Note note = o.tokens().ledger().note(SCORE);
        int[] images = scope.candidates(o.tokens().ledger());
        if (note == null || keepsAll(images.length)) return Outcome.UNCHANGED;
        float[] score = VisualScope.pick(note.values(), images);
        o.report("score", score);
        int[] best = keep == null ? aboveKnee(score) : TopK.highestInOrder(score, keep.of(images.length));
        if (best.length == images.length) return Outcome.UNCHANGED;
        return VisualScope.dropping(images, best, n, PositionPolicy.PRESERVE);
    }

    /** Places of the scores above the knee, ascending; all of them when no score differs. */
    static int[] aboveKnee(float[] score) {
        int[] order = TopK.descending(score);
        float first = score[order[0]];
        float last = score[order[order.length - 1]];
        if (first == last) return IntStream.range(0, score.length).toArray();
        int knee = 0;
        double farthest = -1;
        for (int i = 0; i < order.length; i++) {
            double line = first + (double) (last - first) * i / (order.length - 1);
            double distance = Math.abs(score[order[i]] - line);
            if (distance > farthest) {
                farthest = distance;
                knee = i;
            }
        }
        // the ends alone have no knee between them
        float least = farthest < 1e-6 ? last : score[order[knee]];
        return IntStream.range(0, score.length).filter(i -> score[i] > least).toArray();
    }
}
