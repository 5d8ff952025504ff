package dev.winnow.reduction.methods.depth;

import dev.winnow.reduction.MethodType;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.Observation;
import dev.winnow.reduction.Options;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.ReductionMethod;
import dev.winnow.reduction.Site;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.TokenLedger.Note;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A-ViT (Yin et al. 2022, "A-ViT: Adaptive Tokens for Efficient Vision Transformer", arXiv 2112.07658; rules and constants of NVlabs/A-ViT,
 * timm/models/act_vision_transformer.py). Behind each layer the first channel of a token's state says how far it is done,
 * h = sigmoid(scale x - centre); once its h sum to 1 - epsilon it halts: it runs no further layer and no other token sees it. What a token
 * leaves the tower with is the sum of its states behind each layer, each times its h there, the last times what is missing to 1. Class
 * token and patches alike; behind the last layer all halt.
 *
 * <p>There are no parameters beyond those of a ViT, but it takes one that was trained so. The authors' code masks halted tokens; here they
 * cost nothing. Cost: one number per token and layer.
 *
 * @param scale   of the first channel
 * @param centre  taken off it; published as 30 for DeiT-T and 75 for DeiT-S
 * @param epsilon how far from 1 is done
 */
public record AVit(String spec, double scale, double centre, double epsilon) implements ReductionMethod {
    /** For each token its h so far, what is missing to 1 of those that counted, and the weighted sum of its states. */
    private static final String NOTE = "avit";

    public static final MethodType TYPE = new MethodType("avit", "A-ViT: Adaptive Tokens for Efficient Vision Transformer", 2022,
            "arXiv 2112.07658, github NVlabs/A-ViT", "vision tower, every layer", false,
            List.of(new Options.Option("scale", "10", "factor on the first channel", "gate_scale"),
                    new Options.Option("centre", "30", "taken off it; 30 for DeiT-T, 75 for DeiT-S", "gate_center"),
                    new Options.Option("epsilon", "0.01", "how far from 1 a token is done")),
            AVit.class,
            o -> new AVit(o.spec(), o.number("scale", -1e6, 1e6), o.number("centre", -1e6, 1e6), o.number("epsilon", 0, 1)));

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        int last = ReductionMethod.visionOf(shape, spec).featureLayer();
        List<ReductionEvent> events = new ArrayList<>();
        for (int l = 0; l <= last; l++) {
            boolean end = l == last;
            if (l > 0) events.add(ReductionEvent.at(spec, new Site(Stage.VISION, Site.Moment.BEFORE_LAYER, l), this::route));
            events.add(ReductionEvent.at(spec, new Site(Stage.VISION, Site.Moment.AFTER_LAYER, l), o -> count(o, end)));
        }
        return events;
    }

    private boolean halted(float sum) {
        return sum > 1 - epsilon;
    }

    private Outcome route(Observation o) {
        Note note = o.tokens().ledger().note(NOTE);
        int n = o.tokens().count();
        int[] run = IntStream.range(0, n).filter(i -> !halted(note.values()[i * note.width()])).toArray();
        return run.length == n ? Outcome.UNCHANGED : new Outcome.Route(run, null, null, null);
    }

    private Outcome count(Observation o, boolean end) {
        int n = o.tokens().count();
        int width = o.tokens().width();
        float[] x = o.tokens().hidden();
        Note before = o.tokens().ledger().note(NOTE);
        int stride = width + 2;
        float[] note = before == null ? new float[n * stride] : before.values().clone();
        float[] halting = new float[n];
        for (int i = 0; i < n; i++) {
            int at = i * stride;
            if (before == null) note[at + 1] = 1;
            if (halted(note[at])) continue;
            float h = end ? 1 : (float) (1 / (1 + Math.exp(centre - scale * x[i * width])));
            halting[i] = h;
            note[at] += h;
            float weight = halted(note[at]) ? note[at + 1] : h;
            note[at + 1] -= weight;
            for (int c = 0; c < width; c++) note[at + 2 + c] += weight * x[i * width + c];
        }
        o.report("halting", halting);
        Outcome.Annotate annotate = new Outcome.Annotate(NOTE, stride, note);
        return end ? new Outcome.All(List.of(annotate, new Outcome.Rewrite(sums(note, n, width)))) : annotate;
    }

    private static float[] sums(float[] note, int n, int width) {
        float[] sums = new float[n * width];
        for (int i = 0; i < n; i++) System.arraycopy(note, i * (width + 2) + 2, sums, i * width, width);
        return sums;
    }
}
