package dev.winnow.reduction.methods.projector;

import dev.winnow.reduction.MethodType;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.Observation;
import dev.winnow.reduction.Options;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.PositionPolicy;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.ReductionMethod;
import dev.winnow.reduction.TokenMap;
import dev.winnow.reduction.primitives.AttentionScores;
import dev.winnow.reduction.primitives.Budget;
import dev.winnow.reduction.primitives.Contextual;
import dev.winnow.reduction.primitives.CosineSimilarity;
import dev.winnow.reduction.primitives.MapRows;
import dev.winnow.reduction.primitives.TopK;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * VisionZip (Yang et al. 2024, arXiv 2412.04467). Of the encoder's output stay the class token, the patches it attends to most, and
 * a few contextual tokens: every so-many-th of the remaining patches, plus the mean of the others most similar to it (target plus
 * mean, as in the authors' code, not the mean of all). The language model sees a shorter prompt with contiguous positions. In towers
 * without a class token patches are ranked by the attention that they receive from all.
 *
 * @param keep       tokens in all, shared out as 54 dominant to 10 contextual, or null to go by the two numbers
 * @param dominant   patches kept, beside the class token
 * @param contextual merged tokens appended
 */
public record VisionZip(String spec, Budget keep, int dominant, int contextual) implements ReductionMethod {
    public static final MethodType TYPE = new MethodType("visionzip", "VisionZip: Longer is Better but Not Necessary in VLMs", 2024,
            "arXiv 2412.04467", "between vision tower and projector", true,
            List.of(Budget.option("", "tokens in all per image, with the class token; instead of dominant and contextual"),
                    new Options.Option("dominant", "53", "patches kept by class attention, the class token comes on top"),
                    new Options.Option("contextual", "10", "tokens merged from the rest")),
            VisionZip.class,
            VisionZip::create);

    private static VisionZip create(Options o) {
        if (o.isGiven("keep") && (o.isGiven("dominant") || o.isGiven("contextual"))) {
            throw new PlanException("visionzip: give keep, or dominant and contextual, not both");
        }
        return new VisionZip(o.spec(), o.has("keep") ? EncoderEnd.budget(o) : null, o.integer("dominant", 0, Integer.MAX_VALUE),
                o.integer("contextual", 0, Integer.MAX_VALUE));
    }

    /**
     * What was chosen.
     *
     * @param ranked dominant patches by falling attention, as token indices (the class token is 0)
     * @param map    class token, dominant patches in their order, contextual tokens
     */
    public record Selection(int[] ranked, TokenMap map) {}

    /** This method with its budget counted out for so many patches. */
    private VisionZip counted(int patches, boolean classToken) {
        if (keep == null) return this;
        int total = EncoderEnd.count(keep, patches);
        int merged = (int) Math.rint(total * 10 / 64.0);
        return new VisionZip(spec, null, Math.max(0, total - merged - (classToken ? 1 : 0)), merged);
    }

    /**
     * Chooses among a class token and n - 1 patches.
     *
     * @param classAttention [n], the class token's attention, any common factor
     * @param metric         [n, width], mean keys
     */
    public Selection select(float[] classAttention, float[] metric, int n, int width) {
        return counted(n - 1, true).select(classAttention, metric, n, width, 1);
    }

    /** @param special tokens in front of the patches, all of which stay */
    private Selection select(float[] attention, float[] metric, int n, int width, int special) {
        int[] ranked = TopK.highest(Arrays.copyOfRange(attention, special, n), dominant);
        for (int i = 0; i < ranked.length; i++) ranked[i] += special;
        int[] kept = IntStream.concat(IntStream.range(0, special), Arrays.stream(ranked)).sorted().toArray();
        int[] rest = TopK.complement(kept, n);
        Contextual merged = Contextual.of(CosineSimilarity.gather(metric, width, rest), rest.length, width, contextual);
        MapRows rows = new MapRows().keep(kept);
        for (int g = 0; g < merged.members().length; g++) {
            rows.make(Arrays.stream(merged.members()[g]).map(i -> rest[i]).toArray(), merged.weights()[g]);
        }
        return new Selection(ranked, rows.map(n));
    }

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        ModelShape.Vision vision = EncoderEnd.tower(shape, spec);
        if (keep == null && dominant == 0 && contextual == 0) {
            throw new PlanException(spec + ": dominant and contextual are both 0, nothing would be left");
        }
        int layer = vision.featureLayer();
        return List.of(ReductionEvent.at(spec, EncoderEnd.after(layer), this::decide)
                .watching(layer, EncoderEnd.saliency(vision)).watchingKeys(layer));
    }

    /** Chooses among the tokens of an observed layer. */
    public Selection select(Observation o) {
        int n = o.tokens().count();
        int special = n - EncoderEnd.patches(o).length;
        float[] keys = o.meanKeys();
        float[] attention = AttentionScores.watchedRow(o);
        o.report("score", Arrays.copyOfRange(attention, special, n));
        return counted(n - special, special > 0).select(attention, keys, n, keys.length / n, special);
    }

    private Outcome decide(Observation o) {
        int patches = EncoderEnd.patches(o).length;
        boolean all = keep == null ? dominant + (long) contextual >= patches : keep.of(patches) == patches;
        return all ? Outcome.UNCHANGED : new Outcome.Reduce(select(o).map(), PositionPolicy.PRESERVE, true);
    }
}
