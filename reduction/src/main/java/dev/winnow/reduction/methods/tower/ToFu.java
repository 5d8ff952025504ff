package dev.winnow.reduction.methods.tower;

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
import dev.winnow.reduction.TokenMap;
import java.util.Arrays;
import java.util.List;

/**
 * ToFu, token fusion (Kim et al. 2023, "Token Fusion: Bridging the Gap between Token Pruning and Token Merging", arXiv 2312.01026).
 * Pairs are found as in ToMe. In the first half of the layers, whose functions are far from linear, the source of a pair is dropped;
 * later the pair becomes its plain mean, stretched to the largest norm among its members (MLERP). There is no authors' code. The code
 * in hchautran/PiToMe divides the mean by the norm of the destination instead of its own, which is not MLERP; the paper is followed.
 * As in that code, layers up to half of the depth drop, and sizes are not weighed in attention unless asked for.
 *
 * @param schedule     tokens to remove in each layer
 * @param merging      first layer that merges instead of dropping; -1 for the one after half of the depth
 * @param proportional whether sizes are added to attention logits as logarithms
 */
public record ToFu(String spec, MergeSchedule schedule, int merging, boolean proportional) implements ReductionMethod {
    public static final MethodType TYPE = new MethodType("tofu", "Token Fusion: Bridging the Gap between Token Pruning and Token Merging",
            2023, "arXiv 2312.01026", "vision tower, every layer, after attention", true,
            List.of(MergeSchedule.r("8"), MergeSchedule.INFLECT, MergeSchedule.KEEP,
                    new Options.Option("merging", "-1", "first layer that merges instead of dropping; -1: the one after half of the depth"),
                    new Options.Option("proportional", "false", "weigh merged tokens by size in attention", "prop_attn")),
            ToFu.class,
            o -> new ToFu(o.spec(), MergeSchedule.of(o), o.integer("merging", -1, Integer.MAX_VALUE), o.flag("proportional")));

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        return TowerTokens.inEveryLayer(spec, shape, proportional, schedule::idle,
                (o, layer, layers) -> fuse(o, schedule.tokens(o.tokens().ledger(), layer, layers),
                        layer >= (merging < 0 ? layers / 2 + 1 : merging)));
    }

    private static Outcome fuse(Observation o, int r, boolean merge) {
        if (r == 0) return Outcome.UNCHANGED;
        int n = o.tokens().count();
        BipartiteMatching pairs = BipartiteMatching.of(Pairing.alternating(o, TowerTokens.guarded(o.tokens().ledger())), r);
        if (pairs.pairs() == 0) return Outcome.UNCHANGED;
        o.report("similarity", pairs.scores());
        int[][] groups = pairs.groups();
        return new Outcome.Reduce(merge ? mlerp(o.tokens().hidden(), n, o.tokens().width(), groups)
                : TokenMap.select(pairs.kept(), n), PositionPolicy.PRESERVE);
    }

    /** The mean of each group of rows of x [n, width], stretched to the largest norm in the group. */
    public static TokenMap mlerp(float[] x, int n, int width, int[][] groups) {
        float[][] weights = new float[groups.length][];
        float[] mean = new float[width];
        for (int g = 0; g < groups.length; g++) {
            int[] members = groups[g];
            Arrays.fill(mean, 0f);
            double largest = 0;
            for (int m : members) {
                double square = 0;
                for (int c = 0; c < width; c++) {
                    float v = x[m * width + c];
                    mean[c] += v / members.length;
                    square += v * v;
                }
                largest = Math.max(largest, Math.sqrt(square));
            }
            double square = 0;
            for (float v : mean) square += v * v;
            weights[g] = new float[members.length];
            // a mean of zero has no direction to stretch
            double stretch = members.length == 1 || square == 0 ? 1 : largest / Math.sqrt(square);
            Arrays.fill(weights[g], (float) (stretch / members.length));
        }
        return TokenMap.of(n, groups, weights);
    }
}
