package dev.winnow.reduction.methods.language;

import dev.winnow.layers.AttentionMode;
import dev.winnow.layers.RotaryEmbedding;
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
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.TokenLedger.Note;
import dev.winnow.reduction.primitives.Budget;
import dev.winnow.reduction.primitives.ClusterMeans;
import dev.winnow.reduction.primitives.PromptImages;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * PPE (Huang et al. 2025, "PPE: Positional Preservation Embedding for Token Compression in Multimodal Large Language Models", arXiv
 * 2510.22936). In front of the language model each picture's tokens are clustered by density peaks and averaged. A cluster's token stands
 * at the positions of several of its members at once: the channel pairs that rotary positions turn are cut into equal runs, from the
 * fastest to the slowest, and each run turns by the position of one member, that of the centre first, then of the member nearest to it,
 * and so on; where there are fewer members than runs they begin anew. All other tokens keep their positions.
 *
 * <p>This is the paper's equation 5, for positions in one dimension; the authors' code (MouxiaoHuang/PPE, commit 7b6aa7d) cuts the three
 * sections of M-RoPE in the same way. It takes members by their index where the paper goes by distance. Not there: the clusters come in
 * the order of their centres' places, by density there. Their compression inside the model is not part of this; any method may follow.
 * Costs the clustering, of n^2 distances per picture.
 *
 * @param keep       tokens left of each picture
 * @param positions  of a token, k
 * @param neighbours that the density of a place goes by
 */
public record Ppe(String spec, Budget keep, int positions, int neighbours) implements ReductionMethod {
    private static final String PLACES = "ppe.places";

    public static final MethodType TYPE = new MethodType("ppe", "PPE: Positional Preservation Embedding for Token Compression in Multimodal"
            + " Large Language Models", 2025, "arXiv 2510.22936, github MouxiaoHuang/PPE",
            "in front of the language model, and attention of the prompt in every layer", true,
            List.of(Budget.option("0.25", "tokens left of each picture", "spatial_clustering_ratio"),
                    new Options.Option("positions", "8", "positions that a token stands at; divides half of the rotated channels", "ppe_k"),
                    new Options.Option("neighbours", "5", "neighbours that density goes by", "k")),
            Ppe.class,
            o -> new Ppe(o.spec(), Budget.of(o), o.integer("positions", 1, 1 << 16), o.integer("neighbours", 1, Integer.MAX_VALUE)));

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        int depth = ReductionMethod.languageLayersOf(shape, spec);
        List<ReductionEvent> events = new ArrayList<>();
        for (int l = 0; l < depth; l++) {
            events.add(ReductionEvent.at(spec, new Site(Stage.LANGUAGE, Site.Moment.BEFORE_LAYER, l), l == 0 ? this::merge : Ppe::goOn));
        }
        return events;
    }

    private Outcome merge(Observation o) {
        requireRuns(o);
        TokenLedger ledger = o.tokens().ledger();
        List<PromptImages.Part> parts = ClusterMeans.ofEachPicture(o, keep, neighbours);
        if (parts.isEmpty()) return Outcome.UNCHANGED;
        int n = ledger.count();
        int[][] members = new int[n][];
        Arrays.setAll(members, i -> new int[] {i});
        for (PromptImages.Part part : parts) members[part.place()] = part.of();
        Outcome.Reduce reduce = new Outcome.Reduce(PromptImages.replacing(parts, n), PositionPolicy.PRESERVE);
        int[][] places = IntStream.range(0, reduce.map().rows()).map(reduce.map()::anchor).mapToObj(i -> places(ledger, members[i]))
                .toArray(int[][]::new);
        return new Outcome.All(List.of(reduce, note(places), new Outcome.Attend(new AttentionMode.Sections(places))));
    }

    private void requireRuns(Observation o) {
        RotaryEmbedding rotary = o.attention().rotary();
        if (rotary == null) throw new PlanException(spec + ": divides rotary positions; this model has none");
        if (rotary.half() % positions != 0) {
            throw new PlanException(spec + ": positions should divide the " + rotary.half() + " channel pairs that this model turns, but is"
                    + " " + positions);
        }
    }

    /** The positions of the first members, over again where there are too few. */
    private int[] places(TokenLedger ledger, int[] members) {
        return IntStream.range(0, positions).map(p -> ledger.positions()[members[p % members.length]]).toArray();
    }

    private Outcome.Annotate note(int[][] places) {
        float[] values = new float[places.length * positions];
        for (int i = 0; i < values.length; i++) values[i] = places[i / positions][i % positions];
        return new Outcome.Annotate(PLACES, positions, values);
    }

    private static Outcome goOn(Observation o) {
        Note note = o.tokens().ledger().note(PLACES);
        if (note == null) return Outcome.UNCHANGED;
        int[][] places = new int[o.tokens().count()][note.width()];
        for (int i = 0; i < note.values().length; i++) places[i / note.width()][i % note.width()] = (int) note.values()[i];
        return new Outcome.Attend(new AttentionMode.Sections(places));
    }
}
