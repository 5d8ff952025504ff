package dev.winnow.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The greedy choices of {@link dev.winnow.layers.CosineChoice}, over a matrix of cosines: each token chosen changes what the others would
 * gain. One work-group makes all steps, for each waits for the one before; a work-item looks after every {@link #LOCAL}-th token.
 */
public final class GreedyChoice {
    public static final int LOCAL = 256;

    /** Gains are distances to the nearest of those chosen. */
    public static final int FARTHEST = 0;
    /** Gains are sums of cosines with those chosen, the lowest first. */
    public static final int LEAST_ALIKE = 1;
    /** Gains are what is given, of those that are not alike to one chosen. */
    public static final int DISTINCT = 2;

    private static final int COUNT = 0;
    private static final int MATRIX = 1;
    private static final int STRIDE = 2;
    private static final int HOW = 3;
    private static final int START = 4;
    private static final int FIRST = 5;
    private static final int THRESHOLD = 6;
    private static final int K = 7;
    private static final int GAINS = 8;
    private static final int TARGET = 9;

    private GreedyChoice() {}

    public static int groups() {
        return 1;
    }

    /**
     * Places in the order they are chosen, of equal gains the first; -1 once none is left.
     *
     * @param m at: 0 tokens, 1 their cosines, 2 how far apart the rows of those are, 3 which choice, 4 scores of which the highest is
     *          chosen first, or none, 5 the place chosen first where there are none, 6 where the cosine is above which two are alike, or
     *          none, 7 how many, 8 room [tokens], 9 target [how many]
     */
    public static void choose(KernelContext context, IntArray m, int at, FloatArray a) {
        float[] values = context.allocateFloatLocalArray(LOCAL);
        int[] indices = context.allocateIntLocalArray(LOCAL);
        int lane = context.localIdx;
        int count = m.get(at + COUNT);
        int how = m.get(at + HOW);
        int start = m.get(at + START);
        int gains = m.get(at + GAINS);
        int k = m.get(at + K);
        float threshold = 0f;
        if (m.get(at + THRESHOLD) >= 0) threshold = a.get(m.get(at + THRESHOLD));
        float best = Scores.NEVER;
        int place = count;
        for (int e = lane; e < count; e += LOCAL) {
            float gain = Scores.FAR;
            if (how == LEAST_ALIKE) gain = 0f;
            if (start >= 0) {
                float score = a.get(start + e);
                if (how == DISTINCT) gain = score;
                if (score > best) {
                    best = score;
                    place = e;
                }
            }
            a.set(gains + e, gain);
        }
        if (start < 0) place = m.get(at + FIRST);
        for (int i = 0; i < k; i++) {
            values[lane] = best;
            indices[lane] = place;
            context.localBarrier();
            for (int step = LOCAL / 2; step > 0; step = step / 2) {
                if (lane < step) {
                    float other = values[lane + step];
                    int index = indices[lane + step];
                    if (other > values[lane] || (other == values[lane] && index < indices[lane])) {
                        values[lane] = other;
                        indices[lane] = index;
                    }
                }
                context.localBarrier();
            }
            int chosen = indices[0];
            context.localBarrier();
            if (lane == 0) {
                int told = chosen;
                if (chosen >= count) told = -1;
                a.set(m.get(at + TARGET) + i, told);
            }
            // where none is left all stay as they are
            int row = m.get(at + MATRIX) + chosen * m.get(at + STRIDE);
            if (chosen >= count) row = m.get(at + MATRIX);
            best = Scores.NEVER;
            place = count;
            for (int e = lane; e < count; e += LOCAL) {
                float gain = a.get(gains + e);
                float cosine = a.get(row + e);
                if (gain > Scores.HARDLY) {
                    if (how == FARTHEST) {
                        float distance = 1f - cosine;
                        if (distance < gain) gain = distance;
                    }
                    if (how == LEAST_ALIKE) gain = gain - cosine;
                    if (how == DISTINCT) {
                        if (cosine > threshold) gain = Scores.NEVER;
                    }
                }
                if (e == chosen) gain = Scores.NEVER;
                a.set(gains + e, gain);
                if (gain > Scores.HARDLY) {
                    if (gain > best) {
                        best = gain;
                        place = e;
                    }
                }
            }
        }
    }
}
