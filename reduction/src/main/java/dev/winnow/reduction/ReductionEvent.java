package dev.winnow.reduction;

import dev.winnow.layers.Probe;
import java.util.function.Function;

/**
 * One act of reduction at one site.
 *
 * @param method   the method's spec, for reports
 * @param watches  the layer whose attention is observed, or -1 for none
 * @param probe    attention rows to observe there, or null
 * @param keys     whether {@link Observation#meanKeys} of that layer is needed
 * @param sized    whether, once tokens were merged, attention must weigh keys by their sizes (log-size bias)
 * @param idleUpTo entries of the site's cache up to which there is nothing to do, nor to observe; -1 for cache-blind events
 * @param decide   the method itself
 */
public record ReductionEvent(String method, Site site, int watches, Probe probe, boolean keys, boolean sized, int idleUpTo,
                             Function<Observation, Outcome> decide) {

    /** An event that looks at tokens only. */
    public static ReductionEvent at(String method, Site site, Function<Observation, Outcome> decide) {
        return new ReductionEvent(method, site, -1, null, false, false, -1, decide);
    }

    /** This event, looking at rows of a layer's attention. */
    public ReductionEvent watching(int layer, Probe rows) {
        return new ReductionEvent(method, site, layer, rows, keys, sized, idleUpTo, decide);
    }

    /** This event, looking at a layer's keys. */
    public ReductionEvent watchingKeys(int layer) {
        return new ReductionEvent(method, site, layer, probe, true, sized, idleUpTo, decide);
    }

    /** This event, with attention that counts a merged token as often as the originals it stands for. */
    public ReductionEvent weighingSizes() {
        return new ReductionEvent(method, site, watches, probe, keys, true, idleUpTo, decide);
    }

    /** This event, doing and observing nothing while the cache holds no more than so many entries. */
    public ReductionEvent idleUpTo(int entries) {
        return new ReductionEvent(method, site, watches, probe, keys, sized, entries, decide);
    }
}
