package dev.winnow.reduction.methods.tower;

import dev.winnow.layers.Probe;
import dev.winnow.reduction.MethodType;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.Observation;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.PositionPolicy;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.ReductionMethod;
import dev.winnow.reduction.Site;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.primitives.AttentionScores;
import dev.winnow.reduction.primitives.Budget;
import dev.winnow.reduction.primitives.Softmax;
import dev.winnow.reduction.primitives.TopK;
import dev.winnow.reduction.primitives.TowerTokens;
import dev.winnow.reduction.primitives.VisualScope;
import java.util.List;
import java.util.stream.IntStream;

/**
 * FlowCut (Tong et al. 2025, "FlowCut: Rethinking Redundancy via Information Flow for Efficient Vision-Language Models",
 * arXiv 2505.19536). Every layer of the tower gives each patch a score: the class token's attention to it plus the likeness of its value
 * to the class token's, each as a share, times the 1-norm of its mean value. Scores of earlier layers count half. After every second
 * layer the lowest patches go, more of them where the class token's attention is concentrated; after the last but one layer whose output
 * is used, {@code keep} are left. Patches stay in order.
 *
 * <p>Follows the authors' code. Its extra pruning inside the language model belongs to models that cut pictures into crops and is not
 * part of this method. Cost: one attention row and one row of value products per layer.
 *
 * @param keep patches left at the end
 */
public record FlowCut(String spec, Budget keep) implements ReductionMethod {
    public static final MethodType TYPE = new MethodType("flowcut", "FlowCut: Rethinking Redundancy via Information Flow for Efficient"
            + " Vision-Language Models", 2025, "arXiv 2505.19536", "vision tower, every second layer", true,
            List.of(Budget.option("22%", "patches left at the end", "target_num")),
            FlowCut.class,
            o -> new FlowCut(o.spec(), Budget.of(o)));

    private static final String NOTE = "flowcut";

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        ModelShape.Vision vision = ReductionMethod.visionOf(shape, spec);
        TowerTokens.requireClass(vision, spec);
        int last = Math.max(0, vision.featureLayer() - 1);
        return IntStream.rangeClosed(0, last).mapToObj(l -> ReductionEvent.at(spec, new Site(Stage.VISION, Site.Moment.AFTER_LAYER, l),
                o -> score(o, last - l)).watching(l, Probe.CLASS_ROW).watchingKeys(l)).toList();
    }

    private Outcome score(Observation o, int remaining) {
        TokenLedger ledger = o.tokens().ledger();
        int[] patches = ledger.ofKind(TokenKind.VISUAL);
        int target = keep.of(ledger.originally(TokenKind.VISUAL));
        if (patches.length <= target) return Outcome.UNCHANGED;
        int n = ledger.count();
        float[] attention = share(VisualScope.pick(AttentionScores.watchedRow(o), patches));
        float[] scores = scores(attention, o.values(), n, o.attention().kvHeads(), patches);
        TokenLedger.Note before = ledger.note(NOTE);
        for (int i = 0; i < scores.length && before != null; i++) scores[i] = 0.5f * before.values()[patches[i]] + 0.5f * scores[i];
        o.report("score", scores);
        Outcome remember = new Outcome.Annotate(NOTE, 1, VisualScope.spread(scores, patches, n));
        if (remaining % 2 != 0) return remember;
        int left = remaining == 0 ? target : Math.max(target, patches.length - pruned(attention, target, remaining));
        return new Outcome.All(List.of(remember,
                VisualScope.dropping(patches, TopK.highestInOrder(scores, left), n, PositionPolicy.PRESERVE)));
    }

    /** Patches that go: more of them late in the tower, and where attention is far from even. */
    static int pruned(float[] attention, int target, int remaining) {
        int n = attention.length;
        double entropy = 0;
        for (float p : attention) if (p > 0) entropy -= p * Math.log(p);
        double evenness = entropy / Math.log(n);
        return (int) Math.rint((n - target) / Math.sqrt(remaining) * (1 - evenness * evenness));
    }

    /** (attention + value likeness) * 1-norm of the value averaged over heads, for each patch. */
    static float[] scores(float[] attention, float[] values, int n, int heads, int[] patches) {
        int dim = values.length / n / heads;
        float[] likeness = new float[n];
        for (int h = 0; h < heads; h++) {
            float[] product = new float[n];
            for (int i = 0; i < n; i++) {
                for (int c = h * dim; c < (h + 1) * dim; c++) product[i] += values[c] * values[i * heads * dim + c];
            }
            Softmax.add(product, 0, likeness);
        }
        float[] semantic = share(VisualScope.pick(likeness, patches));
        float[] scores = new float[patches.length];
        for (int i = 0; i < scores.length; i++) {
            float norm = 0;
            for (int c = 0; c < dim; c++) {
                float mean = 0;
                for (int h = 0; h < heads; h++) mean += values[(patches[i] * heads + h) * dim + c];
                norm += Math.abs(mean / heads);
            }
            scores[i] = (attention[i] + semantic[i]) * norm;
        }
        return scores;
    }

    private static float[] share(float[] x) {
        double sum = 0;
        for (float v : x) sum += v;
        for (int i = 0; i < x.length && sum > 0; i++) x[i] /= (float) sum;
        return x;
    }
}
