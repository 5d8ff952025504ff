package dev.winnow.reduction.methods.language;

import dev.winnow.layers.Probe;
import dev.winnow.reduction.MethodType;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.Observation;
import dev.winnow.reduction.Options;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.PositionPolicy;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.ReductionMethod;
import dev.winnow.reduction.Site;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.TokenLedger.Note;
import dev.winnow.reduction.TokenMap;
import dev.winnow.reduction.primitives.AttentionScores;
import dev.winnow.reduction.primitives.Budget;
import dev.winnow.reduction.primitives.CosineSimilarity;
import dev.winnow.reduction.primitives.MaximumCoverage;
import dev.winnow.reduction.primitives.PromptImages;
import dev.winnow.reduction.primitives.VisualScope;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * CATP (Li et al. 2025, "CATP: Contextually Adaptive Token Pruning for Efficient and Enhanced Multimodal In-Context Learning", arXiv
 * 2508.07871, equations 5 to 10 of the AAAI 2026 text): for prompts of several pictures with their texts, of which the last asks. Half
 * of what goes, goes in front of the language model, picture by picture: what stays covers the picture best (facility location) and is
 * most like the text that belongs to it. The rest goes behind two layers. Behind layer k the pictures before the last one compete
 * together, by how much more attention the last token gave them than one layer before and by their likeness to the mean of the last
 * picture and its text. Behind layer k + 1 those tokens of the last picture stay that are most like the mean of what is left of the
 * others.
 *
 * <p>Similarities are cosines of hidden states, in front of the model moved to 0 .. 1. Not told there: the text that belongs to a
 * picture is taken to be what follows it, of pictures in a row what follows the last; survivors of the second stage keep their
 * positions. A prompt of one picture has nothing to compare it with, and goes through the first stage only. Costs the products of each
 * picture's tokens with each other, and two attention rows.
 *
 * @param layer     k, or -1 for 6 of 32, scaled to the depth
 * @param keep      of all image tokens, what is left in the end
 * @param alignment weight of likeness to the text against coverage, lambda 1
 * @param relevance weight of likeness to the question against attention, lambda 2
 */
public record Catp(String spec, int layer, Budget keep, double alignment, double relevance) implements ReductionMethod {
    /** How many tokens of a token's picture are to be left in the end, not rounded. */
    private static final String TARGET = "catp.target";
    /** What tokens received from the last one in the layer before. */
    private static final String ATTENTION = "catp.attention";

    public static final MethodType TYPE = new MethodType("catp", "CATP: Contextually Adaptive Token Pruning for Efficient and Enhanced"
            + " Multimodal In-Context Learning", 2025, "arXiv 2508.07871", "in front of the language model and behind two of its layers",
            true,
            List.of(new Options.Option("layer", "", "first of the two layers; default: 6 of 32, scaled to the depth", "k"),
                    Budget.option("0.222", "image tokens left in the end"),
                    new Options.Option("alignment", "0.7", "weight of likeness to a picture's text against covering it", "lambda1"),
                    new Options.Option("relevance", "0.6", "weight of likeness to the question against growing attention", "lambda2")),
            Catp.class,
            o -> new Catp(o.spec(), o.layer("layer", 1), Budget.of(o), o.number("alignment", 0, 1e6), o.number("relevance", 0, 1e6)));

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        int depth = ReductionMethod.languageLayersOf(shape, spec);
        if (depth < 3) throw new PlanException(spec + ": compares two language layers and prunes behind a third; this model has " + depth);
        int k = layer > 0 ? layer : Math.max(1, depth * 6 / 32);
        ReductionMethod.requireLayer(spec, k, 1, depth - 1);
        return List.of(ReductionEvent.at(spec, new Site(Stage.LANGUAGE, Site.Moment.BEFORE_LAYER, 0), this::cover),
                after(k - 1, this::attention).watching(k - 1, Probe.LAST_ROW),
                after(k, this::pruneContext).watching(k, Probe.LAST_ROW),
                after(k + 1, this::pruneQuestion));
    }

    private ReductionEvent after(int at, Function<Observation, Outcome> decide) {
        return ReductionEvent.at(spec, new Site(Stage.LANGUAGE, Site.Moment.AFTER_LAYER, at), decide);
    }

    /** The first stage. */
    private Outcome cover(Observation o) {
        TokenLedger ledger = o.tokens().ledger();
        int n = ledger.count();
        List<int[]> images = PromptImages.of(ledger);
        int total = images.stream().mapToInt(tokens -> tokens.length).sum();
        double share = keep.count() >= 0 ? Math.min(1, (double) keep.count() / Math.max(1, total)) : keep.share();
        if (total == 0 || share == 1) return Outcome.UNCHANGED;
        float[] target = new float[n];
        boolean[] gone = new boolean[n];
        for (int[] tokens : images) {
            for (int t : tokens) {
                target[t] = (float) (share * tokens.length);
                gone[t] = true;
            }
            for (int place : select(o, tokens, whole(tokens.length * (1 + share) / 2))) gone[tokens[place]] = false;
        }
        int[] kept = IntStream.range(0, n).filter(i -> !gone[i]).toArray();
        return new Outcome.All(List.of(new Outcome.Annotate(TARGET, 1, target),
                new Outcome.Reduce(TokenMap.select(kept, n), PositionPolicy.RENUMBER)));
    }

    /** Rounded down, but for what is a whole number all but the last bits. */
    private static int whole(double tokens) {
        return (int) (tokens + 1e-3);
    }

    private int[] select(Observation o, int[] tokens, int k) {
        int n = tokens.length;
        float[] coverage = PromptImages.similarity(o, tokens);
        for (int i = 0; i < coverage.length; i++) coverage[i] = (1 + coverage[i]) / 2;
        float[] worth = new float[n];
        int[] text = textOf(o.tokens().ledger(), tokens);
        if (text.length > 0) worth = likeness(o, tokens, text);
        for (int i = 0; i < n; i++) worth[i] = (float) (alignment * (1 + worth[i]) / 2);
        int[] order = MaximumCoverage.select(coverage, worth, n, k);
        PromptImages.reportRank(o, order, n);
        return order;
    }

    private static boolean isText(TokenLedger ledger, int token) {
        return ledger.kind(token) == TokenKind.TEXT || ledger.kind(token) == TokenKind.SYSTEM;
    }

    /** The text that belongs to a picture: what follows it, or what follows the last of pictures in a row. */
    private static int[] textOf(TokenLedger ledger, int[] picture) {
        int i = picture[picture.length - 1] + 1;
        while (i < ledger.count() && !isText(ledger, i)) i++;
        int from = i;
        while (i < ledger.count() && ledger.kind(i) != TokenKind.VISUAL) i++;
        return IntStream.range(from, i).filter(t -> isText(ledger, t)).toArray();
    }

    /** Cosine of some tokens with the mean of others. */
    private static float[] likeness(Observation o, int[] tokens, int[] others) {
        int width = o.tokens().width();
        float[] mean = new float[width];
        for (int t : others) for (int c = 0; c < width; c++) mean[c] += o.tokens().hidden()[t * width + c] / others.length;
        float[] unit = CosineSimilarity.normalised(PromptImages.features(o, tokens), tokens.length, width);
        return CosineSimilarity.products(unit, tokens.length, CosineSimilarity.normalised(mean, 1, width), 1, width);
    }

    /** The first token of the question's pictures, those behind the last text in front of a picture; -1 without pictures. */
    private static int question(TokenLedger ledger) {
        int[] visual = ledger.ofKind(TokenKind.VISUAL);
        int first = visual.length - 1;
        while (first > 0 && IntStream.range(visual[first - 1], visual[first]).noneMatch(i -> isText(ledger, i))) first--;
        return first < 0 ? -1 : visual[first];
    }

    private static int[] visual(TokenLedger ledger, int from, int to) {
        return IntStream.range(from, to).filter(i -> ledger.kind(i) == TokenKind.VISUAL).toArray();
    }

    /** The pictures before the question's; none where the first stage left all as it was. */
    private static int[] context(TokenLedger ledger) {
        return ledger.note(TARGET) == null ? new int[0] : visual(ledger, 0, Math.max(0, question(ledger)));
    }

    private Outcome attention(Observation o) {
        if (context(o.tokens().ledger()).length == 0) return Outcome.UNCHANGED;
        return new Outcome.Annotate(ATTENTION, 1, AttentionScores.watchedRow(o));
    }

    private Outcome pruneContext(Observation o) {
        TokenLedger ledger = o.tokens().ledger();
        int[] context = context(ledger);
        if (context.length == 0) return Outcome.UNCHANGED;
        float[] now = AttentionScores.watchedRow(o);
        Note before = ledger.note(ATTENTION);
        float[] score = likeness(o, context, IntStream.range(question(ledger), ledger.count()).toArray());
        for (int i = 0; i < score.length; i++) {
            score[i] = (float) (Math.max(0, now[context[i]] - before.values()[context[i]]) + relevance * score[i]);
        }
        return prune(o, context, score);
    }

    private Outcome pruneQuestion(Observation o) {
        TokenLedger ledger = o.tokens().ledger();
        int question = question(ledger);
        int[] context = context(ledger);
        if (context.length == 0) return Outcome.UNCHANGED;
        int[] candidates = visual(ledger, question, ledger.count());
        return prune(o, candidates, likeness(o, candidates, IntStream.range(context[0], question).toArray()));
    }

    /** Leaves as many of some pictures' tokens as are to be left of these pictures, the best. */
    private static Outcome prune(Observation o, int[] candidates, float[] score) {
        Note target = o.tokens().ledger().note(TARGET);
        double left = PromptImages.of(o.tokens().ledger(), candidates).stream().mapToDouble(image -> target.values()[image[0]]).sum();
        return VisualScope.keepingHighest(o, candidates, score, whole(left), PositionPolicy.PRESERVE);
    }
}
