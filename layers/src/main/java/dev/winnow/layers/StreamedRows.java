package dev.winnow.layers;

import dev.winnow.weights.BlockMatrix;
import dev.winnow.weights.DType;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Rows of a stored weight times one vector (decode), or two, where memory should set the pace: one row after the other, straight from
 * where they are stored, so that the processor sees a single stream to prefetch. Several rows at a time, or a copy to cache first, were
 * each a third slower. Offsets are sums of a long that stays the same in the loop and a multiple of its int counter: of those C2 checks the
 * bounds before the loop.
 */
final class StreamedRows {
    private static final VectorSpecies<Float> F = PanamaKernels.F;
    private static final VectorSpecies<Integer> I = PanamaKernels.I;
    private static final int L = F.length();
    private static final VectorShuffle<Float> EVEN = VectorShuffle.makeUnzip(F, 0);
    private static final VectorShuffle<Float> ODD = VectorShuffle.makeUnzip(F, 1);
    /** For so many vectors a row that the first has brought to cache is read again faster than it is widened for all. */
    private static final int FEW = 2;
    /**
     * An f16 moved to the places of an f32 is 2^-112 times too small. Half of that is made good in x and half in the sum, so that
     * neither leaves the range of floats.
     */
    private static final float HALF_WAY = 0x1p56f;
    /** Sign, the five bits of the exponent and the ten of the significand, moved there. */
    private static final int F16_BITS = 0x8fffe000;
    private static final int BF16_BITS = 0xffff0000;

    private StreamedRows() {}

    /** Whether this is the way for rows of so many elements of a type and so many vectors. */
    static boolean takes(DType dtype, int in, int count) {
        return switch (dtype) {
            case F16, BF16 -> in % 2 == 0 && count <= FEW;
            default -> false;
        };
    }

    /** Splits each x, times a factor, into its even and odd elements, because one word of a row holds a pair of them. */
    static void prepare(DType dtype, int in, FewVectors vectors) {
        int half = in / 2;
        if (vectors.even.length < vectors.count * half) {
            vectors.even = new float[vectors.count * half];
            vectors.odd = new float[vectors.count * half];
        }
        float factor = dtype == DType.F16 ? HALF_WAY : 1f;
        for (int i = 0; i < vectors.count; i++) unzip(vectors.x, vectors.at(i), vectors.even, vectors.odd, i * half, half, factor);
    }

    /** {@code y[yOffset + i * yStride + j] = W[row + j] . x[i]} for j &lt; rows and each vector i. */
    static void dot(MemorySegment weight, DType dtype, int in, int row, int rows, FewVectors vectors, float[] y, int yOffset, int yStride) {
        int half = in / 2;
        float[] even = vectors.even;
        float[] odd = vectors.odd;
        for (int j = 0; j < rows; j++) {
            long at = 2L * in * (row + j);
            // the first vector brings the row to cache
            for (int i = 0; i < vectors.count; i++) {
                y[yOffset + i * yStride + j] = dtype == DType.F16 ? dotF16(weight, at, half, F16_BITS, even, odd, i * half) * HALF_WAY
                        : dotBF16(weight, at, half, BF16_BITS, even, odd, i * half);
            }
        }
    }

    private static void unzip(float[] x, int offset, float[] even, float[] odd, int to, int half, float factor) {
        int p = 0;
        for (; p <= half - L; p += L) {
            FloatVector u = FloatVector.fromArray(F, x, offset + 2 * p).mul(factor);
            FloatVector v = FloatVector.fromArray(F, x, offset + 2 * p + L).mul(factor);
            u.rearrange(EVEN, v).intoArray(even, to + p);
            u.rearrange(ODD, v).intoArray(odd, to + p);
        }
        for (; p < half; p++) {
            even[to + p] = x[offset + 2 * p] * factor;
            odd[to + p] = x[offset + 2 * p + 1] * factor;
        }
    }

    // Masks are arguments because C2 loads a constant vector anew each time it is used.

    /** A bf16 is an f32 cut to its upper half: vpslld or vpand widens it. */
    private static float dotBF16(MemorySegment w, long at, int half, int mask, float[] even, float[] odd, int xi) {
        IntVector upper = IntVector.broadcast(I, mask);
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = s0;
        FloatVector t0 = s0;
        FloatVector t1 = s0;
        int p = 0;
        for (; p <= half - 2 * L; p += 2 * L) {
            IntVector w0 = IntVector.fromMemorySegment(I, w, at + 4L * p, ByteOrder.LITTLE_ENDIAN);
            s0 = w0.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(FloatVector.fromArray(F, even, xi + p), s0);
            t0 = w0.and(upper).reinterpretAsFloats().fma(FloatVector.fromArray(F, odd, xi + p), t0);
            IntVector w1 = IntVector.fromMemorySegment(I, w, at + 4L * p + 4L * L, ByteOrder.LITTLE_ENDIAN);
            s1 = w1.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().fma(FloatVector.fromArray(F, even, xi + p + L), s1);
            t1 = w1.and(upper).reinterpretAsFloats().fma(FloatVector.fromArray(F, odd, xi + p + L), t1);
        }
        float sum = PanamaKernels.sumOf(s0.add(t0).add(s1.add(t1)));
        for (; p < half; p++) {
            int pair = w.get(BlockMatrix.WORDS, at + 4L * p);
            sum += Float.intBitsToFloat(pair << 16) * even[xi + p] + Float.intBitsToFloat(pair & BF16_BITS) * odd[xi + p];
        }
        return sum;
    }

    /** Infinities and NaNs, which no weight should hold, count as numbers from 2^16 on. */
    private static float dotF16(MemorySegment w, long at, int half, int mask, float[] even, float[] odd, int xi) {
        IntVector bits = IntVector.broadcast(I, mask);
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = s0;
        FloatVector t0 = s0;
        FloatVector t1 = s0;
        int p = 0;
        for (; p <= half - 2 * L; p += 2 * L) {
            IntVector w0 = IntVector.fromMemorySegment(I, w, at + 4L * p, ByteOrder.LITTLE_ENDIAN);
            s0 = w0.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 3).and(bits).reinterpretAsFloats()
                    .fma(FloatVector.fromArray(F, even, xi + p), s0);
            t0 = w0.lanewise(VectorOperators.ASHR, 3).and(bits).reinterpretAsFloats().fma(FloatVector.fromArray(F, odd, xi + p), t0);
            IntVector w1 = IntVector.fromMemorySegment(I, w, at + 4L * p + 4L * L, ByteOrder.LITTLE_ENDIAN);
            s1 = w1.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 3).and(bits).reinterpretAsFloats()
                    .fma(FloatVector.fromArray(F, even, xi + p + L), s1);
            t1 = w1.lanewise(VectorOperators.ASHR, 3).and(bits).reinterpretAsFloats().fma(FloatVector.fromArray(F, odd, xi + p + L), t1);
        }
        float sum = PanamaKernels.sumOf(s0.add(t0).add(s1.add(t1)));
        for (; p < half; p++) {
            int pair = w.get(BlockMatrix.WORDS, at + 4L * p);
            sum += Float.intBitsToFloat(pair << 16 >> 3 & F16_BITS) * even[xi + p]
                    + Float.intBitsToFloat(pair >> 3 & F16_BITS) * odd[xi + p];
        }
        return sum;
    }
}
