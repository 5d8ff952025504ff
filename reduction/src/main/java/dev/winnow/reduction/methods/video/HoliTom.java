package dev.winnow.reduction.methods.video;

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
import dev.winnow.reduction.primitives.AttentionScores;
import dev.winnow.reduction.primitives.Budget;
import dev.winnow.reduction.primitives.CosineSimilarity;
import dev.winnow.reduction.primitives.DensityPeaks;
import dev.winnow.reduction.primitives.PromptImages;
import dev.winnow.reduction.primitives.PromptImages.Part;
import dev.winnow.reduction.primitives.StaticSegments;
import dev.winnow.reduction.primitives.TopK;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * HoliTom before the language model (Shao et al. 2025, "HoliTom: Holistic Token Merging for Fast Video Large Language Models",
 * arXiv 2505.21334). The images of a request are frames in their order. The film is cut so that as many tokens as possible are static: a
 * place is static in a segment when its features stay alike from frame to frame. Static tokens are averaged over the segment, then
 * merged around density peaks; of the tokens that move each frame keeps those that the tower attended to most, and merges a share of the
 * others around density peaks. What merging over time saved goes back into the share that every group keeps.
 *
 * <p>Follows the authors' code with its defaults (no share of moving tokens is merged, a merged token is 0.6 times its centre plus 0.4
 * times the mean of the others), except that tokens stay in the order of the prompt, a static one in its first frame, and that ties of
 * density go to the lower index instead of to noise. Rounding is per frame and segment, so the number kept is about {@code keep}. The
 * merging inside the language model is a method of its own. The prompt is just shorter: positions are contiguous. Cost: column sums of
 * one attention map per frame and the distances between static tokens.
 *
 * @param keep    visual tokens kept
 * @param tau     cosine above which a place has not changed
 * @param longest most frames of a segment
 * @param merged  share of the moving tokens kept that are merged ones
 * @param beta    weight of the centre in a merged token
 * @param k       neighbours that density looks at
 */
public record HoliTom(String spec, Budget keep, double tau, int longest, double merged, double beta, int k) implements ReductionMethod {
    public static final MethodType TYPE = new MethodType("holitom", "HoliTom: Holistic Token Merging for Fast Video Large Language Models",
            2025, "arXiv 2505.21334", "before the language model, over all images as frames", true,
            List.of(Budget.option("0.15", "visual tokens kept, about", "retain_ratio"),
                    new Options.Option("tau", "0.8", "cosine above which a place has not changed", "t"),
                    new Options.Option("longest", "1024", "most frames of a segment", "max_window_size"),
                    new Options.Option("merged", "0", "share of the moving tokens kept that are merged ones", "d"),
                    new Options.Option("beta", "0.6", "weight of the centre in a merged token"),
                    new Options.Option("k", "7", "neighbours that density looks at")),
            HoliTom.class,
            o -> new HoliTom(o.spec(), Budget.of(o), o.number("tau", -1, 1), o.integer("longest", 1, Integer.MAX_VALUE),
                    o.number("merged", 0, 1), o.number("beta", 0, 1), o.integer("k", 1, Integer.MAX_VALUE)));

    private static final String ATTENTION = "holitom";

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        int layer = ReductionMethod.visionOf(shape, spec).featureLayer();
        ReductionMethod.languageLayersOf(shape, spec);
        return List.of(ReductionEvent.at(spec, new Site(Stage.VISION, Site.Moment.AFTER_LAYER, layer), HoliTom::attended)
                        .watching(layer, Probe.RECEIVED).noting(),
                ReductionEvent.at(spec, new Site(Stage.LANGUAGE, Site.Moment.BEFORE_LAYER, 0), this::merge));
    }

    private static Outcome attended(Observation o) {
        return new Outcome.Annotate(ATTENTION, 1, AttentionScores.watchedRow(o));
    }

    private Outcome merge(Observation o) {
        Film film = Film.of(o.tokens());
        int[] visual = o.tokens().ledger().ofKind(TokenKind.VISUAL);
        int wanted = keep.of(visual.length);
        if (wanted >= visual.length) return Outcome.UNCHANGED;
        boolean[][] same = film.same(tau);
        StaticSegments cut = StaticSegments.of(same, longest);
        float[] firsts = new float[cut.segments().size()];
        for (int s = 0; s < firsts.length; s++) firsts[s] = cut.segments().get(s).first();
        o.report("segments", firsts);
        double ratio = Math.min(1, (double) wanted / (visual.length - cut.spared()));
        float[] attention = o.tokens().ledger().note(ATTENTION).values();

        List<Part> parts = new ArrayList<>();
        for (StaticSegments.Segment segment : cut.segments()) {
            boolean[] still = StaticSegments.still(same, segment, film.places());
            parts.addAll(still(film, segment, still, ratio));
            for (int f = segment.first(); f <= segment.last(); f++) parts.addAll(moving(film, film.moving(f, still), attention, ratio));
        }
        return new Outcome.Reduce(PromptImages.replacing(visual, parts, film.n()), PositionPolicy.RENUMBER);
    }

    /** Static tokens of a segment: averaged over its frames, then merged around density peaks. */
    private List<Part> still(Film film, StaticSegments.Segment segment, boolean[] still, double ratio) {
        int[] places = IntStream.range(0, still.length).filter(p -> still[p]).toArray();
        int frames = segment.frames();
        int[][] over = new int[places.length][frames];
        float[] mean = new float[places.length * film.width()];
        for (int i = 0; i < places.length; i++) {
            for (int f = 0; f < frames; f++) {
                over[i][f] = film.at()[segment.first() + f][places[i]];
                for (int c = 0; c < film.width(); c++) mean[i * film.width() + c] += film.x()[over[i][f] * film.width() + c] / frames;
            }
        }
        return clusters(mean, film.width(), over, (int) Math.rint(places.length * ratio));
    }

    /** Tokens of one frame that move: those attended to most, and clusters of some of the others. */
    private List<Part> moving(Film film, int[] tokens, float[] attention, double ratio) {
        int kept = (int) Math.ceil(tokens.length * ratio);
        int dominant = (int) Math.rint(kept * (1 - merged));
        float[] scores = new float[tokens.length];
        for (int i = 0; i < scores.length; i++) scores[i] = attention[tokens[i]];
        int[] best = TopK.highestInOrder(scores, dominant);
        List<Part> parts = new ArrayList<>();
        for (int i : best) parts.add(Part.of(tokens[i]));
        int[] rest = Arrays.stream(TopK.complement(best, tokens.length)).map(i -> tokens[i]).toArray();
        int[][] single = Arrays.stream(rest).mapToObj(t -> new int[] {t}).toArray(int[][]::new);
        parts.addAll(clusters(CosineSimilarity.gather(film.x(), film.width(), rest), film.width(), single, kept - dominant));
        return parts;
    }

    /**
     * Merges averages around density peaks.
     *
     * @param of for each average the tokens it is of
     */
    private List<Part> clusters(float[] averages, int width, int[][] of, int wanted) {
        if (wanted == 0 || of.length == 0) return List.of();
        DensityPeaks clusters = DensityPeaks.of(averages, of.length, width, Math.min(k, wanted), wanted);
        List<Part> parts = new ArrayList<>();
        for (int c = 0; c < clusters.centres().length; c++) {
            int centre = clusters.centres()[c];
            int cluster = c;
            int[] others = IntStream.range(0, of.length).filter(i -> clusters.clusters()[i] == cluster && i != centre).toArray();
            double own = others.length == 0 ? 1 : beta;
            int each = of[centre].length;
            int[] sources = new int[(others.length + 1) * each];
            float[] weights = new float[sources.length];
            for (int e = 0; e < sources.length; e++) {
                int member = e < each ? centre : others[e / each - 1];
                sources[e] = of[member][e % each];
                weights[e] = (float) ((e < each ? own : (1 - own) / others.length) / each);
            }
            parts.add(new Part(of[centre][0], sources, weights));
        }
        return parts;
    }
}
