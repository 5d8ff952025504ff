package dev.winnow.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Rows of tokens chosen, merged and put back: {@code TokenMap} and Mixture-of-Depths on the device. A work-group makes one row, its
 * work-items neighbouring channels. Sources and targets must not overlap.
 */
public final class TokenRows {
    public static final int LOCAL = 128;

    private static final int ROWS = 0;
    private static final int X = 1;
    private static final int Y = 2;
    private static final int INDEX = 3;
    private static final int START = 4;
    private static final int WEIGHT = 5;

    private static final int FACTORS = 4;

    private TokenRows() {}

    public static int groups(int rows) {
        return rows;
    }

    /**
     * {@code y[i] = x[index[i]]}.
     *
     * @param m at: 0 rows, 1 x, 2 y, 3 index
     */
    public static void gather(KernelContext context, IntArray m, int at, FloatArray a, int width) {
        int row = context.groupIdx;
        if (row < m.get(at + ROWS)) {
            int from = m.get(at + X) + (int) a.get(m.get(at + INDEX) + row) * width;
            int to = m.get(at + Y) + row * width;
            for (int c = context.localIdx; c < width; c += LOCAL) a.set(to + c, a.get(from + c));
        }
    }

    /**
     * {@code y[i] = sum over e of weight[e] * x[index[e]]} for e from start[i] to start[i + 1] - 1, in that order.
     *
     * @param m at: 0 rows, 1 x, 2 y, 3 index, 4 start [rows + 1], 5 weight, or none for plain sums
     */
    public static void merge(KernelContext context, IntArray m, int at, FloatArray a, int width) {
        int row = context.groupIdx;
        if (row < m.get(at + ROWS)) {
            int first = (int) a.get(m.get(at + START) + row);
            int last = (int) a.get(m.get(at + START) + row + 1);
            int to = m.get(at + Y) + row * width;
            int weights = m.get(at + WEIGHT);
            for (int c = context.localIdx; c < width; c += LOCAL) {
                float sum = 0f;
                for (int e = first; e < last; e++) {
                    float weight = 1f;
                    if (weights >= 0) weight = a.get(weights + e);
                    sum += weight * a.get(m.get(at + X) + (int) a.get(m.get(at + INDEX) + e) * width + c);
                }
                a.set(to + c, sum);
            }
        }
    }

    /**
     * Puts rows back that ran a layer by themselves: {@code x[index[i]] += factor[i] * (left[i] - x[index[i]])}, which for a factor of 1
     * is the row as it left (Raposo et al. 2024).
     *
     * @param m at: 0 rows, 1 left, 2 x, 3 index, each once, 4 factors, or none for 1
     */
    public static void scatter(KernelContext context, IntArray m, int at, FloatArray a, int width) {
        int row = context.groupIdx;
        if (row < m.get(at + ROWS)) {
            int left = m.get(at + X) + row * width;
            int to = m.get(at + Y) + (int) a.get(m.get(at + INDEX) + row) * width;
            int factors = m.get(at + FACTORS);
            for (int c = context.localIdx; c < width; c += LOCAL) {
                float y = a.get(left + c);
                if (factors >= 0) y = a.get(to + c) + a.get(factors + row) * (y - a.get(to + c));
                a.set(to + c, y);
            }
        }
    }
}
