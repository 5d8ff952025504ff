package dev.winnow.reduction.methods.projector;

import dev.winnow.layers.CosineChoice;
import dev.winnow.reduction.MethodType;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.Observation;
import dev.winnow.reduction.Options;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.ReductionMethod;
import dev.winnow.reduction.primitives.Budget;
import dev.winnow.reduction.primitives.FarthestPoint;
import dev.winnow.reduction.primitives.PromptImages;
import java.util.List;

/**
 * DivPrune (Alvar et al. 2025, arXiv 2503.02175): of the projected image tokens the subset whose smallest distance, one minus cosine,
 * is as large as a greedy choice makes it. The first is the token whose nearest neighbour is farthest. As in the authors' code
 * (vbdi/divprune), all pictures and crops of a prompt compete for one budget. Contiguous positions; n^2 width multiply-adds.
 *
 * @param keep image tokens kept of the whole prompt; a share is rounded to the nearest number
 */
public record DivPrune(String spec, Budget keep) implements ReductionMethod {
    public static final MethodType TYPE = new MethodType("divprune", "DivPrune: Diversity-based Visual Token Pruning for Large Multimodal"
            + " Models", 2025, "arXiv 2503.02175", "between projector and language model", true,
            List.of(Budget.option("0.098", "image tokens kept of the whole prompt"),
                    new Options.Option("threshold_ratio", "", "share kept, when keep is not given", "subset_ratio")),
            DivPrune.class, DivPrune::create);

    private static DivPrune create(Options o) {
        boolean byRatio = o.has("threshold_ratio") && !o.isGiven("keep");
        return new DivPrune(o.spec(), byRatio ? new Budget(-1, o.number("threshold_ratio", 0, 1)) : Budget.of(o));
    }

    /** k tokens in the order they are chosen, given their similarity [n, n]. */
    public static int[] select(float[] similarity, int n, int k) {
        return FarthestPoint.select(similarity, n, FarthestPoint.loneliest(similarity, n), k);
    }

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        return List.of(PromptImages.event(spec, shape, this::decide));
    }

    private Outcome decide(Observation o) {
        return PromptImages.keepOfAll(o, keep, Budget.Rounding.NEAREST, (tokens, k) -> {
            int[] order = PromptImages.choose(o, new CosineChoice.FarthestFirst(), tokens, k, s -> select(s, tokens.length, k));
            PromptImages.reportRank(o, order, tokens.length);
            return order;
        });
    }
}
