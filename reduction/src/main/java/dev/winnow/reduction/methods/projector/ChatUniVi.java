package dev.winnow.reduction.methods.projector;

import dev.winnow.reduction.MethodType;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.Observation;
import dev.winnow.reduction.Options;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.PositionPolicy;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.ReductionMethod;
import dev.winnow.reduction.primitives.Budget;
import dev.winnow.reduction.primitives.ClusterMeans;
import dev.winnow.reduction.primitives.PromptImages;
import java.util.List;

/**
 * The token merging of Chat-UniVi (Jin et al. 2023, "Chat-UniVi: Unified Visual Representation Empowers Large Language Models with Image
 * and Video Understanding", arXiv 2311.08046): each picture's tokens are clustered by density peaks over nearest neighbours, and each
 * cluster becomes the mean of its members, at the place of its centre. Contiguous positions.
 *
 * <p>One scale: the authors' models merge three times, to 64, 32 and 16 tokens of a picture, show all three to the language model and are
 * trained for it. Costs n^2 distances per picture. With {@code vtu} behind it, the clusters attend from where their members stood.
 *
 * @param keep       tokens left of each picture
 * @param neighbours that the density of a place goes by
 */
public record ChatUniVi(String spec, Budget keep, int neighbours) implements ReductionMethod {
    public static final MethodType TYPE = new MethodType("chatunivi", "Chat-UniVi: Unified Visual Representation Empowers Large Language"
            + " Models with Image and Video Understanding", 2023, "arXiv 2311.08046 (one scale)", "between projector and language model",
            true,
            List.of(Budget.option("0.25", "tokens left of each picture"),
                    new Options.Option("neighbours", "5", "neighbours that density goes by", "k")),
            ChatUniVi.class, o -> new ChatUniVi(o.spec(), Budget.of(o), o.integer("neighbours", 1, Integer.MAX_VALUE)));

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        return List.of(PromptImages.event(spec, shape, this::merge));
    }

    private Outcome merge(Observation o) {
        List<PromptImages.Part> parts = ClusterMeans.ofEachPicture(o, keep, neighbours);
        if (parts.isEmpty()) return Outcome.UNCHANGED;
        return new Outcome.Reduce(PromptImages.replacing(parts, o.tokens().count()), PositionPolicy.RENUMBER);
    }
}
