package dev.winnow.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The k highest of many scores, such as the logits of a vocabulary, k at most 512: each work-group sorts 1024 in local memory by Batcher's
 * bitonic network (1968) and passes on its k highest, and the same over what they pass on, until one group is left. Equal scores come by
 * rising index.
 */
public final class BitonicTopK {
    public static final int LOCAL = 256;
    /** Scores of a work-group. */
    public static final int BLOCK = 1024;

    private static final int COUNT = 0;
    private static final int VALUES = 1;
    private static final int INDICES = 2;
    private static final int K = 3;
    private static final int TOP_VALUES = 4;
    private static final int TOP_INDICES = 5;

    private BitonicTopK() {}

    public static int groups(int count) {
        return Offsets.pieces(count, BLOCK);
    }

    /** How many scores {@link #blocks} passes on. */
    public static int passedOn(int count, int k) {
        return groups(count) * k;
    }

    /**
     * The k highest of each block, highest first; places that a short block cannot fill get {@link Scores#NEVER} and index -1.
     *
     * @param m at: 0 count, 1 scores, 2 their indices, or none where they are their places, 3 k, 4 highest scores [groups, k], 5 their
     *          indices [groups, k]
     */
    public static void blocks(KernelContext context, IntArray m, int at, FloatArray a) {
        float[] values = context.allocateFloatLocalArray(BLOCK);
        int[] indices = context.allocateIntLocalArray(BLOCK);
        int lane = context.localIdx;
        int group = context.groupIdx;
        int count = m.get(at + COUNT);
        int given = m.get(at + INDICES);
        int first = group * BLOCK;
        for (int e = lane; e < BLOCK; e += LOCAL) {
            int i = first + e;
            float value = Scores.NEVER;
            int index = Integer.MAX_VALUE;
            if (i < count) {
                value = a.get(m.get(at + VALUES) + i);
                index = i;
                if (given >= 0) index = (int) a.get(given + i);
                if (index < 0) index = Integer.MAX_VALUE;
            }
            values[e] = value;
            indices[e] = index;
        }
        context.localBarrier();
        for (int length = 2; length <= BLOCK; length = length * 2) {
            for (int stride = length / 2; stride > 0; stride = stride / 2) {
                for (int e = lane; e < BLOCK / 2; e += LOCAL) {
                    int low = (e / stride) * 2 * stride + e % stride;
                    int high = low + stride;
                    float u = values[low];
                    float v = values[high];
                    int i = indices[low];
                    int j = indices[high];
                    // 1 where the second comes before the first in the order wanted of the whole; runs of odd number are turned round
                    int wrong = 0;
                    if (v > u) wrong = 1;
                    if (v == u) {
                        if (j < i) wrong = 1;
                    }
                    if ((low / length) % 2 > 0) wrong = 1 - wrong;
                    if (wrong > 0) {
                        values[low] = v;
                        values[high] = u;
                        indices[low] = j;
                        indices[high] = i;
                    }
                }
                context.localBarrier();
            }
        }
        int k = m.get(at + K);
        if (first < count) {
            for (int e = lane; e < k; e += LOCAL) {
                a.set(m.get(at + TOP_VALUES) + group * k + e, values[e]);
                a.set(m.get(at + TOP_INDICES) + group * k + e, indices[e] == Integer.MAX_VALUE ? -1 : indices[e]);
            }
        }
    }
}
