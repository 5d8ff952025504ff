package dev.winnow.reduction.methods.projector;

import dev.winnow.reduction.primitives.RowScores;
import dev.winnow.layers.Probe;
import dev.winnow.reduction.Grid;
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
import dev.winnow.reduction.TokenMap;
import dev.winnow.reduction.primitives.Budget;
import dev.winnow.reduction.primitives.PromptImages;
import dev.winnow.reduction.primitives.NearestKept;
import dev.winnow.reduction.primitives.Stages;
import dev.winnow.reduction.primitives.TopK;
import dev.winnow.reduction.primitives.VisualScope;
import dev.winnow.reduction.primitives.Windows;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * VScan (Zhang et al. 2025, arXiv 2505.22654). Of each picture half the budget goes to a local scan: in every window of the picture
 * the patches that the class token attends to most in a shallow encoder layer; the other half to a global scan of what is left, by
 * class attention in the layer of the features. Projected tokens that were not kept are averaged into the kept one most like them. In
 * the middle of the language model the tokens stay that the last prompt token would attend to most. From Tencent/SelfEvolvingAgent,
 * VScan/llava: layer 5 of 24 and 6 by 6 patches of 24 by 24 there, 96 of 576 tokens and then 32. Positions are contiguous after both
 * stages. Windows get equally many; what does not divide goes to the global scan, so that the budget holds.
 *
 * @param encoder tokens per image in front of the language model, or null for the published share
 * @param keep    tokens per image that the second stage leaves, or null likewise
 * @param shallow encoder layer of the local scan, or -1 for a fifth of the depth
 * @param windows windows below each other, and as many beside each other
 * @param layer   language layer of the second stage, or -1 for the middle
 */
public record VScan(String spec, Budget encoder, Budget keep, int shallow, int windows, int layer) implements ReductionMethod {
    private static final double[] PUBLISHED = {96 / 576.0, 32 / 576.0};
    private static final String LOCAL = "vscan.local";
    private static final String GLOBAL = "vscan.global";
    public static final MethodType TYPE = new MethodType("vscan", "VScan: Rethinking Visual Token Reduction for Efficient Large"
            + " Vision-Language Models", 2025, "arXiv 2505.22654", "between vision tower and language model, and inside it", true,
            List.of(Budget.option("", "tokens per image that the last stage leaves; default: 32 of 576", "image_token_list"),
                    new Options.Option("encoder", "", "tokens per image that the first stage leaves, a count or a share; default: 96 of"
                            + " 576, or in proportion to keep", "visual_token_num"),
                    new Options.Option("shallow", "", "encoder layer of the local scan; default: 5 of 24"),
                    new Options.Option("windows", "4", "windows of the local scan along each side of the picture"),
                    new Options.Option("layer", "", "language layer of the second stage; default: the middle", "layer_list")),
            VScan.class,
            o -> new VScan(o.spec(), o.has("encoder") ? Budget.of(o, "encoder") : null, o.has("keep") ? EncoderEnd.budget(o) : null,
                    o.layer("shallow", 0), o.integer("windows", 1, 1000),
                    o.layer("layer", 0)));

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        ModelShape.Vision vision = EncoderEnd.towerWithClass(shape, spec);
        int deep = vision.featureLayer();
        int early = shallow < 0 ? Math.min(deep, vision.layers() * 5 / 24) : shallow;
        ReductionMethod.requireLayer(spec, early, 0, deep + 1);
        int middle = layer < 0 ? shape.languageLayers() / 2 : layer;
        ReductionMethod.requireLayer(spec, middle, 0, shape.languageLayers());
        return List.of(EncoderEnd.notingClassRow(spec, LOCAL, early), EncoderEnd.notingClassRow(spec, GLOBAL, deep),
                ReductionEvent.at(spec, EncoderEnd.prompt(), this::scan),
                ReductionEvent.at(spec, new Site(Stage.LANGUAGE, Site.Moment.BEFORE_LAYER, middle), this::drop));
    }

    /** How many tokens of n the first and the second stage leave. */
    int[] stages(int n) {
        double ofEncoder = PUBLISHED[1] / PUBLISHED[0];
        int last = keep != null ? EncoderEnd.count(keep, n)
                : (int) Math.rint(encoder != null ? encoder.of(n) * ofEncoder : n * PUBLISHED[1]);
        int first = encoder != null ? encoder.of(n) : (int) Math.rint(n * Stages.endingAt(PUBLISHED, (double) last / n)[0]);
        return new int[] {Math.max(1, first), Math.max(1, Math.min(first, last))};
    }

    private Outcome scan(Observation o) {
        TokenLedger ledger = o.tokens().ledger();
        float[] local = EncoderEnd.note(ledger, LOCAL);
        float[] global = EncoderEnd.note(ledger, GLOBAL);
        int[] visual = ledger.ofKind(TokenKind.VISUAL);
        if (local == null || global == null || visual.length == 0) return Outcome.UNCHANGED;
        o.report("score", VisualScope.pick(global, visual));
        boolean[] kept = new boolean[ledger.count()];
        Arrays.fill(kept, true);
        for (int token : visual) kept[token] = false;
        for (int[] image : PromptImages.of(ledger)) choose(ledger, image, local, global, kept);
        TokenMap map = NearestKept.averages(o.tokens().hidden(), o.tokens().width(), kept, PromptImages.of(ledger));
        return map.isIdentity() ? Outcome.UNCHANGED : new Outcome.Reduce(map, PositionPolicy.RENUMBER);
    }

    private void choose(TokenLedger ledger, int[] image, float[] local, float[] global, boolean[] kept) {
        int budget = stages(image.length)[0];
        Grid grid = ledger.grid(ledger.image(image[0]));
        int left = budget;
        if (grid.cells() > 0 && Arrays.stream(image).allMatch(t -> ledger.cell(t) >= 0)) {
            Windows cut = Windows.split(grid, windows, windows);
            for (int w = 0; w < cut.count(); w++) {
                int window = w;
                int[] inside = Arrays.stream(image).filter(t -> cut.of(ledger.cell(t)) == window).toArray();
                int[] best = TopK.highest(VisualScope.pick(local, inside), budget / 2 / cut.count());
                EncoderEnd.mark(kept, inside, best);
                left -= best.length;
            }
        }
        int[] others = IntStream.of(image).filter(t -> !kept[t]).toArray();
        EncoderEnd.mark(kept, others, TopK.highest(VisualScope.pick(global, others), left));
    }

    private Outcome drop(Observation o) {
        TokenLedger ledger = o.tokens().ledger();
        int[] visual = ledger.ofKind(TokenKind.VISUAL);
        if (visual.length == 0) return Outcome.UNCHANGED;
        int images = PromptImages.of(ledger).size();
        int budget = images * stages(ledger.originally(TokenKind.VISUAL) / images)[1];
        if (budget >= visual.length) return Outcome.UNCHANGED;
        return VisualScope.keepingHighest(o, RowScores.ahead(o, Probe.LAST_ROW, visual), budget, PositionPolicy.RENUMBER);
    }
}
