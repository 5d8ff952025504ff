package dev.winnow.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Bipartite soft matching (Bolya et al. 2022, arXiv 2210.09461): keys averaged over heads become rows of length 1, and each at an even
 * place finds the most similar one at an odd place. Which pairs merge is the host's to say; {@link TokenRows#merge} carries it out.
 */
public final class Partners {
    public static final int LOCAL = 128;

    private static final int COUNT = 0;
    private static final int KEYS = 1;
    private static final int STRIDE = 2;
    private static final int HEADS = 3;
    private static final int TARGET = 4;

    private static final int ROWS = 1;
    private static final int GUARDED = 2;
    private static final int PARTNER = 3;
    private static final int BEST = 4;

    private Partners() {}

    /** Groups of {@link #units}. */
    public static int unitGroups(int count) {
        return count;
    }

    /**
     * Rows summed over heads, of length 1; a row of zeros stays one and is similar to none. A work-group takes one row.
     *
     * @param m     at: 0 count, 1 where the first head's first row is, 2 how far apart heads are, 3 heads, 4 target [count, width]
     * @param width of a row; rows of a head follow one another
     */
    public static void units(KernelContext context, IntArray m, int at, FloatArray a, int width) {
        float[] scratch = context.allocateFloatLocalArray(LOCAL);
        int lane = context.localIdx;
        int row = context.groupIdx;
        if (row < m.get(at + COUNT)) {
            int keys = m.get(at + KEYS) + row * width;
            int stride = m.get(at + STRIDE);
            int heads = m.get(at + HEADS);
            int to = m.get(at + TARGET) + row * width;
            float squares = 0f;
            for (int c = lane; c < width; c += LOCAL) {
                float sum = 0f;
                for (int h = 0; h < heads; h++) sum += a.get(keys + h * stride + c);
                a.set(to + c, sum);
                squares += sum * sum;
            }
            scratch[lane] = squares;
            context.localBarrier();
            for (int step = LOCAL / 2; step > 0; step = step / 2) {
                if (lane < step) scratch[lane] = scratch[lane] + scratch[lane + step];
                context.localBarrier();
            }
            float total = scratch[0];
            float length = TornadoMath.sqrt(total);
            // in front of the loop: with a condition inside it PoCL lets all work-items run it
            float factor = 0f;
            if (length > 0f) factor = 1f / length;
            for (int c = lane; c < width; c += LOCAL) a.set(to + c, a.get(to + c) * factor);
        }
    }

    /** Groups of {@link #nearest}. */
    public static int groups(int count) {
        return (count + 1) / 2;
    }

    /**
     * For each even row the most similar odd one, the first of equals, and how similar; {@link Scores#NEVER} for a guarded row and where
     * all others are guarded. A work-group takes one even row, its work-items odd ones.
     *
     * @param m at: 0 count, 1 rows [count, width], 2 guarded [count], 1 for those that neither merge nor take others in, or none,
     *          3 partner [even], half its index, 4 best [even]
     */
    public static void nearest(KernelContext context, IntArray m, int at, FloatArray a, int width) {
        float[] values = context.allocateFloatLocalArray(LOCAL);
        int[] indices = context.allocateIntLocalArray(LOCAL);
        int lane = context.localIdx;
        int i = context.groupIdx;
        int count = m.get(at + COUNT);
        int into = count / 2;
        if (2 * i < count) {
            int rows = m.get(at + ROWS);
            int guarded = m.get(at + GUARDED);
            float best = Scores.NEVER;
            int partner = into;
            for (int j = lane; j < into; j += LOCAL) {
                float score = 0f;
                for (int c = 0; c < width; c++) score += a.get(rows + 2 * i * width + c) * a.get(rows + (2 * j + 1) * width + c);
                if (guarded >= 0 && a.get(guarded + 2 * j + 1) + a.get(guarded + 2 * i) > 0.5f) score = Scores.NEVER;
                if (score > best || partner == into) {
                    best = score;
                    partner = j;
                }
            }
            values[lane] = best;
            indices[lane] = partner;
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
            if (lane == 0) {
                a.set(m.get(at + PARTNER) + i, indices[0]);
                a.set(m.get(at + BEST) + i, values[0]);
            }
        }
    }
}
