package dev.winnow.examples.localisation;

import dev.winnow.layers.Probe;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.Observation;
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

/**
 * One drop before layer k by the attention that the last token gives the picture in layer k - 1, with or without rotary phases, and
 * nothing else: what FastV (arXiv 2403.06764) and FEATHER (arXiv 2412.13180) differ in, without FEATHER's grid and second drop. Each
 * head's attention counts as a share of what it gives the picture.
 *
 * @param layer   first layer with fewer tokens
 * @param keep    image tokens kept
 * @param rotated whether queries and keys have their rotary phases
 */
record LastTokenDrop(int layer, Budget keep, boolean rotated) implements ReductionMethod {
    private static final String SCORE = "lasttokendrop.score";

    @Override
    public String spec() {
        return "last token drop:layer=" + layer + ",keep=" + keep.share() + ",rotated=" + rotated;
    }

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        ReductionMethod.requireLayer(spec(), layer, 1, ReductionMethod.languageLayersOf(shape, spec()));
        return List.of(ReductionEvent.at(spec(), new Site(Stage.LANGUAGE, Site.Moment.BEFORE_LAYER, layer - 1), this::rank),
                ReductionEvent.at(spec(), new Site(Stage.LANGUAGE, Site.Moment.BEFORE_LAYER, layer), this::drop));
    }

    private Outcome rank(Observation o) {
        int n = o.tokens().count();
        int[] images = whole().candidates(o.tokens().ledger());
        float[] rows = o.attentionAhead(Probe.LAST_ROW, rotated);
        float[] score = new float[n];
        for (int h = 0; h < o.heads(); h++) {
            float mass = 0;
            for (int i : images) mass += rows[h * n + i];
            for (int i : images) score[i] += mass == 0 ? 0 : rows[h * n + i] / mass / o.heads();
        }
        return new Outcome.Annotate(SCORE, 1, score);
    }

    private Outcome drop(Observation o) {
        TokenLedger ledger = o.tokens().ledger();
        int[] images = whole().candidates(ledger);
        float[] score = VisualScope.pick(ledger.note(SCORE).values(), images);
        int[] best = TopK.highestInOrder(score, keep.of(images.length));
        return VisualScope.dropping(images, best, o.tokens().count(), PositionPolicy.PRESERVE);
    }

    private static VisualScope whole() {
        return new VisualScope(0, 0);
    }
}
