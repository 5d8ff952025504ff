package dev.winnow.reduction.primitives;

import dev.winnow.layers.Probe;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.Observation;
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
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** The tokens of a vision tower: patches, and the class, distillation and register tokens that no method merges or drops. */
public final class TowerTokens {
    /** What a method does in one layer. */
    public interface LayerDecision {
        /** @param layers of the tower, up to the one whose features are used */
        Outcome decide(Observation o, int layer, int layers);
    }

    /** Whether there is nothing to do in a layer, whatever the picture. */
    public interface Idle {
        boolean in(int layer, int layers);
    }

    private TowerTokens() {}

    /** Which tokens are no patches. */
    public static boolean[] guarded(TokenLedger ledger) {
        boolean[] guarded = new boolean[ledger.count()];
        for (int i = 0; i < guarded.length; i++) guarded[i] = ledger.kind(i) == TokenKind.CLASS || ledger.kind(i) == TokenKind.REGISTER;
        return guarded;
    }

    /** Tokens that are no patches, ascending. */
    public static int[] special(TokenLedger ledger) {
        boolean[] guarded = guarded(ledger);
        return IntStream.range(0, guarded.length).filter(i -> guarded[i]).toArray();
    }

    /** Patches alive, ascending. */
    public static int[] patches(TokenLedger ledger) {
        boolean[] guarded = guarded(ledger);
        return IntStream.range(0, guarded.length).filter(i -> !guarded[i]).toArray();
    }

    /**
     * The attention of the class token, wherever it is.
     *
     * @throws PlanException in a layer that the class token does not run
     */
    public static Probe classRow(TokenLedger ledger) {
        int[] classes = ledger.ofKind(TokenKind.CLASS);
        if (classes.length == 0) {
            throw new PlanException("a method of the plan needs the class token's attention in a layer that it goes around by another one");
        }
        return new Probe(classes[0], 1, false);
    }

    /** What the patches receive from the class token in the layer watched with {@link #classRow}, mean over heads. */
    public static RowScores classAttention(Observation o, int[] patches) {
        return RowScores.watched(o, patches);
    }

    /** Checks that the tower has a class token. */
    public static void requireClass(ModelShape.Vision vision, String spec) {
        if (!vision.classToken()) throw new PlanException(spec + ": needs a class token; this vision tower has none");
    }

    /**
     * Events between attention and MLP of every layer up to the features, looking at the layer's keys; in the end the patches come in
     * order as by {@link #inOrder}.
     *
     * @param proportional whether attention weighs sizes
     */
    public static List<ReductionEvent> inEveryLayer(String spec, ModelShape shape, boolean proportional, Idle idle,
                                                    LayerDecision decision) {
        int layers = ReductionMethod.visionOf(shape, spec).featureLayer() + 1;
        List<ReductionEvent> events = new ArrayList<>();
        for (int l = 0; l < layers; l++) {
            if (idle.in(l, layers)) continue;
            int layer = l;
            ReductionEvent event = ReductionEvent.at(spec, new Site(Stage.VISION, Site.Moment.AFTER_ATTENTION, l),
                    o -> decision.decide(o, layer, layers)).watchingKeys(l);
            events.add(proportional ? event.weighingSizes() : event);
        }
        return inOrder(spec, shape, events);
    }

    /**
     * The events, and where a language model will read the patches one more that brings them back into the order of the picture;
     * the tower does not mind their order, but the language model does.
     *
     * @param events that leave patches in another order
     */
    public static List<ReductionEvent> inOrder(String spec, ModelShape shape, List<ReductionEvent> events) {
        if (shape.languageLayers() == 0 || events.isEmpty()) return events;
        int last = shape.vision().orElseThrow().featureLayer();
        List<ReductionEvent> all = new ArrayList<>(events);
        all.add(ReductionEvent.at(spec, new Site(Stage.VISION, Site.Moment.AFTER_LAYER, last), o -> sort(o.tokens().ledger())));
        return all;
    }

    private static Outcome sort(TokenLedger ledger) {
        int n = ledger.count();
        int[] order = IntStream.range(0, n).boxed()
                .sorted(Comparator.<Integer>comparingInt(ledger::image).thenComparingInt(ledger::cell)).mapToInt(i -> i).toArray();
        TokenMap map = TokenMap.select(order, n);
        return map.isIdentity() ? Outcome.UNCHANGED : new Outcome.Reduce(map, PositionPolicy.PRESERVE);
    }
}
