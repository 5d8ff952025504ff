package dev.winnow.reduction.methods.language;

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
import dev.winnow.reduction.TokenMap;
import dev.winnow.reduction.primitives.AttentionScores;
import dev.winnow.reduction.primitives.Budget;
import dev.winnow.reduction.primitives.CosineSimilarity;
import dev.winnow.reduction.primitives.Groups;
import dev.winnow.reduction.primitives.TopK;
import dev.winnow.reduction.primitives.VisualScope;
import java.util.Arrays;
import java.util.List;

/**
 * The part of HoliTom (Shao et al. 2025, arXiv 2505.21334) inside the language model. Before layer k the image tokens are ranked by the
 * attention of the last prompt token in layer k - 1, mean over heads. Each one that goes is averaged into the kept one most similar to
 * it, one after the other, so that later ones weigh more. Kept tokens keep their positions. As in the authors' code
 * (cokeshao/HoliTom). Costs a row of attention and the products of dropped and kept tokens.
 *
 * @param layer first layer with fewer tokens, or -1 for 18 of 28, scaled to the depth
 */
public record HoliTomInner(String spec, int layer, Budget keep, VisualScope scope) implements ReductionMethod {
    public static final MethodType TYPE = new MethodType("holitom-inner", "HoliTom: Holistic Token Merging for Fast Video Large Language"
            + " Models", 2025, "arXiv 2505.21334", "language model, before layer k", true,
            List.of(new Options.Option("layer", "", "first layer with fewer tokens; default: 18 of 28, scaled to the depth", "k"),
                    Budget.option("0.5", "image tokens kept"), VisualScope.START, VisualScope.LENGTH),
            HoliTomInner.class,
            o -> new HoliTomInner(o.spec(), o.layer("layer", 1), Budget.of(o),
                    VisualScope.of(o)));

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        int depth = ReductionMethod.languageLayersOf(shape, spec);
        int k = layer > 0 ? layer : Math.max(1, depth * 18 / 28);
        ReductionMethod.requireLayer(spec, k, 1, depth);
        return List.of(ReductionEvent.at(spec, new Site(Stage.LANGUAGE, Site.Moment.BEFORE_LAYER, k), this::decide)
                .watching(k - 1, Probe.LAST_ROW));
    }

    private Outcome decide(Observation o) {
        int n = o.tokens().count();
        int[] images = scope.candidates(o.tokens().ledger());
        int count = keep.of(images.length);
        if (count >= images.length) return Outcome.UNCHANGED;
        float[] score = VisualScope.pick(AttentionScores.watchedRow(o), images);
        o.report("score", score);
        int[] best = TopK.highestInOrder(score, count);
        TokenMap map = merge(o.tokens().hidden(), o.tokens().width(), n, images, best);
        return new Outcome.Reduce(map, PositionPolicy.PRESERVE);
    }

    /**
     * The map that averages each dropped candidate into its most similar kept one, in order.
     *
     * @param kept places among the candidates, ascending
     */
    static TokenMap merge(float[] hidden, int width, int n, int[] candidates, int[] kept) {
        int[] survivors = VisualScope.keeping(candidates, kept, n);
        if (kept.length == 0) return TokenMap.select(survivors, n);
        int[] dropped = Arrays.stream(TopK.complement(kept, candidates.length)).map(i -> candidates[i]).toArray();
        int[] stay = Arrays.stream(kept).map(i -> candidates[i]).toArray();
        float[] unit = CosineSimilarity.normalised(hidden, n, width);
        int[] nearest = CosineSimilarity.nearest(unit, dropped, CosineSimilarity.gather(unit, width, stay), stay.length, width).index();
        int[] into = Arrays.stream(nearest).map(s -> Arrays.binarySearch(survivors, stay[s])).toArray();
        int[][] groups = Groups.of(survivors, dropped, into);
        float[][] weights = Arrays.stream(groups).map(g -> halves(g.length)).toArray(float[][]::new);
        return TokenMap.of(n, groups, weights).anchoredAt(survivors);
    }

    /** Weights of what was averaged one after the other: the last counts half, the one before a quarter, the first two alike. */
    private static float[] halves(int count) {
        float[] weights = new float[count];
        for (int i = 0; i < count; i++) weights[i] = Math.scalb(1f, Math.max(i, 1) - count);
        return weights;
    }
}
