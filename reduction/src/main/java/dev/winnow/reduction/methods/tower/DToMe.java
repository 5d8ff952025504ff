package dev.winnow.reduction.methods.tower;

import dev.winnow.reduction.primitives.BipartiteMatching;
import dev.winnow.reduction.primitives.Budget;
import dev.winnow.reduction.primitives.MergeSchedule;
import dev.winnow.reduction.primitives.Pairing;
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
import dev.winnow.reduction.TokenLedger;
import java.util.List;
import java.util.Map;

/**
 * DToMe, the dynamic token merging of DyMU (Wang et al. 2025, arXiv 2504.17040; code MikeWangWZHL/dymu). ToMe's matching, but every
 * pair whose similarity is above the layer's threshold merges, at most half of the tokens, so that simple pictures become fewer tokens.
 * The thresholds belong to an encoder; authors find them as the average, over many pictures, of the similarity at which merging a
 * fixed number ends. {@link MergeThresholds} does so from runs with {@code keep}, which merge that fixed number. The default is their
 * table for CLIP ViT-L/14-336 at 72 tokens on average, spread over the depth of another encoder; it is no calibration of that one.
 *
 * @param thresholds   per layer; another number of them than of layers is spread over the depth
 * @param keep         patches left after the last layer whatever the picture, or null to go by thresholds
 * @param proportional whether sizes are added to attention logits as logarithms
 */
public record DToMe(String spec, double[] thresholds, Budget keep, boolean proportional) implements ReductionMethod {
    /** Given in inference_openai_clip.py of the authors' code. */
    private static final String CLIP_L_336 = "0.99609375/0.97265625/0.94140625/0.91015625/0.87890625/0.87890625/0.87890625/0.84765625"
            + "/0.84765625/0.87890625/0.84765625/0.84765625/0.87890625/0.87890625/0.91015625/0.91015625/0.91015625/0.91015625/0.94140625"
            + "/0.87890625/0.87890625/0.97265625/0.99609375/0.81640625";
    /** Given in inference_siglip.py. */
    private static final String SIGLIP_B_384 = "0.98046875/0.90234375/0.875/0.8828125/0.875/0.8828125/0.890625/0.890625/0.8828125"
            + "/0.890625/0.875/0.875";

    public static final MethodType TYPE = new MethodType("dtome", "DyMU: Dynamic Merging and Virtual Unmerging for Efficient VLMs", 2025,
            "arXiv 2504.17040", "vision tower, every layer, after attention", true,
            List.of(new Options.Option("thresholds", CLIP_L_336, "similarity above which pairs merge, layer by layer; clip-l-336-72 and"
                            + " siglip-b-384-72 are the authors' tables", "specified_thresholds", "specified_threshold"),
                    new Options.Option("keep", "", "patches left after the last layer whatever the picture, as when thresholds are sought;"
                            + " a count, or a share as 0.25 or 25%"),
                    new Options.Option("proportional", "true", "weigh merged tokens by size in attention", "prop_attn")),
            DToMe.class, DToMe::create);

    private static DToMe create(Options o) {
        String table = switch (o.text("thresholds")) {
            case "clip-l-336-72" -> CLIP_L_336;
            case "siglip-b-384-72" -> SIGLIP_B_384;
            default -> o.text("thresholds");
        };
        double[] thresholds = new Options(o.method(), List.of(TYPE.options().getFirst()), Map.of("thresholds", table))
                .numbers("thresholds", -1, 1);
        if (thresholds.length == 0) throw new PlanException("dtome: thresholds is empty");
        return new DToMe(o.spec(), thresholds, Budget.orNull(o), o.flag("proportional"));
    }

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        int depth = ReductionMethod.visionOf(shape, spec).layers();
        return TowerTokens.inEveryLayer(spec, shape, proportional, (layer, layers) -> false,
                (o, layer, layers) -> merge(o, layer, layers, threshold(layer, Math.max(depth, layers))));
    }

    /** The threshold of a layer: its own where there is one for each. */
    private double threshold(int layer, int depth) {
        return thresholds[(int) ((long) layer * thresholds.length / depth)];
    }

    private Outcome merge(Observation o, int layer, int layers, double threshold) {
        TokenLedger ledger = o.tokens().ledger();
        int fixed = keep == null ? -1 : MergeSchedule.excess(ledger, keep, layer, layers);
        if (fixed == 0) return Outcome.UNCHANGED;
        Pairing best = Pairing.alternating(o, TowerTokens.guarded(ledger));
        BipartiteMatching pairs = BipartiteMatching.of(best, fixed < 0 ? best.above(threshold) : fixed);
        if (pairs.pairs() == 0) return Outcome.UNCHANGED;
        if (fixed > 0) o.report(MergeThresholds.REPORT, new float[] {Math.max(0, pairs.next())});
        o.report("similarity", pairs.scores());
        return new Outcome.Reduce(pairs.merge(ledger.sizes()), PositionPolicy.PRESERVE);
    }
}
