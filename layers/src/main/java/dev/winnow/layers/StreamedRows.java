package dev.winnow.layers;

import dev.winnow.weights.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Rows of a stored weight times one vector (decode), where memory should set the pace: one row after the other, straight from where
 * they are stored, so that the processor sees a single stream to prefetch. Several rows at a time, or a copy to cache first, were each
 * a third slower. Offsets are sums of a long that stays the same in the loop and a multiple of its int counter: of those C2 checks the
 * bounds before the loop.
 *
 * <p>Scratch of one thread.
 */
final class StreamedRows {
    private static final VectorSpecies<Float> F = PanamaKernels.F;
    private static final VectorSpecies<Integer> I = PanamaKernels.I;
    private static final int L = F.length();
    private static final VectorSpecies<Byte> B = PanamaKernels.B;
    private static final VectorShuffle<Float> EVEN = VectorShuffle.makeUnzip(F, 0);
    private static final VectorShuffle<Float> ODD = VectorShuffle.makeUnzip(F, 1);
    private static final ValueLayout.OfInt WORDS = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int BLOCK = PanamaKernels.BLOCK;
    /** Scales widened at a time. */
    private static final int SCALES = 4096;
    /**
     * An f16 moved to the places of an f32 is 2^-112 times too small. Half of that is made good in x and half in the sum, so that
     * neither leaves the range of floats.
     */
    private static final float HALF_WAY = 0x1p56f;
    /** Sign, the five bits of the exponent and the ten of the significand, moved there. */
    private static final int F16_BITS = 0x8fffe000;
    private static final int BF16_BITS = 0xffff0000;

    private final BlockScales blockScales = new BlockScales();
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
        if (dtype.isBlocked()) {
            blocks(weight, dtype, in, row, rows, x, xOffset, y, yOffset);
            return;
        }
        int half = in / 2;
        unzip(x, xOffset, half, dtype == DType.F16 ? HALF_WAY : 1f);
        for (int j = 0; j < rows; j++) {
            long at = 2L * in * (row + j);
            y[yOffset + j] = dtype == DType.F16 ? dotF16(weight, at, half, F16_BITS, even, odd) * HALF_WAY
                    : dotBF16(weight, at, half, BF16_BITS, even, odd);
        }
    }

    /** Splits x, times a factor, into its even and odd elements, because one word of a row holds a pair of them. */
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

    // Masks are arguments because C2 loads a constant vector anew each time it is used.

    /** A bf16 is an f32 cut to its upper half: vpslld or vpand widens it. */
    private static float dotBF16(MemorySegment w, long at, int half, int mask, float[] even, float[] odd) {
        IntVector upper = IntVector.broadcast(I, mask);
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = s0;
        FloatVector t0 = s0;
        FloatVector t1 = s0;
        int p = 0;
        for (; p <= half - 2 * L; p += 2 * L) {
            IntVector w0 = IntVector.fromMemorySegment(I, w, at + 4L * p, ByteOrder.LITTLE_ENDIAN);
            s0 = w0.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(FloatVector.fromArray(F, even, p), s0);
            t0 = w0.and(upper).reinterpretAsFloats().fma(FloatVector.fromArray(F, odd, p), t0);
            IntVector w1 = IntVector.fromMemorySegment(I, w, at + 4L * p + 4L * L, ByteOrder.LITTLE_ENDIAN);
            s1 = w1.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(FloatVector.fromArray(F, even, p + L), s1);
            t1 = w1.and(upper).reinterpretAsFloats().fma(FloatVector.fromArray(F, odd, p + L), t1);
        }
        float sum = PanamaKernels.sumOf(s0.add(t0).add(s1.add(t1)));
        for (; p < half; p++) {
            int pair = w.get(WORDS, at + 4L * p);
            sum += Float.intBitsToFloat(pair << 16) * even[p] + Float.intBitsToFloat(pair & BF16_BITS) * odd[p];
        }
        return sum;
    }

    /** Infinities and NaNs, which no weight should hold, count as numbers from 2^16 on. */
    private static float dotF16(MemorySegment w, long at, int half, int mask, float[] even, float[] odd) {
        IntVector bits = IntVector.broadcast(I, mask);
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = s0;
        FloatVector t0 = s0;
        FloatVector t1 = s0;
        int p = 0;
        for (; p <= half - 2 * L; p += 2 * L) {
            IntVector w0 = IntVector.fromMemorySegment(I, w, at + 4L * p, ByteOrder.LITTLE_ENDIAN);
            s0 = w0.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 3).and(bits).reinterpretAsFloats()
                    .fma(FloatVector.fromArray(F, even, p), s0);
            t0 = w0.lanewise(VectorOperators.ASHR, 3).and(bits).reinterpretAsFloats().fma(FloatVector.fromArray(F, odd, p), t0);
            IntVector w1 = IntVector.fromMemorySegment(I, w, at + 4L * p + 4L * L, ByteOrder.LITTLE_ENDIAN);
            s1 = w1.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 3).and(bits).reinterpretAsFloats()
                    .fma(FloatVector.fromArray(F, even, p + L), s1);
            t1 = w1.lanewise(VectorOperators.ASHR, 3).and(bits).reinterpretAsFloats().fma(FloatVector.fromArray(F, odd, p + L), t1);
        }
        float sum = PanamaKernels.sumOf(s0.add(t0).add(s1.add(t1)));
        for (; p < half; p++) {
            int pair = w.get(WORDS, at + 4L * p);
            sum += Float.intBitsToFloat(pair << 16 >> 3 & F16_BITS) * even[p] + Float.intBitsToFloat(pair >> 3 & F16_BITS) * odd[p];
        }
        return sum;
    }

    private void blocks(MemorySegment weight, DType dtype, int in, int row, int rows, float[] x, int xOffset, float[] y, int yOffset) {
        int perRow = in / BLOCK;
        long rowBytes = (long) perRow * (dtype.blockBytes() - DType.SCALE_BYTES);
        int most = Math.max(1, SCALES / Math.max(1, perRow));
        if (dtype == DType.Q4_0) sumBlocks(x, xOffset, perRow);
        for (int from = 0; from < rows; from += most) {
            int n = Math.min(most, rows - from);
            float[] scales = blockScales.read(weight, dtype, (long) perRow * (row + from), n * perRow);
            for (int r = 0; r < n; r++) {
                long at = rowBytes * (row + from + r);
                y[yOffset + from + r] = dtype == DType.Q8_0 ? dotQ8(weight, at, scales, r * perRow, perRow, x, xOffset)
                        : dotQ4(weight, at, scales, r * perRow, perRow, x, xOffset, sums);
            }
        }
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
     * A row of bytes, each block summed first and scaled once: vpmovsxbd, vcvtdq2ps and a multiply-add for each vector. x is not
     * rounded to bytes as for an integer dot product, of which the Vector API has none.
     */
    private static float dotQ8(MemorySegment w, long at, float[] scales, int scale, int blocks, float[] x, int xi) {
        FloatVector s = FloatVector.zero(F);
        for (int b = 0; b < blocks; b++) {
            int p = xi + b * BLOCK;
            FloatVector v = ((FloatVector) ByteVector.fromMemorySegment(B, w, at + 32L * b, ByteOrder.LITTLE_ENDIAN)
                    .convertShape(VectorOperators.B2F, F, 0)).mul(FloatVector.fromArray(F, x, p));
            for (int i = L; i < BLOCK; i += L) {
                v = ((FloatVector) ByteVector.fromMemorySegment(B, w, at + 32L * b + i, ByteOrder.LITTLE_ENDIAN)
                        .convertShape(VectorOperators.B2F, F, 0)).fma(FloatVector.fromArray(F, x, p + i), v);
            }
            s = v.fma(FloatVector.broadcast(F, scales[scale + b]), s);
        }
        return PanamaKernels.sumOf(s);
    }

    /** A row of half bytes. The 8 that each code is too high is taken off a block at a time, by the sums of x. */
    private static float dotQ4(MemorySegment w, long at, float[] scales, int scale, int blocks, float[] x, int xi, float[] sums) {
        FloatVector s = FloatVector.zero(F);
        float high = 0;
        for (int b = 0; b < blocks; b++) {
            int p = xi + b * BLOCK;
            FloatVector u = FloatVector.zero(F);
            FloatVector v = u;
            for (int i = 0; i < BLOCK / 2; i += L) {
                IntVector c = (IntVector) ByteVector.fromMemorySegment(B, w, at + 16L * b + i, ByteOrder.LITTLE_ENDIAN)
                        .convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0);
                u = ((FloatVector) c.and(15).convert(VectorOperators.I2F, 0)).fma(FloatVector.fromArray(F, x, p + i), u);
                v = ((FloatVector) c.lanewise(VectorOperators.LSHR, 4).convert(VectorOperators.I2F, 0))
                        .fma(FloatVector.fromArray(F, x, p + BLOCK / 2 + i), v);
            }
            s = u.add(v).fma(FloatVector.broadcast(F, scales[scale + b]), s);
            high += scales[scale + b] * sums[b];
        }
        return PanamaKernels.sumOf(s) - 8 * high;
    }
}
