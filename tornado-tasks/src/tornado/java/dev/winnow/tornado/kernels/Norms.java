package dev.winnow.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The norms of {@link dev.winnow.layers.Norm}, row by row, over a token's width or over each head of it. A work-group makes one row: its
 * work-items read neighbours, and add up by halves in local memory.
 *
 * <p>The numbers in m: 0 rows, 1 rows of a token, 2 x, 3 its stride by tokens, 4 y, 5 its stride, 6 weight in p, 7 bias in p. Row r is part
 * {@code r % perToken} of token {@code r / perToken}. y may be x.
 */
public final class Norms {
    public static final int LOCAL = 128;

    private static final int ROWS = 0;
    private static final int PER_TOKEN = 1;
    private static final int X = 2;
    private static final int X_STRIDE = 3;
    private static final int Y = 4;
    private static final int Y_STRIDE = 5;
    private static final int WEIGHT = 6;
    private static final int BIAS = 7;

    private Norms() {}

    public static int groups(int rows) {
        return rows;
    }

    /** Root mean square norm: {@code y = x / sqrt(mean(x^2) + epsilon) * weight} (Zhang and Sennrich 2019). */
    public static void rms(KernelContext context, IntArray m, int at, FloatArray a, FloatArray p, int width, float epsilon) {
        float[] scratch = context.allocateFloatLocalArray(LOCAL);
        int lane = context.localIdx;
        int row = context.groupIdx;
        if (row < m.get(at + ROWS)) {
            int x = place(m, at, row, width, X);
            int y = place(m, at, row, width, Y);
            int weight = m.get(at + WEIGHT);
            float squares = 0f;
            for (int c = lane; c < width; c += LOCAL) squares += a.get(x + c) * a.get(x + c);
            scratch[lane] = squares;
            context.localBarrier();
            for (int stride = LOCAL / 2; stride > 0; stride = stride / 2) {
                if (lane < stride) scratch[lane] = scratch[lane] + scratch[lane + stride];
                context.localBarrier();
            }
            float total = scratch[0];
            float factor = 1f / TornadoMath.sqrt(total / width + epsilon);
            for (int c = lane; c < width; c += LOCAL) a.set(y + c, a.get(x + c) * factor * p.get(weight + c));
        }
    }

    /** Mean and variance norm: {@code y = (x - mean) / sqrt(variance + epsilon) * weight + bias} (Ba et al. 2016). */
    public static void layer(KernelContext context, IntArray m, int at, FloatArray a, FloatArray p, int width, float epsilon) {
        float[] scratch = context.allocateFloatLocalArray(LOCAL);
        int lane = context.localIdx;
        int row = context.groupIdx;
        if (row < m.get(at + ROWS)) {
            int x = place(m, at, row, width, X);
            int y = place(m, at, row, width, Y);
            int weight = m.get(at + WEIGHT);
            int bias = m.get(at + BIAS);
            float sum = 0f;
            for (int c = lane; c < width; c += LOCAL) sum += a.get(x + c);
            scratch[lane] = sum;
            context.localBarrier();
            for (int stride = LOCAL / 2; stride > 0; stride = stride / 2) {
                if (lane < stride) scratch[lane] = scratch[lane] + scratch[lane + stride];
                context.localBarrier();
            }
            float all = scratch[0];
            float mean = all / width;
            context.localBarrier();
            float squares = 0f;
            for (int c = lane; c < width; c += LOCAL) squares += (a.get(x + c) - mean) * (a.get(x + c) - mean);
            scratch[lane] = squares;
            context.localBarrier();
            for (int stride = LOCAL / 2; stride > 0; stride = stride / 2) {
                if (lane < stride) scratch[lane] = scratch[lane] + scratch[lane + stride];
                context.localBarrier();
            }
            float total = scratch[0];
            float factor = 1f / TornadoMath.sqrt(total / width + epsilon);
            for (int c = lane; c < width; c += LOCAL) {
                a.set(y + c, (a.get(x + c) - mean) * factor * p.get(weight + c) + p.get(bias + c));
            }
        }
    }

    /** Learned factors alone: {@code y = x * weight} (Touvron et al. 2021). */
    public static void factors(KernelContext context, IntArray m, int at, FloatArray a, FloatArray p, int width) {
        int row = context.groupIdx;
        if (row < m.get(at + ROWS)) {
            int x = place(m, at, row, width, X);
            int y = place(m, at, row, width, Y);
            int weight = m.get(at + WEIGHT);
            for (int c = context.localIdx; c < width; c += LOCAL) a.set(y + c, a.get(x + c) * p.get(weight + c));
        }
    }

    private static int place(IntArray m, int at, int row, int width, int which) {
        int perToken = m.get(at + PER_TOKEN);
        return m.get(at + which) + (row / perToken) * m.get(at + which + 1) + (row % perToken) * width;
    }
}
