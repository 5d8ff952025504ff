package dev.winnow.reduction.methods.projector;

import dev.winnow.layers.CosineChoice;
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
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.primitives.AttentionScores;
import dev.winnow.reduction.primitives.Budget;
import dev.winnow.reduction.primitives.MaxSumDiversity;
import dev.winnow.reduction.primitives.PromptImages;
import dev.winnow.reduction.primitives.TopK;
import dev.winnow.reduction.primitives.VisualScope;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * ToDRE (Li et al. 2025, arXiv 2505.18757v2). First, in front of the language model: from the image token that the tower's class token
 * attends to most, greedy max-sum diversification over the projected tokens of the whole prompt. Then, after one late layer: when text
 * gives image tokens, and image tokens give text, less than a threshold of their attention, all image tokens leave.
 *
 * <p>After the paper's equations 4 and 8; there is no code. Its defaults: a tenth of the tokens, threshold 0.1, seven eighths of the
 * depth. A tower without a class token starts from the token nearest to the mean, one of the variants of the paper's ablation. Text is what
 * follows the last picture; the queries of the pictures are all tokens from the first image token to the last. Positions are contiguous
 * after the first step and stay in the second, of which the paper says nothing. n^2 width multiply-adds and two rows of attention per head.
 *
 * @param keep      image tokens kept of the whole prompt
 * @param exit      layer after which all may leave, or -1 for seven eighths of the depth
 * @param threshold attention ratio that both directions must be under; 0 never lets them leave
 */
public record ToDre(String spec, Budget keep, int exit, double threshold) implements ReductionMethod {
    public static final MethodType TYPE = new MethodType("todre", "ToDRE: Effective Visual Token Pruning via Token Diversity and Task"
            + " Relevance", 2025, "arXiv 2505.18757", "between projector and language model, and after one layer of it", true,
            List.of(Budget.option("0.1", "image tokens kept of the whole prompt"),
                    new Options.Option("exit", "", "layer after which all image tokens may leave; default: seven eighths of the depth"),
                    new Options.Option("threshold", "0.1", "they leave when attention between image and text is less", "tau")),
            ToDre.class,
            o -> new ToDre(o.spec(), Budget.of(o), o.layer("exit", 0),
                    o.number("threshold", 0, 1)));

    private static final String SALIENCE = "todre.salience";
    private static final String FROM_IMAGES = "todre.from_images";

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        ReductionEvent diversify = PromptImages.event(spec, shape, this::diversify);
        ModelShape.Vision vision = ReductionMethod.visionOf(shape, spec);
        List<ReductionEvent> events = new ArrayList<>();
        if (vision.classToken()) {
            Site tower = new Site(Stage.VISION, Site.Moment.AFTER_LAYER, vision.featureLayer());
            events.add(ReductionEvent.at(spec, tower, o -> received(o, SALIENCE)).watching(vision.featureLayer(), Probe.CLASS_ROW));
        }
        events.add(diversify);
        int depth = shape.languageLayers();
        int layer = exit >= 0 ? exit : Math.max(0, depth * 7 / 8 - 1);
        ReductionMethod.requireLayer(spec, layer, 0, depth);
        if (layer == depth - 1 || threshold == 0) return events;
        Site late = new Site(Stage.LANGUAGE, Site.Moment.AFTER_LAYER, layer);
        events.add(ReductionEvent.at(spec, late, o -> o.tokens().ledger().ofKind(TokenKind.VISUAL).length == 0 ? Outcome.UNCHANGED
                : received(o, FROM_IMAGES)).watching(layer, ToDre::imageQueries));
        events.add(ReductionEvent.at(spec, late, this::leave).watching(layer, ToDre::textQueries));
        return events;
    }

    private static Outcome received(Observation o, String note) {
        return new Outcome.Annotate(note, 1, AttentionScores.watchedRow(o));
    }

    private static Probe imageQueries(TokenLedger ledger) {
        int[] images = ledger.ofKind(TokenKind.VISUAL);
        return images.length == 0 ? null : new Probe(images[0], images[images.length - 1] - images[0] + 1, true);
    }

    private static Probe textQueries(TokenLedger ledger) {
        int[] images = ledger.ofKind(TokenKind.VISUAL);
        int after = images.length == 0 ? ledger.count() : images[images.length - 1] + 1;
        return after == ledger.count() ? null : new Probe(after, ledger.count() - after, true);
    }

    private Outcome diversify(Observation o) {
        return PromptImages.keepOfAll(o, keep, Budget.Rounding.NEAREST, (tokens, k) -> {
            int[] order = diverse(o, tokens, k);
            PromptImages.reportRank(o, order, tokens.length);
            return order;
        });
    }

    /** Begins with the token that the class token attends to most, or else with the one nearest to the mean. */
    private static int[] diverse(Observation o, int[] tokens, int k) {
        TokenLedger.Note salience = o.tokens().ledger().note(SALIENCE);
        int n = tokens.length;
        if (salience == null) {
            float[] similarity = PromptImages.similarity(o, tokens);
            return MaxSumDiversity.select(similarity, n, central(similarity, n), k);
        }
        int first = TopK.highest(VisualScope.pick(salience.values(), tokens), 1)[0];
        return PromptImages.choose(o, new CosineChoice.LeastAlike(first), tokens, k, s -> MaxSumDiversity.select(s, n, first, k));
    }

    private static int central(float[] similarity, int n) {
        float[] score = new float[n];
        for (int i = 0; i < n; i++) for (int j = 0; j < n; j++) score[i] += similarity[i * n + j];
        return TopK.highest(score, 1)[0];
    }

    private Outcome leave(Observation o) {
        TokenLedger ledger = o.tokens().ledger();
        int n = ledger.count();
        int[] images = ledger.ofKind(TokenKind.VISUAL);
        if (textQueries(ledger) == null || images.length == 0) return Outcome.UNCHANGED;
        float[] fromText = AttentionScores.watchedRow(o);
        float[] fromImages = ledger.note(FROM_IMAGES).values();
        int first = images[images.length - 1] + 1;
        double textToImages = share(fromText, images);
        double imagesToText = share(fromImages, IntStream.range(first, n).toArray());
        o.report("attention between text and images", new float[] {(float) textToImages, (float) imagesToText});
        if (textToImages >= threshold || imagesToText >= threshold) return Outcome.UNCHANGED;
        return VisualScope.dropping(images, new int[0], n, PositionPolicy.PRESERVE);
    }

    private static double share(float[] received, int[] of) {
        double all = 0;
        double part = 0;
        for (float r : received) all += r;
        for (int i : of) part += received[i];
        return all == 0 ? 0 : part / all;
    }
}
