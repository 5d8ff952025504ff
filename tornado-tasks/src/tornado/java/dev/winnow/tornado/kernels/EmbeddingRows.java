package dev.winnow.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Token ids to rows of an embedding table in any {@link WeightFormat}: a work-group copies one row, widening it. */
public final class EmbeddingRows {
    public static final int LOCAL = 128;

    private static final int ROWS = 0;
    private static final int IDS = 1;
    private static final int Y = 2;
    private static final int WEIGHT = 3;
    private static final int SCALES = 4;

    private EmbeddingRows() {}

    public static int groups(int rows) {
        return rows;
    }

    /**
     * {@code y[i] = factor * W[ids[i]]}.
     *
     * @param m     at: 0 rows, 1 ids, 2 y [rows, width], 3 weight [vocabulary, width] as in {@link TiledProducts}, 4 scales in p
     * @param width a multiple of 32 for the block formats
     */
    public static void gather(KernelContext context, IntArray m, int at, FloatArray a, FloatArray p, FloatArray floats, IntArray words,
                              int format, int width, float factor) {
        float[] table = context.allocateFloatLocalArray(WeightFormat.TABLE);
        int lane = context.localIdx;
        int row = context.groupIdx;
        if (row < m.get(at + ROWS)) {
            if (format == WeightFormat.F16 || format == WeightFormat.BF16) {
                for (int i = lane; i < WeightFormat.entries(format); i += LOCAL) table[i] = WeightFormat.power(format, i);
                context.localBarrier();
            }
            int first = (int) a.get(m.get(at + IDS) + row) * width;
            int y = m.get(at + Y) + row * width;
            int weight = m.get(at + WEIGHT);
            int scales = m.get(at + SCALES);
            for (int c = lane; c < width; c += LOCAL) {
                int index = first + c;
                float v = 0f;
                if (format == WeightFormat.F16 || format == WeightFormat.BF16) {
                    int bits = WeightFormat.bits(words.get(weight + index / 2), index & 1);
                    v = table[WeightFormat.entry(format, bits)] * WeightFormat.mantissa(format, bits);
                } else {
                    v = WeightFormat.element(floats, words, p, format, weight, scales, index);
                }
                a.set(y + c, factor * v);
            }
        }
    }
}
