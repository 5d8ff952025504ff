package dev.winnow.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Lengths of rows, and rows brought to length 1 for cosines, whose products {@link TiledProducts} then makes. A work-group takes one row.
 */
public final class RowLengths {
    public static final int LOCAL = 128;

    private static final int ROWS = 0;
    private static final int X = 1;
    private static final int STRIDE = 2;
    private static final int TARGET = 3;
    private static final int TARGET_STRIDE = 5;

    private RowLengths() {}

    public static int groups(int rows) {
        return rows;
    }

    /**
     * The length of each row.
     *
     * @param m at: 0 rows, 1 x, 2 its stride, 3 target [rows]
     */
    public static void lengths(KernelContext context, IntArray m, int at, FloatArray a, int width) {
        float[] scratch = context.allocateFloatLocalArray(LOCAL);
        int lane = context.localIdx;
        int row = context.groupIdx;
        if (row < m.get(at + ROWS)) {
            int x = m.get(at + X) + row * m.get(at + STRIDE);
            float squares = 0f;
            for (int c = lane; c < width; c += LOCAL) squares += a.get(x + c) * a.get(x + c);
            scratch[lane] = squares;
            context.localBarrier();
            for (int stride = LOCAL / 2; stride > 0; stride = stride / 2) {
                if (lane < stride) scratch[lane] = scratch[lane] + scratch[lane + stride];
                context.localBarrier();
            }
            float total = scratch[0];
            if (lane == 0) a.set(m.get(at + TARGET) + row, TornadoMath.sqrt(total));
        }
    }

    /**
     * Rows of length 1; a row of zeros stays one and is similar to none.
     *
     * @param m at: 0 rows, 1 x, 2 its stride, 3 where even rows go, 4 where odd rows go, 5 how far apart the rows of either are
     */
    public static void normalise(KernelContext context, IntArray m, int at, FloatArray a, int width) {
        float[] scratch = context.allocateFloatLocalArray(LOCAL);
        int lane = context.localIdx;
        int row = context.groupIdx;
        if (row < m.get(at + ROWS)) {
            int x = m.get(at + X) + row * m.get(at + STRIDE);
            int to = m.get(at + TARGET + row % 2) + (row / 2) * m.get(at + TARGET_STRIDE);
            float squares = 0f;
            for (int c = lane; c < width; c += LOCAL) squares += a.get(x + c) * a.get(x + c);
            scratch[lane] = squares;
            context.localBarrier();
            for (int stride = LOCAL / 2; stride > 0; stride = stride / 2) {
                if (lane < stride) scratch[lane] = scratch[lane] + scratch[lane + stride];
                context.localBarrier();
            }
            float total = scratch[0];
            float length = TornadoMath.sqrt(total);
            // in front of the loop: with a condition inside it PoCL lets all work-items run it
            float factor = 0f;
            if (length > 0f) factor = 1f / length;
            for (int c = lane; c < width; c += LOCAL) a.set(to + c, a.get(x + c) * factor);
        }
    }
}
