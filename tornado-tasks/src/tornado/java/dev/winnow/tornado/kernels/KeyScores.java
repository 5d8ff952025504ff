package dev.winnow.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The scores of {@link dev.winnow.layers.KeyScore}, of keys as {@link CacheEntries} has them. A work-group takes one key, or for their
 * mean all of a head.
 *
 * <p>The numbers in m: 0 most keys of a head, 1 keys, 2 how far apart heads are, 3 scores, 4 how far apart those of heads are, 5 means
 * [kvHeads, headDim], 6 and on the keys of each head.
 */
public final class KeyScores {
    public static final int LOCAL = 128;

    private static final int MOST = 0;
    private static final int KEYS = 1;
    private static final int STRIDE = 2;
    private static final int SCORES = 3;
    private static final int SCORE_STRIDE = 4;
    private static final int MEANS = 5;
    private static final int COUNTS = 6;

    private KeyScores() {}

    /** @param most keys of a head, at least one */
    public static int groups(int most, int kvHeads) {
        return most * kvHeads;
    }

    /** Lengths of keys. */
    public static void lengths(KernelContext context, IntArray m, int at, FloatArray a, int headDim) {
        float[] scratch = context.allocateFloatLocalArray(LOCAL);
        int lane = context.localIdx;
        int head = context.groupIdx / m.get(at + MOST);
        int slot = context.groupIdx % m.get(at + MOST);
        if (slot < m.get(at + COUNTS + head)) {
            int key = m.get(at + KEYS) + head * m.get(at + STRIDE) + slot * headDim;
            float squares = 0f;
            for (int c = lane; c < headDim; c += LOCAL) squares += a.get(key + c) * a.get(key + c);
            scratch[lane] = squares;
            context.localBarrier();
            for (int step = LOCAL / 2; step > 0; step = step / 2) {
                if (lane < step) scratch[lane] = scratch[lane] + scratch[lane + step];
                context.localBarrier();
            }
            if (lane == 0) {
                float total = scratch[0];
                a.set(m.get(at + SCORES) + head * m.get(at + SCORE_STRIDE) + slot, TornadoMath.sqrt(total));
            }
        }
    }

    /** Groups of {@link #means}. */
    public static int headGroups(int kvHeads) {
        return kvHeads;
    }

    /** The mean of a head's keys, each divided by the length that {@link #lengths} found. */
    public static void means(KernelContext context, IntArray m, int at, FloatArray a, int headDim) {
        int head = context.groupIdx;
        int count = m.get(at + COUNTS + head);
        int keys = m.get(at + KEYS) + head * m.get(at + STRIDE);
        int lengths = m.get(at + SCORES) + head * m.get(at + SCORE_STRIDE);
        for (int c = context.localIdx; c < headDim; c += LOCAL) {
            float sum = 0f;
            for (int i = 0; i < count; i++) {
                float length = a.get(lengths + i);
                if (length > 0f) sum += a.get(keys + i * headDim + c) / length;
            }
            a.set(m.get(at + MEANS) + head * headDim + c, sum / count);
        }
    }

    /** Cosines of keys with that mean, in place of their lengths. */
    public static void likeness(KernelContext context, IntArray m, int at, FloatArray a, int headDim) {
        float[] products = context.allocateFloatLocalArray(LOCAL);
        float[] squares = context.allocateFloatLocalArray(LOCAL);
        int lane = context.localIdx;
        int head = context.groupIdx / m.get(at + MOST);
        int slot = context.groupIdx % m.get(at + MOST);
        if (slot < m.get(at + COUNTS + head)) {
            int key = m.get(at + KEYS) + head * m.get(at + STRIDE) + slot * headDim;
            int mean = m.get(at + MEANS) + head * headDim;
            float product = 0f;
            float square = 0f;
            for (int c = lane; c < headDim; c += LOCAL) {
                float u = a.get(mean + c);
                product += a.get(key + c) * u;
                square += u * u;
            }
            products[lane] = product;
            squares[lane] = square;
            context.localBarrier();
            for (int step = LOCAL / 2; step > 0; step = step / 2) {
                if (lane < step) {
                    products[lane] = products[lane] + products[lane + step];
                    squares[lane] = squares[lane] + squares[lane + step];
                }
                context.localBarrier();
            }
            if (lane == 0) {
                int score = m.get(at + SCORES) + head * m.get(at + SCORE_STRIDE) + slot;
                float total = products[0];
                float length = a.get(score) * TornadoMath.sqrt(squares[0]);
                float cosine = 0f;
                if (length > 0f) cosine = total / length;
                a.set(score, cosine);
            }
        }
    }
}
