package dev.winnow.reduction.methods.cache;

import dev.winnow.layers.KeyValues;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.Observation;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.ReductionMethod;
import dev.winnow.reduction.Site;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.primitives.TopK;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/** A method that scores the entries of each key head of a layer's cache and keeps the best of them. Positions stay. */
public interface CacheEviction extends ReductionMethod {
    /**
     * Scores of each key head's entries: [kvHeads][entries of the head]. Entries that stay in any case have the highest.
     *
     * @param layer the layer whose cache it is
     */
    float[][] scores(Observation o, int layer);

    /** How many entries of a head of the given length stay. */
    int kept(int length, Observation o, int layer);

    /** The highest scores of each head stay. */
    default Outcome evict(Observation o, int layer) {
        KeyValues kv = o.cache();
        int[] kept = IntStream.range(0, kv.heads()).map(h -> Math.clamp(kept(kv.length(h), o, layer), 0, kv.length(h))).toArray();
        if (IntStream.range(0, kept.length).allMatch(h -> kept[h] == kv.length(h))) return Outcome.UNCHANGED;
        return new Outcome.Compact(highest(o, layer, kept));
    }

    /** For each head the slots of so many of its highest scores, ascending. */
    default int[][] highest(Observation o, int layer, int[] kept) {
        float[][] scores = scores(o, layer);
        report(o, scores);
        int[][] keep = new int[kept.length][];
        Arrays.setAll(keep, h -> TopK.highestInOrder(scores[h], kept[h]));
        return keep;
    }

    /** Tells the scores, heads of the same length one above the other. */
    static void report(Observation o, float[][] scores) {
        report(o, Arrays.stream(scores).mapToInt(s -> s.length).toArray(), () -> scores);
    }

    /**
     * The same of scores that are made only where someone listens.
     *
     * @param lengths of the heads
     */
    static void report(Observation o, int[] lengths, Supplier<float[][]> scores) {
        boolean alike = Arrays.stream(lengths).allMatch(n -> n == lengths[0]);
        o.report("score", () -> joined(scores.get(), lengths), alike ? new int[] {lengths.length, lengths[0]} : new int[0]);
    }

    private static float[] joined(float[][] scores, int[] lengths) {
        float[] all = new float[Arrays.stream(lengths).sum()];
        int at = 0;
        for (float[] s : scores) {
            System.arraycopy(s, 0, all, at, s.length);
            at += s.length;
        }
        return all;
    }

    /** An event at the cache of a layer. */
    static ReductionEvent event(String spec, int layer, Function<Observation, Outcome> decide) {
        return ReductionEvent.at(spec, new Site(Stage.LANGUAGE, Site.Moment.CACHE, layer), decide);
    }

    /** One event for each layer of the language model. */
    static List<ReductionEvent> everyLayer(String spec, ModelShape shape, IntFunction<ReductionEvent> event) {
        return IntStream.range(0, ReductionMethod.languageLayersOf(shape, spec)).mapToObj(event).toList();
    }

    /** Makes entries from .. to - 1 of each head, counted from its end if negative, score one more than the best of all. */
    static void protect(float[][] scores, int from, int to) {
        float best = Float.NEGATIVE_INFINITY;
        for (float[] head : scores) {
            int n = head.length;
            for (int i = 0; i < n; i++) if (i < place(from, n) || i >= place(to, n)) best = Math.max(best, head[i]);
        }
        for (float[] head : scores) {
            Arrays.fill(head, place(from, head.length), Math.max(place(from, head.length), place(to, head.length)),
                    best == Float.NEGATIVE_INFINITY ? 0 : best + 1);
        }
    }

    private static int place(int i, int n) {
        return Math.clamp(i < 0 ? n + i : i, 0, n);
    }

    /** The last n entries of each head stay in any case. */
    static void protectLast(float[][] scores, int n) {
        if (n > 0) protect(scores, -n, Integer.MAX_VALUE);
    }

    /** The first n entries of each head stay in any case. */
    static void protectFirst(float[][] scores, int n) {
        if (n > 0) protect(scores, 0, n);
    }

    /** The first entries of each head's row: as many as it holds. */
    static float[][] held(float[][] received, KeyValues kv) {
        float[][] held = new float[received.length][];
        Arrays.setAll(held, h -> Arrays.copyOf(received[h], kv.length(h)));
        return held;
    }
}
