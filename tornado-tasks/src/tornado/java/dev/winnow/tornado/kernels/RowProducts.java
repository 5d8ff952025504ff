package dev.winnow.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * y = x W^T for one row of x, or few: decoding. Bound by reading W once, in whole words: 32 neighbouring work-items read 128
 * neighbouring bytes of one row of W, several such reads in flight. A work-group of 256 makes 8 outputs of one row of x, whose 32 partial
 * sums each are added by halves in local memory; so many small groups keep all multiprocessors busy for the narrowest layers, and x comes
 * from the cache. Several rows read W as often, from the second-level cache if they are lucky: {@link TiledProducts} is for them.
 */
public final class RowProducts {
    public static final int LOCAL = 256;

    private static final int OUTPUTS = 8;
    private static final int PARTS = 32;

    private RowProducts() {}

    public static int groups(int rows, int out) {
        return rows * Offsets.pieces(out, OUTPUTS);
    }

    /**
     * The product; parameters as in {@link TiledProducts#multiply}, but for one: the width that the loop goes over is compiled in.
     */
    public static void multiply(KernelContext context, IntArray m, int at, FloatArray a, FloatArray p, FloatArray floats, IntArray words,
                                int format, int in, int activation) {
        float[] table = context.allocateFloatLocalArray(WeightFormat.TABLE);
        float[] sums = context.allocateFloatLocalArray(LOCAL);
        int lane = context.localIdx;
        int out = m.get(at + Products.OUT);
        int across = (out + OUTPUTS - 1) / OUTPUTS;
        int part = lane & (PARTS - 1);
        int output = (context.groupIdx % across) * OUTPUTS + lane / PARTS;
        int row = context.groupIdx / across;
        if (row < m.get(at + Products.ROWS)) {
            if (format == WeightFormat.F16 || format == WeightFormat.BF16) {
                for (int i = lane; i < WeightFormat.entries(format); i += LOCAL) table[i] = WeightFormat.power(format, i);
                context.localBarrier();
            }
            int x = m.get(at + Products.X) + row * m.get(at + Products.X_STRIDE);
            int weight = m.get(at + Products.WEIGHT);
            int scales = m.get(at + Products.SCALES) + output * (in / WeightFormat.BLOCK);
            float sum = 0f;
            if (output < out) {
                if (format == WeightFormat.F32) sum = floatDot(a, x, floats, weight + output * in, in, part);
                else if (format == WeightFormat.Q8_0) sum = byteDot(a, x, words, weight + output * (in / 4), p, scales, in, part);
                else if (format == WeightFormat.Q4_0) sum = nibbleDot(a, x, words, weight + output * (in / 8), p, scales, in, part);
            }
            if (output < out && (format == WeightFormat.F16 || format == WeightFormat.BF16)) {
                if (in % 2 == 0) {
                    int pairs = weight + output * (in / 2);
                    for (int j = part; j < in / 2; j += PARTS) {
                        int word = words.get(pairs + j);
                        int low = WeightFormat.bits(word, 0);
                        int high = WeightFormat.bits(word, 1);
                        sum += table[WeightFormat.entry(format, low)] * WeightFormat.mantissa(format, low) * a.get(x + 2 * j);
                        sum += table[WeightFormat.entry(format, high)] * WeightFormat.mantissa(format, high) * a.get(x + 2 * j + 1);
                    }
                } else {
                    // rows do not begin with a word
                    for (int k = part; k < in; k += PARTS) {
                        int index = output * in + k;
                        int bits = WeightFormat.bits(words.get(weight + index / 2), index & 1);
                        sum += table[WeightFormat.entry(format, bits)] * WeightFormat.mantissa(format, bits) * a.get(x + k);
                    }
                }
            }
            sums[lane] = sum;
            context.localBarrier();
            for (int stride = PARTS / 2; stride > 0; stride = stride / 2) {
                if (part < stride) sums[lane] = sums[lane] + sums[lane + stride];
                context.localBarrier();
            }
            if (part == 0 && output < out) {
                int bias = m.get(at + Products.BIAS);
                Products.store(a, m.get(at + Products.Y) + row * m.get(at + Products.Y_STRIDE) + output, p,
                        bias < 0 ? bias : bias + output, m.get(at + Products.MEETING), activation, sums[lane]);
            }
        }
    }

    private static float floatDot(FloatArray a, int x, FloatArray w, int row, int in, int part) {
        float s0 = 0f;
        float s1 = 0f;
        float s2 = 0f;
        float s3 = 0f;
        int k = part;
        while (k + 3 * PARTS < in) {
            s0 += w.get(row + k) * a.get(x + k);
            s1 += w.get(row + k + PARTS) * a.get(x + k + PARTS);
            s2 += w.get(row + k + 2 * PARTS) * a.get(x + k + 2 * PARTS);
            s3 += w.get(row + k + 3 * PARTS) * a.get(x + k + 3 * PARTS);
            k += 4 * PARTS;
        }
        while (k < in) {
            s0 += w.get(row + k) * a.get(x + k);
            k += PARTS;
        }
        return s0 + s1 + (s2 + s3);
    }

    /** Four codes of Q8_0 a word, all of one block. */
    private static float byteDot(FloatArray a, int x, IntArray words, int row, FloatArray p, int scales, int in, int part) {
        float sum = 0f;
        for (int j = part; j < in / 4; j += PARTS) {
            int word = words.get(row + j);
            int k = x + 4 * j;
            float inner = WeightFormat.code8(word, 0) * a.get(k) + WeightFormat.code8(word, 1) * a.get(k + 1)
                    + WeightFormat.code8(word, 2) * a.get(k + 2) + WeightFormat.code8(word, 3) * a.get(k + 3);
            sum += p.get(scales + j / 8) * inner;
        }
        return sum;
    }

    /** Eight codes of Q4_0 a word, four neighbours of either half of a block. */
    private static float nibbleDot(FloatArray a, int x, IntArray words, int row, FloatArray p, int scales, int in, int part) {
        float sum = 0f;
        for (int j = part; j < in / 8; j += PARTS) {
            int word = words.get(row + j);
            int k = x + (j / 4) * 32 + (j & 3) * 4;
            float inner = 0f;
            for (int i = 0; i < 4; i++) {
                inner += (WeightFormat.code4(word, 2 * i) - 8f) * a.get(k + i)
                        + (WeightFormat.code4(word, 2 * i + 1) - 8f) * a.get(k + 16 + i);
            }
            sum += p.get(scales + j / 4) * inner;
        }
        return sum;
    }
}
