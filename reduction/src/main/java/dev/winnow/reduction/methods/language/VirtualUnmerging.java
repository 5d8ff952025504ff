package dev.winnow.reduction.methods.language;

import dev.winnow.reduction.MethodType;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.Observation;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.ReductionMethod;
import dev.winnow.reduction.Site;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.TokenLedger.Note;
import dev.winnow.reduction.primitives.CopyPlaces;
import java.util.ArrayList;
import java.util.List;

/**
 * Virtual token unmerging, the language model's half of DyMU (Wang et al. 2025, "DyMU: Dynamic Merging and Virtual Unmerging for
 * Efficient VLMs", arXiv 2504.17040), after MikeWangWZHL/dymu, commit c57d75a, LLaVA/llava/model/language_model/llava_llama.py. Tokens that
 * were merged in front of the language model attend there as copies at the positions of all they stand for, and get the mean of what
 * the copies get; norms, projections and MLPs run once per merged token. Attention and the cache cost what they cost unmerged. With
 * rotary positions the mean is an approximation, since the copies of a query stand at different angles.
 *
 * <p>It follows merging in the tower, or between it and language layer 0, whichever the plan has before it, but not both: a source that
 * went into several tokens counts for the one where it weighs most, and dropped tokens leave gaps. Positions are those of the full prompt, whatever
 * other methods make of them later; other methods of the plan cannot watch attention in the language model.
 */
public record VirtualUnmerging(String spec) implements ReductionMethod {
    /** In the tower: for each token and patch whether it stands for it. */
    private static final String MEMBERS = "vtu.members";
    /** In the language model: the positions of a token's copies, then -1. */
    private static final String PLACES = "vtu.places";

    public static final MethodType TYPE = new MethodType("vtu", "DyMU: Dynamic Merging and Virtual Unmerging for Efficient VLMs", 2025,
            "arXiv 2504.17040 (virtual token unmerging)", "attention of the prompt in every language layer", true, List.of(),
            VirtualUnmerging.class, o -> new VirtualUnmerging(o.spec()));

    @Override
    public List<ReductionEvent> events(ModelShape shape) {
        int depth = ReductionMethod.languageLayersOf(shape, spec);
        List<ReductionEvent> events = new ArrayList<>();
        shape.vision().ifPresent(v -> events.add(ReductionEvent.at(spec,
                new Site(Stage.VISION, Site.Moment.AFTER_LAYER, v.featureLayer()), o -> members(o.tokens().ledger(), v))));
        for (int l = 0; l < depth; l++) {
            events.add(ReductionEvent.at(spec, new Site(Stage.LANGUAGE, Site.Moment.BEFORE_LAYER, l), l == 0 ? this::begin : this::goOn));
        }
        return events;
    }

    private static Outcome members(TokenLedger ledger, ModelShape.Vision vision) {
        int patches = vision.patches();
        float[] values = new float[ledger.count() * patches];
        int special = vision.special();
        int[] owner = ledger.origin().owners();
        for (int p = 0; p < patches; p++) if (owner[special + p] >= 0) values[owner[special + p] * patches + p] = 1;
        return new Outcome.Annotate(MEMBERS, patches, values);
    }

    private Outcome begin(Observation o) {
        TokenLedger ledger = o.tokens().ledger();
        Note members = ledger.note(MEMBERS);
        boolean later = !ledger.origin().isIdentity();
        if (later && members != null && CopyPlaces.merged(members)) {
            throw new PlanException(spec + ": unmerges tokens of the tower, which may not be merged again or dropped before language layer 0");
        }
        CopyPlaces places = later || members == null ? CopyPlaces.ofPrompt(ledger) : CopyPlaces.ofImages(ledger, members);
        if (places.areThoseOf(ledger)) return Outcome.UNCHANGED;
        Note note = places.note();
        return new Outcome.All(List.of(new Outcome.Annotate(PLACES, note.width(), note.values()), new Outcome.Attend(places.mode())));
    }

    private Outcome goOn(Observation o) {
        Note note = o.tokens().ledger().note(PLACES);
        return note == null ? Outcome.UNCHANGED : new Outcome.Attend(CopyPlaces.of(note).mode());
    }
}
