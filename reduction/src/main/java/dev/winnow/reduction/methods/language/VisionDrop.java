package dev.winnow.reduction.methods.language;

import dev.winnow.layers.CompiledLayer.Projection;
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
import dev.winnow.reduction.TokenMap;
import dev.winnow.reduction.methods.projector.VisionZip;
import dev.winnow.reduction.primitives.AttentionScores;
import dev.winnow.reduction.primitives.Budget;
import dev.winnow.reduction.primitives.Contextual;
import dev.winnow.reduction.primitives.CosineSimilarity;
import dev.winnow.reduction.primitives.PromptImages;
import dev.winnow.reduction.primitives.Stages;
import dev.winnow.reduction.primitives.TopK;
import dev.winnow.reduction.primitives.VisualScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * VisionDrop (Xu et al. 2025, arXiv 2506.22283): what image tokens say about each other decides, never the text. Behind the tower
 * VisionZip's step; then, in front of some layers of the language model, each picture keeps the tokens that its own tokens would attend
 * to most in the coming layer, and a few contextual tokens merged from the rest by the similarity of their keys.
 *
 * <p>As in the authors' code (Ruixxxx/VisionDrop): the mean over heads and the picture's queries under the causal mask, keys with their
 * rotation, a contextual token is its target plus the mean of the others, dominant tokens come first, positions are renumbered at
 * every stage. The published schedule for 32 tokens on average leaves 49, 35, 26 and 19 of 576. Query and key projections of the
 * coming layer and one summed row of attention per head at each stage.
 *
 * @param layers layers in front of which tokens go; empty for a quarter, half and three quarters of the depth
 * @param keep   image tokens per picture that the last stage leaves; the others follow the published proportions
 */
public record VisionDrop(String spec, int[] layers, Budget keep) implements ReductionMethod {
    public static final MethodType TYPE = new MethodType("visiondrop", "Rethinking Visual Token Reduction in LVLMs under Cross-modal"
            + " Misalignment", 2025, "arXiv 2506.22283", "between vision tower and projector, then language model before some layers", true,
            List.of(new Options.Option("layers", "", "layers before which tokens go, three; default: every quarter of the depth",
                            "layer_list"),
                    Budget.option("0.033", "image tokens per picture that the last stage leaves")),
            VisionDrop.class, VisionDrop::create);

    /** Tokens of 576 that each stage leaves, the tower's first, and how many of them are contextual. */
    private static final int[] LEFT = {49, 35, 26, 19};
    private static final int[] CONTEXTUAL = {6, 5, 4, 3};
    private static final double PATCHES = 576;

    private static VisionDrop create(Options o) {
        int[] layers = o.integers("layers", 0, Integer.MAX_VALUE);
        if (layers.length != 0 && layers.length != LEFT.length - 1) {
            throw new PlanException("visiondrop: layers should be three but are '" + o.text("layers") + "'");
        }
        return new VisionDrop(o.spec(), Stages.requireAscending(o, "layers", layers), Budget.of(o));
    }

    /** Tokens of a number of patches that each stage leaves, the tower's first. */
    public int[] schedule(int patches) {
        double[] shares = Stages.endingAt(Arrays.stream(LEFT).mapToDouble(l -> l / PATCHES).toArray(), keep.of(patches) / (double) patches);
        return Arrays.stream(shares).mapToInt(s -> Math.max(1, (int) Math.rint(s * patches))).toArray();
    }

    private static int contextual(int stage, int left) {
        return (int) Math.rint(left * (double) CONTEXTUAL[stage] / LEFT[stage]);
    }

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        ModelShape.Vision vision = ReductionMethod.visionOf(shape, spec);
        int depth = ReductionMethod.languageLayersOf(shape, spec);
        int[] left = schedule(vision.patches());
        List<ReductionEvent> events = new ArrayList<>();
        if (left[0] < vision.patches()) {
            int merged = contextual(0, left[0]);
            // the class token goes on too, as one of those left
            events.addAll(new VisionZip(spec, null, Math.max(1, left[0] - 1 - merged), merged).events(shape));
        }
        int[] at = layers.length > 0 ? layers : new int[] {depth / 4, depth / 2, depth * 3 / 4};
        events.addAll(Stages.events(spec, at, 0, depth, stage -> {
            int stay = left[stage + 1];
            int merged = contextual(stage + 1, stay);
            Site site = new Site(Stage.LANGUAGE, Site.Moment.BEFORE_LAYER, at[stage]);
            return ReductionEvent.at(spec, site, o -> drop(o, stay - merged, merged));
        }));
        return events;
    }

    private static Outcome drop(Observation o, int dominant, int contextual) {
        int n = o.tokens().count();
        List<int[]> images = PromptImages.of(o.tokens().ledger());
        if (images.stream().allMatch(t -> t.length <= dominant + contextual)) return Outcome.UNCHANGED;
        float[] keys = headMean(o, o.projectionAhead(Projection.KEY, true));
        int[][] rows = new int[n][];
        float[][] weights = new float[n][];
        for (int i = 0; i < n; i++) {
            rows[i] = new int[] {i};
            weights[i] = new float[] {1f};
        }
        for (int[] tokens : images) {
            if (tokens.length > dominant + contextual) reduce(o, tokens, dominant, contextual, keys, rows, weights);
        }
        rows = Arrays.stream(rows).filter(r -> r != null).toArray(int[][]::new);
        weights = Arrays.stream(weights).filter(w -> w != null).toArray(float[][]::new);
        return new Outcome.Reduce(TokenMap.of(n, rows, weights), PositionPolicy.RENUMBER);
    }

    /** Puts what is left of a picture into the first of its places, dominant tokens before contextual ones, and empties the others. */
    private static void reduce(Observation o, int[] tokens, int dominant, int contextual, float[] keys, int[][] rows, float[][] weights) {
        float[] scores = scores(o, tokens);
        o.report("score", scores);
        int[] best = TopK.highestInOrder(scores, dominant);
        int[] rest = Arrays.stream(TopK.complement(best, tokens.length)).map(p -> tokens[p]).toArray();
        int width = keys.length / o.tokens().count();
        Contextual merged = Contextual.of(CosineSimilarity.gather(keys, width, rest), rest.length, width, contextual);
        for (int t : tokens) rows[t] = null;
        for (int t : tokens) weights[t] = null;
        for (int p = 0; p < best.length; p++) {
            rows[tokens[p]] = new int[] {tokens[best[p]]};
            weights[tokens[p]] = new float[] {1f};
        }
        for (int m = 0; m < merged.members().length; m++) {
            int place = tokens[best.length + m];
            rows[place] = Arrays.stream(merged.members()[m]).map(r -> rest[r]).toArray();
            weights[place] = merged.weights()[m];
        }
    }

    /** What each token of a picture would receive from all of them in the coming layer, mean over heads. */
    private static float[] scores(Observation o, int[] tokens) {
        Probe own = new Probe(tokens[0], tokens[tokens.length - 1] - tokens[0] + 1, true);
        return VisualScope.pick(AttentionScores.ahead(o, own), tokens);
    }

    /** [n, heads * dim] averaged over heads. */
    private static float[] headMean(Observation o, float[] keys) {
        int heads = o.attention().kvHeads();
        int dim = keys.length / (o.tokens().count() * heads);
        float[] mean = new float[o.tokens().count() * dim];
        for (int i = 0; i < keys.length; i++) mean[i / (heads * dim) * dim + i % dim] += keys[i] / heads;
        return mean;
    }
}
