package dev.winnow.layers;

import dev.winnow.weights.DType;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Rows of a weight rounded to blocks times few vectors, as integer dot products: the vectors are rounded too, to bytes with a scale for
 * each block of 32, as Q8_0 is. The Vector API cannot multiply bytes and add neighbours (vpmaddubsw, vpdpbusd), but it can multiply
 * 16-bit numbers (vpmullw), twice as many at a time as floats: a Q8_0 product fits, the sum of two as well, and of Q4_0 that of
 * eight. So 32 codes take 22 and 20 instructions, where making floats of them took 26 and 24.
 *
 * <p>Scratch of one thread.
 */
final class IntegerRows {
    private static final VectorSpecies<Float> F = PanamaKernels.F;
    private static final VectorSpecies<Integer> I = PanamaKernels.I;
    private static final VectorSpecies<Short> S = VectorSpecies.of(short.class, VectorShape.forBitSize(F.vectorBitSize()));
    private static final int L = F.length();
    private static final int SHORTS = 2 * L;
    private static final int BLOCK = PanamaKernels.BLOCK;
    /** Codes that are worked on at a time: two loads of bytes or one of half bytes. */
    private static final int STEP = 8 * L;
    private static final VectorMask<Float> UPPER_HALF = lanes(L / 2, L);
    private static final VectorMask<Float> SECOND_QUARTER = lanes(L / 4, L / 2);
    private static final VectorMask<Float> LAST_QUARTER = lanes(L - L / 4, L);
    /** For so many vectors a row that the first has brought to cache is worked on again faster than it is widened for all. */
    private static final int FEW = 4;
    /** Scales widened at a time. */
    private static final int SCALES = 4096;
    /** What a code of Q4_0 is stored too high. */
    private static final int HALF_BYTE_OFFSET = 8;

    private final BlockScales blockScales = new BlockScales();
    private final Rounded[] vectors = new Rounded[FEW];
    /** A vector to be rounded, and its codes. */
    private float[] source = {};
    private byte[] codes = {};
    /** A row's scales times a vector's. */
    private float[] scales = {};

    /** A rounded vector: codes in the order in which loads of a row meet them, and a scale for each block. */
    private static final class Rounded {
        private short[] codes = {};
        private float[] scales = {};
        /** Of each block the sum of its codes, times what the weight's codes are stored too high. */
        private float[] sums = {};

        /** An element past those that loads meet. */
        float element(int p) {
            return codes[p] * scales[p / BLOCK];
        }

        void reserve(int codes, int blocks) {
            if (this.codes.length < codes) this.codes = new short[codes];
            if (scales.length < blocks) {
                scales = new float[blocks];
                sums = new float[blocks];
            }
        }
    }

    private static VectorMask<Float> lanes(int from, int to) {
        return VectorMask.fromLong(F, (1L << to) - (1L << from));
    }

    /** Whether this is the way for a weight's rows of so many elements and so many vectors. */
    static boolean takes(DType dtype, int in, int count) {
        return dtype.isBlocked() && count <= FEW && in >= STEP;
    }

    /** {@code y[yOffset + i * yStride + j] = W[row + j] . x[i]} for j &lt; rows, i &lt; count. */
    void dot(Kernels kernels, MemorySegment weight, DType dtype, int in, int row, int rows, float[] x, int xOffset, int xStride, int count,
             float[] y, int yOffset, int yStride) {
        int perRow = in / BLOCK;
        int steps = in / STEP;
        long rowBytes = (long) perRow * (dtype.blockBytes() - DType.SCALE_BYTES);
        round(kernels, dtype, in, steps, x, xOffset, xStride, count);
        if (scales.length < perRow) scales = new float[perRow];
        int most = Math.max(1, SCALES / Math.max(1, perRow));
        for (int from = 0; from < rows; from += most) {
            int n = Math.min(most, rows - from);
            float[] stored = blockScales.read(weight, dtype, (long) perRow * (row + from), n * perRow);
            for (int r = 0; r < n; r++) {
                long at = rowBytes * (row + from + r);
                for (int i = 0; i < count; i++) {
                    Rounded v = vectors[i];
                    multiply(stored, r * perRow, v.scales, perRow, scales);
                    float sum = dtype == DType.Q8_0 ? dotBytes(weight, at, scales, steps, v.codes, 8)
                            : dotHalfBytes(weight, at, scales, steps, v.codes, 0x000f000f) - kernels.dot(scales, 0, v.sums, 0, perRow);
                    for (int p = steps * STEP; p < in; p++) {
                        sum += ScalarKernels.read(weight, dtype, (long) in * (row + from + r) + p) * v.element(p);
                    }
                    y[yOffset + i * yStride + from + r] = sum;
                }
            }
        }
    }

    /** The scales of blocks of a row times those of a vector's. */
    private static void multiply(float[] a, int aOffset, float[] b, int n, float[] products) {
        int i = 0;
        for (; i <= n - L; i += L) FloatVector.fromArray(F, a, aOffset + i).mul(FloatVector.fromArray(F, b, i)).intoArray(products, i);
        for (; i < n; i++) products[i] = a[aOffset + i] * b[i];
    }

    private void round(Kernels kernels, DType dtype, int in, int steps, float[] x, int xOffset, int xStride, int count) {
        if (codes.length < in) codes = new byte[in];
        if (source.length < in) source = new float[in];
        for (int i = 0; i < count; i++) {
            if (vectors[i] == null) vectors[i] = new Rounded();
            Rounded v = vectors[i];
            v.reserve(in, in / BLOCK);
            System.arraycopy(x, xOffset + i * xStride, source, 0, in);
            kernels.roundToBlocks(DType.Q8_0, source, in, codes, v.scales);
            for (int p = steps * STEP; p < in; p++) v.codes[p] = codes[p];
            if (dtype == DType.Q8_0) {
                orderForBytes(steps, v.codes);
            } else {
                orderForHalfBytes(steps, v.codes);
                for (int b = 0; b < in / BLOCK; b++) v.sums[b] = b * BLOCK < steps * STEP ? HALF_BYTE_OFFSET * sumOfCodes(b) : 0;
            }
        }
    }

    private int sumOfCodes(int block) {
        int sum = 0;
        for (int p = block * BLOCK; p < (block + 1) * BLOCK; p++) sum += codes[p];
        return sum;
    }

    /** For each load the codes that the lower bytes of its words meet, then those of the upper. */
    private void orderForBytes(int steps, short[] ordered) {
        for (int at = 0; at < steps * STEP; at += 2 * SHORTS) {
            for (int l = 0; l < SHORTS; l++) {
                ordered[at + l] = codes[at + 2 * l];
                ordered[at + SHORTS + l] = codes[at + 2 * l + 1];
            }
        }
    }

    /**
     * For each load the codes that its words' half bytes meet, the lowest first: a byte holds an element of its block's first half and
     * one of the second.
     */
    private void orderForHalfBytes(int steps, short[] ordered) {
        for (int load = 0; load < steps; load++) {
            int to = load * STEP;
            for (int l = 0; l < SHORTS; l++) {
                int at = load * STEP + l / 8 * BLOCK + l % 8 * 2;
                ordered[to + l] = codes[at];
                ordered[to + SHORTS + l] = codes[at + 16];
                ordered[to + 2 * SHORTS + l] = codes[at + 1];
                ordered[to + 3 * SHORTS + l] = codes[at + 17];
            }
        }
    }

    // Loops over an int, offsets a long that stays and a multiple of it: of those C2 checks the bounds before the loop. Shifts of shorts
    // are by an argument, since C2 keeps each constant count in a register of its own; shifts of ints have theirs in the instruction.

    /** A row of bytes: vpsllw and vpsraw widen, vpmullw and vpaddw multiply and add pairs, vpslld, vpsrad and vpaddd add those. */
    private static float dotBytes(MemorySegment w, long at, float[] scales, int steps, short[] x, int eight) {
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        for (int k = 0; k < steps; k++) {
            int p = k * STEP;
            ShortVector c = ShortVector.fromMemorySegment(S, w, at + 8L * L * k, ByteOrder.LITTLE_ENDIAN);
            FloatVector f = sums(c.lanewise(VectorOperators.LSHL, eight).lanewise(VectorOperators.ASHR, eight)
                    .mul(ShortVector.fromArray(S, x, p))
                    .add(c.lanewise(VectorOperators.ASHR, eight).mul(ShortVector.fromArray(S, x, p + SHORTS))).reinterpretAsInts());
            ShortVector d = ShortVector.fromMemorySegment(S, w, at + 8L * L * k + 4L * L, ByteOrder.LITTLE_ENDIAN);
            FloatVector g = sums(d.lanewise(VectorOperators.LSHL, eight).lanewise(VectorOperators.ASHR, eight)
                    .mul(ShortVector.fromArray(S, x, p + 2 * SHORTS))
                    .add(d.lanewise(VectorOperators.ASHR, eight).mul(ShortVector.fromArray(S, x, p + 3 * SHORTS))).reinterpretAsInts());
            int first = k * (L / 4);
            s0 = f.fma(FloatVector.broadcast(F, scales[first]), s0);
            s1 = g.fma(FloatVector.broadcast(F, scales[first + L / 8]), s1);
            if (L == 16) s2 = f.fma(FloatVector.broadcast(F, scales[first + 1]), s2);
            if (L == 16) s3 = g.fma(FloatVector.broadcast(F, scales[first + 3]), s3);
        }
        return PanamaKernels.sumOf(L == 16 ? s0.add(s1).blend(s2.add(s3), UPPER_HALF) : s0.add(s1));
    }

    /** Of neighbouring shorts, whose sum need not be one. */
    private static FloatVector sums(IntVector pairs) {
        return (FloatVector) pairs.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16)
                .add(pairs.lanewise(VectorOperators.ASHR, 16)).convert(VectorOperators.I2F, 0);
    }

    /** A row of half bytes, four in each lane of a load: the sum of four products fits it, and of two neighbours' too. */
    private static float dotHalfBytes(MemorySegment w, long at, float[] scales, int steps, short[] x, int mask) {
        IntVector low = IntVector.broadcast(I, mask);
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        for (int k = 0; k < steps; k++) {
            int p = k * STEP;
            IntVector c = IntVector.fromMemorySegment(I, w, at + 4L * L * k, ByteOrder.LITTLE_ENDIAN);
            ShortVector v = c.and(low).reinterpretAsShorts().mul(ShortVector.fromArray(S, x, p));
            ShortVector u = c.lanewise(VectorOperators.LSHR, 4).and(low).reinterpretAsShorts().mul(ShortVector.fromArray(S, x, p + SHORTS));
            v = v.add(c.lanewise(VectorOperators.LSHR, 8).and(low).reinterpretAsShorts().mul(ShortVector.fromArray(S, x, p + 2 * SHORTS)));
            u = u.add(c.lanewise(VectorOperators.LSHR, 12).and(low).reinterpretAsShorts().mul(ShortVector.fromArray(S, x, p + 3 * SHORTS)));
            v = v.add(u);
            // the sum of two neighbours in the upper one's place
            ShortVector both = v.add(v.reinterpretAsInts().lanewise(VectorOperators.LSHL, 16).reinterpretAsShorts());
            FloatVector f = (FloatVector) both.reinterpretAsInts().lanewise(VectorOperators.ASHR, 16).convert(VectorOperators.I2F, 0);
            int first = k * (L / 4);
            s0 = f.fma(FloatVector.broadcast(F, scales[first]), s0);
            if (L >= 8) s1 = f.fma(FloatVector.broadcast(F, scales[first + 1]), s1);
            if (L == 16) s2 = f.fma(FloatVector.broadcast(F, scales[first + 2]), s2);
            if (L == 16) s3 = f.fma(FloatVector.broadcast(F, scales[first + 3]), s3);
        }
        FloatVector s = s0;
        if (L == 16) s = s0.blend(s1, SECOND_QUARTER).blend(s2.blend(s3, LAST_QUARTER), UPPER_HALF);
        else if (L == 8) s = s0.blend(s1, UPPER_HALF);
        return PanamaKernels.sumOf(s);
    }
}
