package dev.winnow.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * y = x W^T for many rows of x, W as stored [out, in], in any {@link WeightFormat}.
 *
 * <p>A work-group of 256 makes a tile of 64 rows times 64 outputs; a work-item holds 4 x 4 sums in registers, so that it does 16
 * multiply-adds for 8 reads of local memory. Tiles of x and W, 16 deep, are read in runs of 16 neighbours, widened once and kept with
 * the depth outermost and one element of padding, which spreads both the writes and the reads over the banks. Local memory: 10 KiB, with
 * room for several groups on a multiprocessor. Outputs of a work-item are 16 apart, so that neighbours write neighbours. Widths are data:
 * the loops that count are those over a tile, and one kernel serves all maps of a layer.
 */
public final class TiledProducts {
    public static final int LOCAL = 256;

    private static final int TILE = 64;
    private static final int DEPTH = 16;
    private static final int PITCH = TILE + 1;

    private TiledProducts() {}

    public static int groups(int rows, int out) {
        return Offsets.pieces(rows, TILE) * Offsets.pieces(out, TILE);
    }

    /**
     * The product.
     *
     * @param m          at: 0 rows, 1 x, 2 its stride, 3 y, 4 its stride, 5 weight (element of floats, or word), 6 bias in p or none,
     *                   7 how results meet y: 0 y =, 1 y +=, 2 y *=, 8 scales in p, for the block formats,
     *                   9 in, a multiple of 32 for those, 10 out
     * @param floats     holds F32 weights
     * @param words      holds weights of other formats
     * @param format     a {@link WeightFormat}
     * @param activation ordinal of what is applied to sums with their bias, before they meet y
     */
    public static void multiply(KernelContext context, IntArray m, int at, FloatArray a, FloatArray p, FloatArray floats, IntArray words,
                                int format, int activation) {
        float[] table = context.allocateFloatLocalArray(WeightFormat.TABLE);
        float[] left = context.allocateFloatLocalArray(DEPTH * PITCH);
        float[] right = context.allocateFloatLocalArray(DEPTH * PITCH);
        int lane = context.localIdx;
        int in = m.get(at + Products.IN);
        int out = m.get(at + Products.OUT);
        int across = (out + TILE - 1) / TILE;
        int firstColumn = (context.groupIdx % across) * TILE;
        int firstRow = (context.groupIdx / across) * TILE;
        int rows = m.get(at + Products.ROWS);
        if (firstRow < rows) {
            if (format == WeightFormat.F16 || format == WeightFormat.BF16) {
                for (int i = lane; i < WeightFormat.entries(format); i += LOCAL) table[i] = WeightFormat.power(format, i);
                context.localBarrier();
            }
            int x = m.get(at + Products.X);
            int xStride = m.get(at + Products.X_STRIDE);
            int weight = m.get(at + Products.WEIGHT);
            int scales = m.get(at + Products.SCALES);
            int tx = lane & 15;
            int ty = lane / 16;
            float s00 = 0f;
            float s01 = 0f;
            float s02 = 0f;
            float s03 = 0f;
            float s10 = 0f;
            float s11 = 0f;
            float s12 = 0f;
            float s13 = 0f;
            float s20 = 0f;
            float s21 = 0f;
            float s22 = 0f;
            float s23 = 0f;
            float s30 = 0f;
            float s31 = 0f;
            float s32 = 0f;
            float s33 = 0f;
            for (int from = 0; from < in; from += DEPTH) {
                int k = from + tx;
                for (int place = ty; place < TILE; place += 16) {
                    float u = 0f;
                    float v = 0f;
                    if (k < in && firstRow + place < rows) u = a.get(x + (firstRow + place) * xStride + k);
                    if (k < in && firstColumn + place < out) {
                        int index = (firstColumn + place) * in + k;
                        if (format == WeightFormat.F16 || format == WeightFormat.BF16) {
                            int bits = WeightFormat.bits(words.get(weight + index / 2), index & 1);
                            v = table[WeightFormat.entry(format, bits)] * WeightFormat.mantissa(format, bits);
                        } else {
                            v = WeightFormat.element(floats, words, p, format, weight, scales, index);
                        }
                    }
                    left[tx * PITCH + place] = u;
                    right[tx * PITCH + place] = v;
                }
                context.localBarrier();
                for (int d = 0; d < DEPTH; d++) {
                    int lt = d * PITCH + ty;
                    int rt = d * PITCH + tx;
                    float a0 = left[lt];
                    float a1 = left[lt + 16];
                    float a2 = left[lt + 32];
                    float a3 = left[lt + 48];
                    float b0 = right[rt];
                    float b1 = right[rt + 16];
                    float b2 = right[rt + 32];
                    float b3 = right[rt + 48];
                    s00 += a0 * b0;
                    s01 += a0 * b1;
                    s02 += a0 * b2;
                    s03 += a0 * b3;
                    s10 += a1 * b0;
                    s11 += a1 * b1;
                    s12 += a1 * b2;
                    s13 += a1 * b3;
                    s20 += a2 * b0;
                    s21 += a2 * b1;
                    s22 += a2 * b2;
                    s23 += a2 * b3;
                    s30 += a3 * b0;
                    s31 += a3 * b1;
                    s32 += a3 * b2;
                    s33 += a3 * b3;
                }
                context.localBarrier();
            }
            // sums go by way of local memory, where each work-item reads its own back: so the epilogue is compiled once and not 16 times
            int y = m.get(at + Products.Y);
            int yStride = m.get(at + Products.Y_STRIDE);
            int bias = m.get(at + Products.BIAS);
            int meeting = m.get(at + Products.MEETING);
            for (int quarter = 0; quarter < 4; quarter++) {
                int to = ty * PITCH + tx;
                left[to] = quarter == 0 ? s00 : quarter == 1 ? s10 : quarter == 2 ? s20 : s30;
                left[to + 16] = quarter == 0 ? s01 : quarter == 1 ? s11 : quarter == 2 ? s21 : s31;
                left[to + 32] = quarter == 0 ? s02 : quarter == 1 ? s12 : quarter == 2 ? s22 : s32;
                left[to + 48] = quarter == 0 ? s03 : quarter == 1 ? s13 : quarter == 2 ? s23 : s33;
                int row = firstRow + 16 * quarter + ty;
                for (int j = tx; j < TILE; j += 16) {
                    int column = firstColumn + j;
                    if (row < rows && column < out) {
                        Products.store(a, y + row * yStride + column, p, bias < 0 ? bias : bias + column, meeting, activation,
                                left[ty * PITCH + j]);
                    }
                }
            }
        }
    }
}
