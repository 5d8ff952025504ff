package dev.winnow.layers;

import dev.winnow.weights.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Rows of a stored weight times one vector (decode), or two, where memory should set the pace: one row after the other, straight from
 * where they are stored, so that the processor sees a single stream to prefetch. Several rows at a time, or a copy to cache first, were
 * each a third slower. Offsets are sums of a long that stays the same in the loop and a multiple of its int counter: of those C2 checks the
 * bounds before the loop.
 *
 * <p>Scratch of one thread.
 */
final class StreamedRows {
    private static final VectorSpecies<Float> F = PanamaKernels.F;
    private static final VectorSpecies<Integer> I = PanamaKernels.I;
    private static final int L = F.length();
    private static final VectorShuffle<Float> EVEN = VectorShuffle.makeUnzip(F, 0);
    private static final VectorShuffle<Float> ODD = VectorShuffle.makeUnzip(F, 1);
    private static final ValueLayout.OfInt WORDS = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int BLOCK = PanamaKernels.BLOCK;
    /** Codes that are worked on at a time: two loads of bytes or one of half bytes. */
    private static final int STEP = 8 * L;
    private static final VectorMask<Float> UPPER_HALF = lanes(L / 2, L);
    private static final VectorMask<Float> SECOND_QUARTER = lanes(L / 4, L / 2);
    private static final VectorMask<Float> LAST_QUARTER = lanes(L - L / 4, L);
    /** For so many vectors a row that the first has brought to cache is read again faster than it is widened for all. */
    private static final int FEW = 2;
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
    /** Of each x. */
    private final float[][] ordered = new float[FEW][0];
    /** Of each x for each load what makes up for codes that are stored or taken out too high. */
    private final float[][] offsets = new float[FEW][0];

    private static VectorMask<Float> lanes(int from, int to) {
        return VectorMask.fromLong(F, (1L << to) - (1L << from));
    }

    /** Whether this is the way for rows of so many elements of a type and so many vectors. */
    static boolean takes(DType dtype, int in, int count) {
        return switch (dtype) {
            case F16, BF16 -> in % 2 == 0 && count <= FEW;
            case Q8_0, Q4_0 -> count <= FEW;
            default -> false;
        };
    }

    /** {@code y[yOffset + i * yStride + j] = W[row + j] . x[i]} for j &lt; rows, i &lt; count. */
    void dot(MemorySegment weight, DType dtype, int in, int row, int rows, float[] x, int xOffset, int xStride, int count,
             float[] y, int yOffset, int yStride) {
        if (dtype.isBlocked()) {
            blocks(weight, dtype, in, row, rows, x, xOffset, xStride, count, y, yOffset, yStride);
            return;
        }
        int half = in / 2;
        unzip(x, xOffset, xStride, count, half, dtype == DType.F16 ? HALF_WAY : 1f);
        for (int j = 0; j < rows; j++) {
            long at = 2L * in * (row + j);
            // the first vector brings the row to cache
            for (int i = 0; i < count; i++) {
                y[yOffset + i * yStride + j] = dtype == DType.F16 ? dotF16(weight, at, half, F16_BITS, even, odd, i * half) * HALF_WAY
                        : dotBF16(weight, at, half, BF16_BITS, even, odd, i * half);
            }
        }
    }

    /** Splits each x, times a factor, into its even and odd elements, because one word of a row holds a pair of them. */
    private void unzip(float[] x, int offset, int stride, int count, int half, float factor) {
        if (even.length < count * half) {
            even = new float[count * half];
            odd = new float[count * half];
        }
        for (int i = 0; i < count; i++) unzip(x, offset + i * stride, i * half, half, factor);
    }

    private void unzip(float[] x, int offset, int to, int half, float factor) {
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
            int pair = w.get(WORDS, at + 4L * p);
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
            int pair = w.get(WORDS, at + 4L * p);
            sum += Float.intBitsToFloat(pair << 16 >> 3 & F16_BITS) * even[xi + p]
                    + Float.intBitsToFloat(pair >> 3 & F16_BITS) * odd[xi + p];
        }
        return sum;
    }

    private void blocks(MemorySegment weight, DType dtype, int in, int row, int rows, float[] x, int xOffset, int xStride, int count,
                        float[] y, int yOffset, int yStride) {
        int perRow = in / BLOCK;
        long rowBytes = (long) perRow * (dtype.blockBytes() - DType.SCALE_BYTES);
        int steps = in / STEP;
        reserve(steps);
        for (int i = 0; i < count; i++) {
            if (dtype == DType.Q8_0) orderForBytes(x, xOffset + i * xStride, steps, ordered[i], offsets[i]);
            else orderForHalfBytes(x, xOffset + i * xStride, steps, ordered[i], offsets[i]);
        }
        int most = Math.max(1, SCALES / Math.max(1, perRow));
        for (int from = 0; from < rows; from += most) {
            int n = Math.min(most, rows - from);
            float[] scales = blockScales.read(weight, dtype, (long) perRow * (row + from), n * perRow);
            for (int r = 0; r < n; r++) {
                long at = rowBytes * (row + from + r);
                for (int i = 0; i < count; i++) {
                    float sum = dtype == DType.Q8_0
                            ? dotQ8(weight, at, scales, r * perRow, steps, ordered[i], offsets[i], 0x80808080, 0xff, 0xff00)
                            : dotQ4(weight, at, scales, r * perRow, steps, ordered[i], offsets[i], 0xf, 0xf0, 0xf00, 0xf000);
                    for (int p = steps * STEP; p < in; p++) {
                        sum += ScalarKernels.read(weight, dtype, (long) in * (row + from + r) + p) * x[xOffset + i * xStride + p];
                    }
                    y[yOffset + i * yStride + from + r] = sum;
                }
            }
        }
    }

    /** Room for each x in the order of the codes and for two vectors of offsets a step. */
    private void reserve(int steps) {
        if (ordered[0].length >= steps * STEP) return;
        for (int i = 0; i < FEW; i++) {
            ordered[i] = new float[steps * STEP];
            offsets[i] = new float[2 * steps * L];
        }
    }

    /**
     * x in the order in which {@link #dotQ8} takes codes out of its loads: of each all first bytes of its words, all second ones and so
     * on, each divided by the power of two that the place of the byte multiplies it with.
     */
    private static void orderForBytes(float[] x, int offset, int steps, float[] ordered, float[] offsets) {
        for (int k = 0; k < 2 * steps; k++) {
            int at = offset + k * 4 * L;
            spread(x, at, at + L, at + 2 * L, at + 3 * L, ordered, k * 4 * L, L, 1f).mul(-128f).intoArray(offsets, k * L);
        }
    }

    /** The same for {@link #dotQ4}. The low halves of a block's 16 bytes are its first 16 elements, the high halves the others. */
    private static void orderForHalfBytes(float[] x, int offset, int steps, float[] ordered, float[] offsets) {
        for (int k = 0; k < steps; k++) {
            int at = offset + k * STEP;
            int v1 = at + L / 16 * BLOCK + L % 16;
            int v2 = at + 2 * L / 16 * BLOCK + 2 * L % 16;
            int v3 = at + 3 * L / 16 * BLOCK + 3 * L % 16;
            FloatVector low = spread(x, at, v1, v2, v3, ordered, k * STEP, 2 * L, 1f);
            FloatVector high = spread(x, at + 16, v1 + 16, v2 + 16, v3 + 16, ordered, k * STEP + L, 2 * L, 0x1p-4f);
            low.add(high).mul(-8f).intoArray(offsets, k * L);
        }
    }

    /**
     * The first of each four neighbours in four vectors of x, then the second of each and so on, to vectors of ordered that lie so far
     * apart: all times a factor, the second and the fourth times 2^-8 more. Returns the sums of the fours.
     */
    private static FloatVector spread(float[] x, int v0, int v1, int v2, int v3, float[] ordered, int to, int apart, float factor) {
        FloatVector a = FloatVector.fromArray(F, x, v0);
        FloatVector b = FloatVector.fromArray(F, x, v1);
        FloatVector c = FloatVector.fromArray(F, x, v2);
        FloatVector d = FloatVector.fromArray(F, x, v3);
        FloatVector even0 = a.rearrange(EVEN, b);
        FloatVector odd0 = a.rearrange(ODD, b);
        FloatVector even1 = c.rearrange(EVEN, d);
        FloatVector odd1 = c.rearrange(ODD, d);
        FloatVector x0 = even0.rearrange(EVEN, even1);
        FloatVector x1 = odd0.rearrange(EVEN, odd1);
        FloatVector x2 = even0.rearrange(ODD, even1);
        FloatVector x3 = odd0.rearrange(ODD, odd1);
        x0.mul(factor).intoArray(ordered, to);
        x1.mul(factor * 0x1p-8f).intoArray(ordered, to + apart);
        x2.mul(factor).intoArray(ordered, to + 2 * apart);
        x3.mul(factor * 0x1p-8f).intoArray(ordered, to + 3 * apart);
        return x0.add(x1).add(x2.add(x3));
    }

    // Codes are never widened: vpand takes one of each word's out where it stands, vcvtdq2ps makes a float of it that is 2^4, 2^8 or
    // 2^12 times too large, and vfmadd231ps multiplies it with an x that was divided by as much: 3 instructions for each vector. The
    // number of instructions is what counts: a core whose other thread is busy, as those of a cloud mostly are, takes 3 a cycle. So
    // masks are few, since C2 reloads those that it has no register for, and the upper halves of words use those of the lower.

    /**
     * A row of bytes, four in each lane of a load, made positive by adding 128 (vpxor) and 128 times x taken off again by what the sums
     * of a load start with. x is not rounded to bytes as for an integer dot product, of which the Vector API has none.
     *
     * <p>A load of 16 lanes holds two blocks: each has a sum of its own, of which in the end that block's lanes are kept.
     */
    private static float dotQ8(MemorySegment w, long at, float[] scales, int scale, int steps, float[] x, float[] offsets,
                               int signs, int mask0, int mask1) {
        IntVector flip = IntVector.broadcast(I, signs);
        IntVector m0 = IntVector.broadcast(I, mask0);
        IntVector m1 = IntVector.broadcast(I, mask1);
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        // two loads at a time: C2 would unroll a loop of one four times and have no registers left for the masks
        for (int k = 0; k < steps; k++) {
            int p = k * STEP;
            IntVector c = IntVector.fromMemorySegment(I, w, at + 8L * L * k, ByteOrder.LITTLE_ENDIAN).lanewise(VectorOperators.XOR, flip);
            FloatVector v = ((FloatVector) c.and(m0).convert(VectorOperators.I2F, 0))
                    .fma(FloatVector.fromArray(F, x, p), FloatVector.fromArray(F, offsets, 2 * k * L));
            v = ((FloatVector) c.and(m1).convert(VectorOperators.I2F, 0)).fma(FloatVector.fromArray(F, x, p + L), v);
            c = c.lanewise(VectorOperators.LSHR, 16);
            v = ((FloatVector) c.and(m0).convert(VectorOperators.I2F, 0)).fma(FloatVector.fromArray(F, x, p + 2 * L), v);
            v = ((FloatVector) c.and(m1).convert(VectorOperators.I2F, 0)).fma(FloatVector.fromArray(F, x, p + 3 * L), v);
            IntVector d = IntVector.fromMemorySegment(I, w, at + 8L * L * k + 4L * L, ByteOrder.LITTLE_ENDIAN)
                    .lanewise(VectorOperators.XOR, flip);
            FloatVector u = ((FloatVector) d.and(m0).convert(VectorOperators.I2F, 0))
                    .fma(FloatVector.fromArray(F, x, p + 4 * L), FloatVector.fromArray(F, offsets, 2 * k * L + L));
            u = ((FloatVector) d.and(m1).convert(VectorOperators.I2F, 0)).fma(FloatVector.fromArray(F, x, p + 5 * L), u);
            d = d.lanewise(VectorOperators.LSHR, 16);
            u = ((FloatVector) d.and(m0).convert(VectorOperators.I2F, 0)).fma(FloatVector.fromArray(F, x, p + 6 * L), u);
            u = ((FloatVector) d.and(m1).convert(VectorOperators.I2F, 0)).fma(FloatVector.fromArray(F, x, p + 7 * L), u);
            int first = scale + k * (L / 4);
            s0 = v.fma(FloatVector.broadcast(F, scales[first]), s0);
            s1 = u.fma(FloatVector.broadcast(F, scales[first + L / 8]), s1);
            if (L == 16) s2 = v.fma(FloatVector.broadcast(F, scales[first + 1]), s2);
            if (L == 16) s3 = u.fma(FloatVector.broadcast(F, scales[first + 3]), s3);
        }
        return PanamaKernels.sumOf(L == 16 ? s0.add(s1).blend(s2.add(s3), UPPER_HALF) : s0.add(s1));
    }

    /** A row of half bytes, eight in each lane of a load; the 8 that each is too high is taken off like the 128 of bytes. */
    private static float dotQ4(MemorySegment w, long at, float[] scales, int scale, int steps, float[] x, float[] offsets,
                               int mask0, int mask1, int mask2, int mask3) {
        IntVector m0 = IntVector.broadcast(I, mask0);
        IntVector m1 = IntVector.broadcast(I, mask1);
        IntVector m2 = IntVector.broadcast(I, mask2);
        IntVector m3 = IntVector.broadcast(I, mask3);
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        for (int k = 0; k < steps; k++) {
            IntVector c = IntVector.fromMemorySegment(I, w, at + 4L * L * k, ByteOrder.LITTLE_ENDIAN);
            IntVector d = c.lanewise(VectorOperators.LSHR, 16);
            int p = k * STEP;
            // two chains: one of eight would leave too few of the next load's instructions in flight
            FloatVector v = ((FloatVector) c.and(m0).convert(VectorOperators.I2F, 0))
                    .fma(FloatVector.fromArray(F, x, p), FloatVector.fromArray(F, offsets, k * L));
            FloatVector u = ((FloatVector) d.and(m0).convert(VectorOperators.I2F, 0)).mul(FloatVector.fromArray(F, x, p + 4 * L));
            v = ((FloatVector) c.and(m1).convert(VectorOperators.I2F, 0)).fma(FloatVector.fromArray(F, x, p + L), v);
            u = ((FloatVector) d.and(m1).convert(VectorOperators.I2F, 0)).fma(FloatVector.fromArray(F, x, p + 5 * L), u);
            v = ((FloatVector) c.and(m2).convert(VectorOperators.I2F, 0)).fma(FloatVector.fromArray(F, x, p + 2 * L), v);
            u = ((FloatVector) d.and(m2).convert(VectorOperators.I2F, 0)).fma(FloatVector.fromArray(F, x, p + 6 * L), u);
            v = ((FloatVector) c.and(m3).convert(VectorOperators.I2F, 0)).fma(FloatVector.fromArray(F, x, p + 3 * L), v);
            u = ((FloatVector) d.and(m3).convert(VectorOperators.I2F, 0)).fma(FloatVector.fromArray(F, x, p + 7 * L), u);
            v = v.add(u);
            int first = scale + k * (L / 4);
            s0 = v.fma(FloatVector.broadcast(F, scales[first]), s0);
            if (L >= 8) s1 = v.fma(FloatVector.broadcast(F, scales[first + 1]), s1);
            if (L == 16) s2 = v.fma(FloatVector.broadcast(F, scales[first + 2]), s2);
            if (L == 16) s3 = v.fma(FloatVector.broadcast(F, scales[first + 3]), s3);
        }
        FloatVector s = s0;
        if (L == 16) s = s0.blend(s1, SECOND_QUARTER).blend(s2.blend(s3, LAST_QUARTER), UPPER_HALF);
        else if (L == 8) s = s0.blend(s1, UPPER_HALF);
        return PanamaKernels.sumOf(s);
    }
}
