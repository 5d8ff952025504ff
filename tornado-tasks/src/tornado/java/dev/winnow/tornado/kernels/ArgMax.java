package dev.winnow.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The largest of many numbers and the lowest index that has it: greedy decoding. Each work-group takes 4096 numbers; the same over what
 * they found leaves one.
 */
public final class ArgMax {
    public static final int LOCAL = 256;
    /** Numbers of a work-group. */
    public static final int BLOCK = 4096;

    private static final int COUNT = 0;
    private static final int VALUES = 1;
    private static final int INDICES = 2;
    private static final int BEST_VALUES = 3;
    private static final int BEST_INDICES = 4;

    private ArgMax() {}

    public static int groups(int count) {
        return Offsets.pieces(count, BLOCK);
    }

    /**
     * The best of each block.
     *
     * @param m at: 0 count, 1 numbers, 2 their indices, or none where they are their places, 3 best numbers [groups], 4 their indices
     *          [groups]
     */
    public static void blocks(KernelContext context, IntArray m, int at, FloatArray a) {
        float[] values = context.allocateFloatLocalArray(LOCAL);
        int[] indices = context.allocateIntLocalArray(LOCAL);
        int lane = context.localIdx;
        int count = m.get(at + COUNT);
        int given = m.get(at + INDICES);
        int first = context.groupIdx * BLOCK;
        int last = first + BLOCK < count ? first + BLOCK : count;
        float best = Scores.NEVER;
        int place = Integer.MAX_VALUE;
        for (int i = first + lane; i < last; i += LOCAL) {
            float value = a.get(m.get(at + VALUES) + i);
            if (value > best || place == Integer.MAX_VALUE) {
                best = value;
                place = i;
            }
        }
        if (given >= 0 && place != Integer.MAX_VALUE) place = (int) a.get(given + place);
        values[lane] = best;
        indices[lane] = place;
        context.localBarrier();
        for (int stride = LOCAL / 2; stride > 0; stride = stride / 2) {
            if (lane < stride) {
                float other = values[lane + stride];
                int index = indices[lane + stride];
                if (other > values[lane] || (other == values[lane] && index < indices[lane])) {
                    values[lane] = other;
                    indices[lane] = index;
                }
            }
            context.localBarrier();
        }
        if (lane == 0 && first < count) {
            a.set(m.get(at + BEST_VALUES) + context.groupIdx, values[0]);
            a.set(m.get(at + BEST_INDICES) + context.groupIdx, indices[0]);
        }
    }
}
