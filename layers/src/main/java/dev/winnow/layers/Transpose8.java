package dev.winnow.layers;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link Transpose16} for the registers of AVX2: 8 x 8 floats in three stages that exchange blocks of 4, 2 and 1 lanes between rows as
 * far apart. The first is done by loading; each other exchange is one vpermps and one blend for each of its results.
 */
final class Transpose8 {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_256;
    private static final VectorMask<Float> UPPER4 = VectorMask.fromLong(F, 0b11110000);
    private static final VectorMask<Float> UPPER2 = VectorMask.fromLong(F, 0b11001100);
    private static final VectorMask<Float> UPPER1 = VectorMask.fromLong(F, 0b10101010);
    private static final VectorShuffle<Float> SWAP2 = VectorShuffle.fromOp(F, i -> i ^ 2);
    private static final VectorShuffle<Float> SWAP1 = VectorShuffle.fromOp(F, i -> i ^ 1);

    private Transpose8() {}

    /** {@code target[to + i * width + j] = source[at + j * stride + i]} for i, j &lt; 8. */
    static void transpose(float[] source, int at, int stride, float[] target, int to, int width) {
        for (int half = 0; half < 8; half += 4) {
            int low = at + half;
            int high = at + 4 * stride + half - 4;
            int row = to + half * width;
            FloatVector r0 = half(source, low, high);
            FloatVector r1 = half(source, low + stride, high + stride);
            FloatVector r2 = half(source, low + 2 * stride, high + 2 * stride);
            FloatVector r3 = half(source, low + 3 * stride, high + 3 * stride);
            FloatVector s0 = r0.blend(r2.rearrange(SWAP2), UPPER2);
            FloatVector s1 = r1.blend(r3.rearrange(SWAP2), UPPER2);
            FloatVector s2 = r0.rearrange(SWAP2).blend(r2, UPPER2);
            FloatVector s3 = r1.rearrange(SWAP2).blend(r3, UPPER2);
            s0.blend(s1.rearrange(SWAP1), UPPER1).intoArray(target, row);
            s0.rearrange(SWAP1).blend(s1, UPPER1).intoArray(target, row + width);
            s2.blend(s3.rearrange(SWAP1), UPPER1).intoArray(target, row + 2 * width);
            s2.rearrange(SWAP1).blend(s3, UPPER1).intoArray(target, row + 3 * width);
        }
    }

    /** Lanes 0 to 3 from low on, 4 to 7 from high on. */
    private static FloatVector half(float[] source, int low, int high) {
        return FloatVector.fromArray(F, source, low).blend(FloatVector.fromArray(F, source, high), UPPER4);
    }
}
