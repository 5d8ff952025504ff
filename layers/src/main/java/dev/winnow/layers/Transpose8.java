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

    /**
     * {@code panel[to + p * PANEL_WIDTH + j] = source[at + j * stride + p]} for j &lt; 8 and p &lt; n, a multiple of 4, {@code stride} at
     * least 4. The loop is here, over strides that are constants, so that bounds are checked, and masks and shuffles made, before it: a
     * call for each 8 x 8 took four times as many instructions.
     */
    static void transpose(float[] source, int at, int stride, int n, float[] panel, int to) {
        int at1 = at + stride;
        int at2 = at1 + stride;
        int at3 = at2 + stride;
        // the upper lanes of a load four before are those of the lower lanes
        int at4 = at3 + stride - 4;
        int at5 = at4 + stride;
        int at6 = at5 + stride;
        int at7 = at6 + stride;
        for (int p = 0; p < n; p += 4) {
            FloatVector r0 = half(source, at + p, at4 + p);
            FloatVector r1 = half(source, at1 + p, at5 + p);
            FloatVector r2 = half(source, at2 + p, at6 + p);
            FloatVector r3 = half(source, at3 + p, at7 + p);
            FloatVector s0 = r0.blend(r2.rearrange(SWAP2), UPPER2);
            FloatVector s1 = r1.blend(r3.rearrange(SWAP2), UPPER2);
            FloatVector s2 = r0.rearrange(SWAP2).blend(r2, UPPER2);
            FloatVector s3 = r1.rearrange(SWAP2).blend(r3, UPPER2);
            int row = to + p * PanamaKernels.PANEL_WIDTH;
            s0.blend(s1.rearrange(SWAP1), UPPER1).intoArray(panel, row);
            s0.rearrange(SWAP1).blend(s1, UPPER1).intoArray(panel, row + PanamaKernels.PANEL_WIDTH);
            s2.blend(s3.rearrange(SWAP1), UPPER1).intoArray(panel, row + 2 * PanamaKernels.PANEL_WIDTH);
            s2.rearrange(SWAP1).blend(s3, UPPER1).intoArray(panel, row + 3 * PanamaKernels.PANEL_WIDTH);
        }
    }

    /** Lanes 0 to 3 from low on, 4 to 7 from high on. */
    private static FloatVector half(float[] source, int low, int high) {
        return FloatVector.fromArray(F, source, low).blend(FloatVector.fromArray(F, source, high), UPPER4);
    }
}
