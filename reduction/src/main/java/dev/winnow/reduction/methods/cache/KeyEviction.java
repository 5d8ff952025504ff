package dev.winnow.reduction.methods.cache;

import dev.winnow.layers.KeyScore;
import dev.winnow.layers.KeyValues;
import dev.winnow.reduction.Observation;
import java.util.stream.IntStream;

/**
 * An eviction that looks at keys and at nothing else: each head keeps the entries whose keys score lowest. Where a device has the keys
 * they are scored and compared there, and the slots that stay come back.
 */
interface KeyEviction extends BudgetEviction {
    /** What a key is scored by, as a device that has the keys computes it. */
    KeyScore criterion();

    /** The same on the host, the score of each of n keys of a head: rows of the width headDim, from an offset on. */
    float[] score(float[] keys, int offset, int n, int headDim);

    /** The lower a key's score, the higher its entry's. */
    @Override
    default float[][] scores(Observation o, int layer) {
        KeyValues kv = o.cache();
        float[][] there = kv.scores(criterion());
        return IntStream.range(0, kv.heads()).mapToObj(h -> {
            float[] scores = there != null ? there[h] : score(kv.keys(), kv.offset(h), kv.length(h), kv.headDim());
            for (int i = 0; i < scores.length; i++) scores[i] = -scores[i];
            return scores;
        }).toArray(float[][]::new);
    }

    @Override
    default int[][] highest(Observation o, int layer, int[] kept) {
        KeyValues kv = o.cache();
        int[][] there = kv.lowest(criterion(), kept);
        if (there == null) return BudgetEviction.super.highest(o, layer, kept);
        CacheEviction.report(o, IntStream.range(0, kv.heads()).map(kv::length).toArray(), () -> scores(o, layer));
        return there;
    }
}
