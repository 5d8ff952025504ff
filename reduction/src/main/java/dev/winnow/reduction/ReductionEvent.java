package dev.winnow.reduction;

import dev.winnow.layers.Probe;
import java.util.function.Function;

/**
 * One act of reduction at one site.
 *
 * @param method   the method's spec, for reports
 * @param watches  the layer whose attention is observed, or -1 for none
 * @param probe    attention rows to observe there, chosen when its tokens are known; null, or null for these tokens, for none
 * @param keys     whether keys and values of that layer are needed
 * @param queries  whether the queries of that layer, before rotation, are needed
 * @param sized    whether, once tokens were merged, attention must weigh keys by their sizes (log-size bias)
 * @param steps    whether the event acts after every decoding step too, not only in the prompt pass
 * @param idleUpTo entries of the site's cache up to which there is nothing to do, nor to observe; -1 for cache-blind events
 * @param notes    whether it leaves notes at most, and every token as it is
 * @param decide   the method itself
 */
public record ReductionEvent(String method, Site site, int watches, Function<TokenLedger, Probe> probe, boolean keys, boolean queries,
                             boolean sized, boolean steps, int idleUpTo, boolean notes,
                             Function<Observation, Outcome> decide) {

    /** An event that looks at tokens only. */
    public static ReductionEvent at(String method, Site site, Function<Observation, Outcome> decide) {
        return new ReductionEvent(method, site, -1, null, false, false, false, false, -1, false, decide);
    }

    /** This event, looking at rows of a layer's attention. */
    public ReductionEvent watching(int layer, Probe rows) {
        return watching(layer, ledger -> rows);
    }

    /** This event, looking at rows of a layer's attention that depend on the tokens alive there. */
    public ReductionEvent watching(int layer, Function<TokenLedger, Probe> rows) {
        return new ReductionEvent(method, site, layer, rows, keys, queries, sized, steps, idleUpTo, notes, decide);
    }

    /** This event, looking at a layer's keys and values. */
    public ReductionEvent watchingKeys(int layer) {
        return new ReductionEvent(method, site, layer, probe, true, queries, sized, steps, idleUpTo, notes, decide);
    }

    /** This event, looking at a layer's queries; costs projecting them again. */
    public ReductionEvent watchingQueries(int layer) {
        return new ReductionEvent(method, site, layer, probe, keys, true, sized, steps, idleUpTo, notes, decide);
    }

    /** This event, with attention that counts a merged token as often as the originals it stands for. */
    public ReductionEvent weighingSizes() {
        return new ReductionEvent(method, site, watches, probe, keys, queries, true, steps, idleUpTo, notes, decide);
    }

    /** This event, acting after every decoding step too. */
    public ReductionEvent everyStep() {
        return new ReductionEvent(method, site, watches, probe, keys, queries, sized, true, idleUpTo, notes, decide);
    }

    /** This event, doing and observing nothing while the cache holds no more than so many entries. */
    public ReductionEvent idleUpTo(int entries) {
        return new ReductionEvent(method, site, watches, probe, keys, queries, sized, steps, entries, notes, decide);
    }

    /** This event, leaving notes at most: it may look where every token must stay as it is. */
    public ReductionEvent noting() {
        return new ReductionEvent(method, site, watches, probe, keys, queries, sized, steps, idleUpTo, true, decide);
    }

    /** This event with another decision; what it observes stays. */
    public ReductionEvent deciding(Function<Observation, Outcome> other) {
        return new ReductionEvent(method, site, watches, probe, keys, queries, sized, steps, idleUpTo, notes, other);
    }
}
