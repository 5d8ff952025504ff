package dev.winnow.reduction.methods.tower;

import dev.winnow.reduction.primitives.RowScores;
import dev.winnow.reduction.primitives.Budget;
import dev.winnow.reduction.primitives.Groups;
import dev.winnow.reduction.primitives.Stages;
import dev.winnow.reduction.primitives.TopK;
import dev.winnow.reduction.primitives.TowerTokens;
import dev.winnow.reduction.primitives.VisualScope;
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
 * EViT (Liang et al. 2022, "Not All Patches are What You Need: Expediting Vision Transformers via Token Reorganizations", arXiv
 * 2202.07800; code youweiliang/evit). In some layers, between attention and MLP, the patches that the class token attends to most stay,
 * by falling attention; the others are fused into one token behind them, their sum weighted with the attention as it is, not
 * renormalised, as in the authors' code. The fused token is a patch like others in the next such layer. Published accuracy is after
 * fine-tuning. Costs one attention row per head.
 *
 * @param rates  share of the patches that stay: one number for each of the layers, or layer by layer (1 after the end of the list)
 * @param layers where patches go; empty for every quarter of the depth, or for all when there are several rates
 * @param keep   patches left by the last of the layers, the fused one among them; then the rates are bent. Null for none
 * @param fuse   whether the others are fused, not dropped
 */
public record EVit(String spec, double[] rates, int[] layers, Budget keep, boolean fuse) implements ReductionMethod {
    public static final MethodType TYPE = new MethodType("evit", "Not All Patches are What You Need: Expediting Vision Transformers via"
            + " Token Reorganizations", 2022, "arXiv 2202.07800", "vision tower, in some layers, after attention", true,
            List.of(new Options.Option("rate", "0.7", "share of the patches that stay in each of the layers; a list goes layer by layer",
                            "keep_rate", "base_keep_rate"),
                    new Options.Option("layers", "", "layers where patches go; default: every quarter of the depth", "drop_loc"),
                    Budget.option("", "patches left by the last of the layers; bends the rates"),
                    new Options.Option("fuse", "true", "fuse the others into one token", "fuse_token")),
            EVit.class, EVit::create);

    private static EVit create(Options o) {
        double[] rates = o.numbers("rate", 0, 1);
        int[] layers = Stages.requireAscending(o, "layers", o.integers("layers", 0, Integer.MAX_VALUE));
        if (rates.length == 0) throw new PlanException("evit: rate is empty");
        if (rates.length > 1 && layers.length > 0 && rates.length != layers.length) {
            throw new PlanException("evit: " + layers.length + " layers need as many rates, but there are " + rates.length);
        }
        return new EVit(o.spec(), rates, layers, Budget.orNull(o), o.flag("fuse"));
    }

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        ModelShape.Vision vision = ReductionMethod.visionOf(shape, spec);
        TowerTokens.requireClass(vision, spec);
        int depth = vision.featureLayer() + 1;
        for (int l : layers) ReductionMethod.requireLayer(spec, l, 0, depth);
        int[] at = layers;
        if (at.length == 0 && rates.length > 1) at = IntStream.range(0, Math.min(depth, rates.length)).toArray();
        else if (at.length == 0) at = IntStream.of(depth / 4, depth / 2, depth * 3 / 4).distinct().toArray();
        double[] shares = shares(at.length);
        List<ReductionEvent> events = new ArrayList<>();
        for (int i = 0; i < at.length; i++) {
            double rate = rate(i);
            if (rate == 1 && keep == null) continue;
            double share = shares[i];
            double last = shares[at.length - 1];
            events.add(ReductionEvent.at(spec, new Site(Stage.VISION, Site.Moment.AFTER_ATTENTION, at[i]),
                    o -> reorganise(o, keep == null ? left(o, rate) : bent(o, share, last))).watching(at[i], TowerTokens::classRow));
        }
        return TowerTokens.inOrder(spec, shape, events);
    }

    private double rate(int stage) {
        return rates.length == 1 ? rates[0] : rates[stage];
    }

    /** Of all patches, what each stage leaves. */
    private double[] shares(int stages) {
        double[] shares = new double[stages];
        double left = 1;
        for (int i = 0; i < stages; i++) shares[i] = left *= rate(i);
        return shares;
    }

    private static int left(Observation o, double rate) {
        return (int) Math.ceil(rate * TowerTokens.patches(o.tokens().ledger()).length);
    }

    private int bent(Observation o, double share, double last) {
        int patches = o.tokens().ledger().originally(TokenKind.VISUAL);
        double wanted = Stages.endingAt(new double[] {share, last}, (double) keep.of(patches) / patches)[0];
        int left = (int) Math.rint(wanted * patches);
        boolean all = left >= TowerTokens.patches(o.tokens().ledger()).length;
        return all || !fuse ? left : left - 1;
    }

    /** The patches that a decision of this method keeps, in their new order, for a tower whose only special token is the class token. */
    public int[] kept(TokenMap map) {
        return IntStream.range(1, fuse ? map.rows() - 1 : map.rows()).map(map::anchor).toArray();
    }

    private Outcome reorganise(Observation o, int left) {
        TokenLedger ledger = o.tokens().ledger();
        int[] patches = TowerTokens.patches(ledger);
        if (left >= patches.length) return Outcome.UNCHANGED;
        RowScores attention = TowerTokens.classAttention(o, patches);
        o.report("attention", attention::values);
        int[] best = attention.highest(Math.max(1, left));
        int[] kept = IntStream.concat(IntStream.of(TowerTokens.special(ledger)), IntStream.of(best).map(i -> patches[i])).toArray();
        int n = ledger.count();
        if (!fuse) return new Outcome.Reduce(TokenMap.select(kept, n), PositionPolicy.PRESERVE);
        int[] ascending = best.clone();
        Arrays.sort(ascending);
        int[] others = TopK.complement(ascending, patches.length);
        return new Outcome.Reduce(Groups.withRest(n, kept, IntStream.of(others).map(i -> patches[i]).toArray(),
                VisualScope.pick(attention.values(), others)), PositionPolicy.PRESERVE);
    }
}
