package dev.winnow.reduction.methods.tower;

import dev.winnow.reduction.primitives.Budget;
import dev.winnow.reduction.primitives.CosineSimilarity;
import dev.winnow.reduction.primitives.Groups;
import dev.winnow.reduction.primitives.Stages;
import dev.winnow.reduction.primitives.TopK;
import dev.winnow.reduction.primitives.TowerTokens;
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
import dev.winnow.reduction.TokenMap;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * DiffRate (Chen et al. 2023, "DiffRate: Differentiable Compression Rate for Efficient Vision Transformers", arXiv 2305.17997; code
 * OpenGVLab/DiffRate). In every layer, between attention and MLP, the patches that the class token attends to least are dropped, and of
 * those left the last ones merge into the most similar of the others by their hidden states: the plain mean, while the size of what
 * merges counts times its similarity. How many is learned; the result is a table of numbers. A table spreads over the depth and patches
 * of another model; it fits exactly where both are as published. The authors leave the patches in the order of attention, this in that
 * of the picture; the tower computes the same of both. A similarity below 0 counts as 0, lest a size become negative.
 *
 * @param preset name of a published table, not used where there is another
 * @param prune  tokens that pruning leaves layer by layer, the class token counted; empty for those of the preset
 * @param merge  tokens that merging then leaves; empty for all that pruning left, or those of the preset
 * @param keep   patches left after the last layer; then the table is bent. Null for none
 */
public record DiffRate(String spec, String preset, int[] prune, int[] merge, Budget keep) implements ReductionMethod {
    public static final MethodType TYPE = new MethodType("diffrate", "DiffRate: Differentiable Compression Rate for Efficient Vision"
            + " Transformers", 2023, "arXiv 2305.17997", "vision tower, every layer, after attention", true,
            List.of(new Options.Option("preset", "mae-b-11.5", "published table: deit-t|s|b or mae-b|l|h and its GFLOPs, such as"
                            + " deit-s-2.9; those of DeiT leave little but the class token in the end"),
                    new Options.Option("prune", "", "tokens left by pruning layer by layer, the class token counted, instead of a preset",
                            "prune_kept_num"),
                    new Options.Option("merge", "", "tokens then left by merging", "merge_kept_num"),
                    Budget.option("", "patches left after the last layer; bends the table")),
            DiffRate.class, DiffRate::create);

    private static DiffRate create(Options o) {
        int[] prune = o.integers("prune", 1, Integer.MAX_VALUE);
        int[] merge = o.integers("merge", 1, Integer.MAX_VALUE);
        if (prune.length > 0 && merge.length > 0 && prune.length != merge.length) {
            throw new PlanException("diffrate: prune has " + prune.length + " layers, but merge has " + merge.length);
        }
        DiffRateTable.named(o.text("preset"));
        return new DiffRate(o.spec(), o.text("preset"), prune, merge, Budget.orNull(o));
    }

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        ModelShape.Vision vision = ReductionMethod.visionOf(shape, spec);
        TowerTokens.requireClass(vision, spec);
        int layers = vision.featureLayer() + 1;
        double[] pruned = new double[layers];
        double[] merged = new double[layers];
        for (int l = 0; l < layers; l++) {
            pruned[l] = share(l, vision, true);
            merged[l] = share(l, vision, false);
        }
        double last = merged[layers - 1];
        List<ReductionEvent> events = new ArrayList<>();
        for (int l = 0; l < layers; l++) {
            double a = pruned[l];
            double b = merged[l];
            events.add(ReductionEvent.at(spec, new Site(Stage.VISION, Site.Moment.AFTER_ATTENTION, l),
                    o -> compress(o, left(o, a, last), left(o, b, last))).watching(l, TowerTokens::classRow).weighingSizes());
        }
        return TowerTokens.inOrder(spec, shape, events);
    }

    /** The share of all patches that a layer leaves after pruning or after merging too. */
    private double share(int layer, ModelShape.Vision vision, boolean afterPruning) {
        if (prune.length > 0 || merge.length > 0) {
            int[] left = afterPruning && prune.length > 0 || merge.length == 0 ? prune : merge;
            boolean all = afterPruning && prune.length == 0 || layer >= left.length;
            return all ? 1 : Math.min(1, (left[layer] - 1) / (double) vision.patches());
        }
        DiffRateTable table = DiffRateTable.named(preset);
        int row = (int) ((long) layer * table.layers() / Math.max(vision.layers(), vision.featureLayer() + 1));
        return ((afterPruning ? table.prune() : table.merge())[row] - 1) / (double) (table.tokens() - 1);
    }

    /** Patches left for a share of them. */
    private int left(Observation o, double share, double last) {
        int patches = o.tokens().ledger().originally(TokenKind.VISUAL);
        double bent = keep == null ? share : Stages.endingAt(new double[] {share, last}, (double) keep.of(patches) / patches)[0];
        return Math.max(1, (int) Math.rint(bent * patches));
    }

    private static Outcome compress(Observation o, int pruneTo, int mergeTo) {
        TokenLedger ledger = o.tokens().ledger();
        int[] patches = TowerTokens.patches(ledger);
        int kept = Math.min(pruneTo, patches.length);
        int staying = Math.min(mergeTo, kept);
        if (staying >= patches.length) return Outcome.UNCHANGED;
        float[] attention = TowerTokens.classAttention(o, patches).values();
        o.report("attention", attention);
        int[] ranked = Arrays.stream(TopK.highest(attention, kept)).map(i -> patches[i]).toArray();
        int[] into = Arrays.copyOf(ranked, staying);
        Arrays.sort(into);
        int[] from = Arrays.copyOfRange(ranked, staying, kept);

        int n = ledger.count();
        int width = o.tokens().width();
        float[] unit = CosineSimilarity.normalised(o.tokens().hidden(), n, width);
        float[] cosine = CosineSimilarity.products(CosineSimilarity.gather(unit, width, from), from.length,
                CosineSimilarity.gather(unit, width, into), into.length, width);
        int[] nearest = CosineSimilarity.nearest(cosine, from.length, into.length);
        float[] sizes = ledger.sizes().clone();
        for (int i = 0; i < from.length; i++) sizes[from[i]] *= Math.max(0, cosine[i * into.length + nearest[i]]);
        int[] special = TowerTokens.special(ledger);
        int[] first = IntStream.concat(IntStream.of(special), IntStream.of(into)).toArray();
        TokenMap map = Groups.average(n, Groups.of(first, from, Arrays.stream(nearest).map(j -> special.length + j).toArray()), null);
        return new Outcome.Reduce(map, PositionPolicy.PRESERVE).withSizes(map.total(sizes, 0));
    }
}
