package dev.winnow.reduction.methods.projector;

import dev.winnow.reduction.primitives.RowScores;
import dev.winnow.layers.Probe;
import dev.winnow.reduction.MethodType;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.Observation;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.PositionPolicy;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.ReductionMethod;
import dev.winnow.reduction.TokenMap;
import dev.winnow.reduction.primitives.Budget;
import dev.winnow.reduction.primitives.TopK;
import java.util.Arrays;
import java.util.List;

/**
 * FasterVLM (Zhang et al. 2024, arXiv 2412.01818): of each image the patches that the class token attends to most, in their original
 * order.
 *
 * @param keep patches kept per image
 */
public record FasterVlm(String spec, Budget keep) implements ReductionMethod {
    public static final MethodType TYPE = new MethodType("fastervlm", "[CLS] Attention is All You Need for Training-Free Visual Token"
            + " Pruning", 2024, "arXiv 2412.01818", "between vision tower and projector", true,
            List.of(Budget.option("64", "patches kept per image", "visual_token_num")),
            FasterVlm.class, o -> new FasterVlm(o.spec(), EncoderEnd.budget(o)));

    /** Kept patches, ascending. Attention without the class token's own column: [patches]. */
    public int[] select(float[] classAttention) {
        return TopK.highestInOrder(classAttention, EncoderEnd.count(keep, classAttention.length));
    }

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        int layer = EncoderEnd.towerWithClass(shape, spec).featureLayer();
        return List.of(ReductionEvent.at(spec, EncoderEnd.after(layer), this::decide).watching(layer, Probe.CLASS_ROW));
    }

    private Outcome decide(Observation o) {
        int[] patches = EncoderEnd.patches(o);
        if (keep.of(patches.length) == patches.length) return Outcome.UNCHANGED;
        RowScores attention = RowScores.watched(o, patches);
        o.report("score", attention::values);
        int[] kept = Arrays.stream(attention.highestInOrder(EncoderEnd.count(keep, patches.length))).map(place -> patches[place]).toArray();
        return new Outcome.Reduce(TokenMap.select(kept, o.tokens().count()), PositionPolicy.PRESERVE);
    }
}
