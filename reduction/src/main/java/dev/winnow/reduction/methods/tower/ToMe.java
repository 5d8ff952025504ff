package dev.winnow.reduction.methods.tower;

import dev.winnow.reduction.primitives.BipartiteGraph;
import dev.winnow.reduction.primitives.BipartiteMatching;
import dev.winnow.reduction.primitives.MergeSchedule;
import dev.winnow.reduction.primitives.Pairing;
import dev.winnow.reduction.primitives.TowerTokens;
import dev.winnow.reduction.MethodType;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.Observation;
import dev.winnow.reduction.Options;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.PositionPolicy;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.ReductionMethod;
import dev.winnow.reduction.TokenLedger;
import java.util.List;

/**
 * ToMe, token merging (Bolya et al. 2022, "Token Merging: Your ViT But Faster", arXiv 2210.09461). In every layer, between attention
 * and MLP, the r most similar pairs of tokens merge into their size-weighted average; similarity is that of the layer's keys, averaged
 * over heads. Attention then counts a merged token as often as the tokens it stands for. Class, distillation and register tokens never
 * merge. Costs a quarter of n * n * headDim per layer and no attention map. The random matching is that of Token Merging for Stable
 * Diffusion (Bolya and Hoffman 2023, arXiv 2303.17604).
 *
 * @param schedule     tokens to merge in each layer
 * @param proportional whether sizes are added to attention logits as logarithms
 * @param matching     which tokens take others in: alternate (every second), kth (every stride-th), random2d (one in each square)
 * @param stride       for kth and random2d
 * @param seed         for random2d
 */
public record ToMe(String spec, MergeSchedule schedule, boolean proportional, String matching, int stride, int seed)
        implements ReductionMethod {
    public static final MethodType TYPE = new MethodType("tome", "Token Merging: Your ViT But Faster", 2022, "arXiv 2210.09461",
            "vision tower, every layer, after attention", true,
            List.of(MergeSchedule.r("8"), MergeSchedule.INFLECT,
                    new Options.Option("proportional", "true", "weigh merged tokens by size in attention", "prop_attn"),
                    MergeSchedule.KEEP,
                    new Options.Option("matching", "alternate", "which tokens take others in: alternate, kth (every stride-th) or random2d"
                            + " (one drawn in each square of stride by stride patches)"),
                    new Options.Option("stride", "2", "for the matchings kth and random2d", "k", "sx"),
                    new Options.Option("seed", "0", "for the matching random2d")),
            ToMe.class,
            o -> new ToMe(o.spec(), MergeSchedule.of(o), o.flag("proportional"), o.word("matching", "alternate", "kth", "random2d"),
                    o.integer("stride", 1, Integer.MAX_VALUE), o.integer("seed", 0, Integer.MAX_VALUE)));

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        return TowerTokens.inEveryLayer(spec, shape, proportional, schedule::idle,
                (o, layer, layers) -> merge(o, layer, schedule.tokens(o.tokens().ledger(), layer, layers)));
    }

    private Outcome merge(Observation o, int layer, int r) {
        if (r == 0) return Outcome.UNCHANGED;
        TokenLedger ledger = o.tokens().ledger();
        boolean[] guarded = TowerTokens.guarded(ledger);
        BipartiteMatching pairs = BipartiteMatching.of(matching.equals("alternate") ? Pairing.alternating(o, guarded)
                : graph(o.meanKeys(), ledger, guarded, layer).pairing(), r);
        if (pairs.pairs() == 0) return Outcome.UNCHANGED;
        o.report("similarity", pairs.scores());
        return new Outcome.Reduce(pairs.merge(ledger.sizes()), PositionPolicy.PRESERVE);
    }

    private BipartiteGraph graph(float[] keys, TokenLedger ledger, boolean[] guarded, int layer) {
        int width = keys.length / ledger.count();
        return matching.equals("kth") ? BipartiteGraph.everyKth(keys, ledger.count(), width, guarded, stride)
                : BipartiteGraph.randomInSquares(keys, width, guarded, ledger, stride, seed + (long) layer);
    }
}
