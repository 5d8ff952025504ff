package dev.winnow.layers;

import dev.winnow.weights.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Rows of a stored weight times one vector (decode), where memory should set the pace. Rows are first copied to an array that stays in
 * the core's cache, and multiplied from there, several at a time so that they share the loads of x. The copy costs little: it is what
 * brings the rows from memory, faster than a loop that computes can (Java has no prefetch instruction), and loops over arrays compile
 * to far fewer instructions than loops over segments, whose bounds are checked with 64-bit arithmetic.
 *
 * <p>Scratch of one thread.
 */
final class StagedRows {
    private static final VectorSpecies<Float> F = PanamaKernels.F;
    private static final VectorSpecies<Integer> I = PanamaKernels.I;
    private static final int L = F.length();
    /** As many bytes as F has lanes; there are no vectors of four. */
    private static final VectorSpecies<Byte> B = VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, 8 * L)));
    private static final VectorShuffle<Float> EVEN = VectorShuffle.makeUnzip(F, 0);
    private static final VectorShuffle<Float> ODD = VectorShuffle.makeUnzip(F, 1);
    private static final ValueLayout.OfInt WORDS = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORTS = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int BLOCK = 32;
    /** Bytes staged at a time, a part of the second-level cache. */
    private static final int STAGE = 1 << 16;
    /**
     * An f16 moved to the places of an f32 is 2^-112 times too small. Half of that is made good in x and half in the sum, so that
     * neither leaves the range of floats.
     */
    private static final float HALF_WAY = 0x1p56f;
    /** Sign, the five bits of the exponent and the ten of the significand, moved there. */
    private static final int F16_BITS = 0x8fffe000;
    private static final int BF16_BITS = 0xffff0000;

    private int[] words = {};
    private byte[] codes = {};
    private short[] halves = {};
    private float[] scales = {};
    private float[] even = {};
    private float[] odd = {};
    private float[] sums = {};

    /** Whether this is the way for rows of so many elements of a type. */
    static boolean takes(DType dtype, int in) {
        return switch (dtype) {
            case F16, BF16 -> in % 2 == 0;
            case Q8_0, Q4_0 -> L >= 8;
            default -> false;
        };
    }

    /** {@code y[yOffset + j] = W[row + j] . x} for j &lt; rows. */
    void dot(MemorySegment weight, DType dtype, int in, int row, int rows, float[] x, int xOffset, float[] y, int yOffset) {
        if (dtype.isBlocked()) blocks(weight, dtype, in, row, rows, x, xOffset, y, yOffset);
        else halves(weight, dtype, in, row, rows, x, xOffset, y, yOffset);
    }

    private void halves(MemorySegment weight, DType dtype, int in, int row, int rows, float[] x, int xOffset, float[] y, int yOffset) {
        int half = in / 2;
        unzip(x, xOffset, half, dtype == DType.F16 ? HALF_WAY : 1f);
        int most = Math.max(2, STAGE / Math.max(1, 2 * in) & ~1);
        if (words.length < most * half) words = new int[most * half];
        for (int from = 0; from < rows; from += most) {
            int n = Math.min(most, rows - from);
            MemorySegment.copy(weight, WORDS, 2L * in * (row + from), words, 0, n * half);
            for (int r = 0; r < n; r += 2) {
                int next = Math.min(1, n - 1 - r);
                if (dtype == DType.F16) twoF16(words, r * half, half, next, F16_BITS, even, odd, y, yOffset + from + r);
                else twoBF16(words, r * half, half, next, BF16_BITS, even, odd, y, yOffset + from + r);
            }
        }
    }

    /** Splits x, times a factor, into its even and odd elements, because one word holds a pair of them. */
    private void unzip(float[] x, int offset, int half, float factor) {
        if (even.length < half) {
            even = new float[half];
            odd = new float[half];
        }
        int p = 0;
        for (; p <= half - L; p += L) {
            FloatVector u = FloatVector.fromArray(F, x, offset + 2 * p).mul(factor);
            FloatVector v = FloatVector.fromArray(F, x, offset + 2 * p + L).mul(factor);
            u.rearrange(EVEN, v).intoArray(even, p);
            u.rearrange(ODD, v).intoArray(odd, p);
        }
        for (; p < half; p++) {
            even[p] = x[offset + 2 * p] * factor;
            odd[p] = x[offset + 2 * p + 1] * factor;
        }
    }

    // Two rows of pairs of 16-bit elements, or one row twice. More rows would share the loads of x better, but C2 unrolls the loop until
    // sums no longer fit the registers. Masks are arguments because C2 loads constants anew each time.

    /** A bf16 is an f32 cut to its upper half: a shift or a mask widens it. */
    private static void twoBF16(int[] w, int at, int half, int next, int mask, float[] even, float[] odd, float[] y, int yi) {
        int second = at + next * half;
        IntVector upper = IntVector.broadcast(I, mask);
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = s0;
        FloatVector t0 = s0;
        FloatVector t1 = s0;
        int p = 0;
        for (; p <= half - L; p += L) {
            FloatVector u = FloatVector.fromArray(F, even, p);
            FloatVector v = FloatVector.fromArray(F, odd, p);
            IntVector w0 = IntVector.fromArray(I, w, at + p);
            s0 = w0.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(u, s0);
            t0 = w0.and(upper).reinterpretAsFloats().fma(v, t0);
            IntVector w1 = IntVector.fromArray(I, w, second + p);
            s1 = w1.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(u, s1);
            t1 = w1.and(upper).reinterpretAsFloats().fma(v, t1);
        }
        y[yi] = PanamaKernels.sumOf(s0.add(t0)) + restBF16(w, at, p, half, even, odd);
        y[yi + next] = PanamaKernels.sumOf(s1.add(t1)) + restBF16(w, second, p, half, even, odd);
    }

    private static float restBF16(int[] w, int at, int from, int to, float[] even, float[] odd) {
        float sum = 0;
        for (int p = from; p < to; p++) {
            sum += Float.intBitsToFloat(w[at + p] << 16) * even[p] + Float.intBitsToFloat(w[at + p] & BF16_BITS) * odd[p];
        }
        return sum;
    }

    /** Infinities and NaNs, which no weight should hold, count as numbers from 2^16 on. */
    private static void twoF16(int[] w, int at, int half, int next, int mask, float[] even, float[] odd, float[] y, int yi) {
        int second = at + next * half;
        IntVector bits = IntVector.broadcast(I, mask);
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = s0;
        FloatVector t0 = s0;
        FloatVector t1 = s0;
        int p = 0;
        for (; p <= half - L; p += L) {
            FloatVector u = FloatVector.fromArray(F, even, p);
            FloatVector v = FloatVector.fromArray(F, odd, p);
            IntVector w0 = IntVector.fromArray(I, w, at + p);
            s0 = w0.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 3).and(bits).reinterpretAsFloats().fma(u, s0);
            t0 = w0.lanewise(VectorOperators.ASHR, 3).and(bits).reinterpretAsFloats().fma(v, t0);
            IntVector w1 = IntVector.fromArray(I, w, second + p);
            s1 = w1.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 3).and(bits).reinterpretAsFloats().fma(u, s1);
            t1 = w1.lanewise(VectorOperators.ASHR, 3).and(bits).reinterpretAsFloats().fma(v, t1);
        }
        y[yi] = (PanamaKernels.sumOf(s0.add(t0)) + restF16(w, at, p, half, even, odd)) * HALF_WAY;
        y[yi + next] = (PanamaKernels.sumOf(s1.add(t1)) + restF16(w, second, p, half, even, odd)) * HALF_WAY;
    }

    private static float restF16(int[] w, int at, int from, int to, float[] even, float[] odd) {
        float sum = 0;
        for (int p = from; p < to; p++) {
            sum += Float.intBitsToFloat(w[at + p] << 16 >> 3 & F16_BITS) * even[p] + Float.intBitsToFloat(w[at + p] >> 3 & F16_BITS) * odd[p];
        }
        return sum;
    }

    private void blocks(MemorySegment weight, DType dtype, int in, int row, int rows, float[] x, int xOffset, float[] y, int yOffset) {
        int perRow = in / BLOCK;
        int rowBytes = perRow * (dtype.blockBytes() - DType.SCALE_BYTES);
        int most = Math.max(2, STAGE / Math.max(1, rowBytes) & ~1);
        if (codes.length < most * rowBytes) codes = new byte[most * rowBytes];
        if (dtype == DType.Q4_0) sumBlocks(x, xOffset, perRow);
        long scalesAt = ScalarKernels.scales(weight, dtype);
        for (int from = 0; from < rows; from += most) {
            int n = Math.min(most, rows - from);
            MemorySegment.copy(weight, ValueLayout.JAVA_BYTE, (long) rowBytes * (row + from), codes, 0, n * rowBytes);
            stageScales(weight, scalesAt + (long) DType.SCALE_BYTES * perRow * (row + from), n * perRow);
            if (dtype == DType.Q4_0) {
                for (int r = 0; r < n; r++) {
                    y[yOffset + from + r] = oneQ4(codes, r * rowBytes, scales, r * perRow, perRow, x, xOffset, sums);
                }
            } else {
                for (int r = 0; r < n; r += 2) {
                    twoQ8(codes, r * rowBytes, scales, r * perRow, perRow, Math.min(1, n - 1 - r), x, xOffset, y, yOffset + from + r);
                }
            }
        }
    }

    /** Widens scales; C2 turns the loop into vcvtph2ps, for which the Vector API has no name yet. */
    private void stageScales(MemorySegment weight, long at, int n) {
        if (scales.length < n) {
            scales = new float[n];
            halves = new short[n];
        }
        MemorySegment.copy(weight, SHORTS, at, halves, 0, n);
        for (int i = 0; i < n; i++) scales[i] = Float.float16ToFloat(halves[i]);
    }

    /** The sum of each block of x. */
    private void sumBlocks(float[] x, int offset, int blocks) {
        if (sums.length < blocks) sums = new float[blocks];
        for (int b = 0; b < blocks; b++) {
            FloatVector s = FloatVector.fromArray(F, x, offset + b * BLOCK);
            for (int i = L; i < BLOCK; i += L) s = s.add(FloatVector.fromArray(F, x, offset + b * BLOCK + i));
            sums[b] = PanamaKernels.sumOf(s);
        }
    }

    /**
     * Two rows of bytes (or one, twice), each block summed first and scaled once: vpmovsxbd, vcvtdq2ps and a multiply-add for each
     * vector. x is not rounded to bytes as for an integer dot product, of which the Vector API has none.
     */
    private static void twoQ8(byte[] w, int at, float[] scales, int scale, int blocks, int next, float[] x, int xi, float[] y, int yi) {
        int second = at + next * blocks * BLOCK;
        int scale1 = scale + next * blocks;
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = s0;
        for (int b = 0; b < blocks; b++) {
            int p = b * BLOCK;
            FloatVector v = FloatVector.fromArray(F, x, xi + p);
            FloatVector b0 = ((FloatVector) ByteVector.fromArray(B, w, at + p).convertShape(VectorOperators.B2F, F, 0)).mul(v);
            FloatVector b1 = ((FloatVector) ByteVector.fromArray(B, w, second + p).convertShape(VectorOperators.B2F, F, 0)).mul(v);
            for (int i = L; i < BLOCK; i += L) {
                v = FloatVector.fromArray(F, x, xi + p + i);
                b0 = ((FloatVector) ByteVector.fromArray(B, w, at + p + i).convertShape(VectorOperators.B2F, F, 0)).fma(v, b0);
                b1 = ((FloatVector) ByteVector.fromArray(B, w, second + p + i).convertShape(VectorOperators.B2F, F, 0)).fma(v, b1);
            }
            s0 = b0.fma(FloatVector.broadcast(F, scales[scale + b]), s0);
            s1 = b1.fma(FloatVector.broadcast(F, scales[scale1 + b]), s1);
        }
        y[yi] = PanamaKernels.sumOf(s0);
        y[yi + next] = PanamaKernels.sumOf(s1);
    }

    /** A row of half bytes. The 8 that each code is too high is taken off a block at a time, by the sums of x. */
    private static float oneQ4(byte[] w, int at, float[] scales, int scale, int blocks, float[] x, int xi, float[] sums) {
        FloatVector s = FloatVector.zero(F);
        float high = 0;
        for (int b = 0; b < blocks; b++) {
            int p = b * BLOCK;
            FloatVector b0 = FloatVector.zero(F);
            FloatVector b1 = b0;
            for (int i = 0; i < BLOCK / 2; i += L) {
                IntVector c = (IntVector) ByteVector.fromArray(B, w, at + p / 2 + i).convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0);
                b0 = ((FloatVector) c.and(15).convert(VectorOperators.I2F, 0)).fma(FloatVector.fromArray(F, x, xi + p + i), b0);
                b1 = ((FloatVector) c.lanewise(VectorOperators.LSHR, 4).convert(VectorOperators.I2F, 0))
                        .fma(FloatVector.fromArray(F, x, xi + p + BLOCK / 2 + i), b1);
            }
            s = b0.add(b1).fma(FloatVector.broadcast(F, scales[scale + b]), s);
            high += scales[scale + b] * sums[b];
        }
        return PanamaKernels.sumOf(s) - 8 * high;
    }
}
