package dev.winnow.layers;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * Transposes 16 x 16 floats in the registers of AVX-512: four stages that exchange blocks of 8, 4, 2 and 1 lanes between rows as far
 * apart (Eklundh 1972). The first is done by loading: rows i and i + 8 read half a row apart and blended. After it the upper and the
 * lower eight rows of the result are independent, so eight rows are in registers at a time; all sixteen at once are as fast, but
 * outgrow what C1 can compile. Each other exchange is one vpermt2d.
 */
final class Transpose16 {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_512;
    private static final VectorSpecies<Integer> I = IntVector.SPECIES_512;
    private static final VectorMask<Float> UPPER = VectorMask.fromLong(F, 0xff00);
    private static final IntVector LOW4 = exchange(4, 0);
    private static final IntVector HIGH4 = exchange(4, 4);
    private static final IntVector LOW2 = exchange(2, 0);
    private static final IntVector HIGH2 = exchange(2, 2);
    private static final IntVector LOW1 = exchange(1, 0);
    private static final IntVector HIGH1 = exchange(1, 1);

    private Transpose16() {}

    /** Lanes 0 .. d - 1 (or, shifted, d .. 2d - 1) of each 2d lanes of a first vector, followed by the same lanes of a second. */
    private static IntVector exchange(int d, int shift) {
        int[] lanes = new int[16];
        for (int i = 0; i < 16; i++) {
            int in = i % (2 * d);
            lanes[i] = i - in + shift + (in < d ? in : 16 + in - d);
        }
        return IntVector.fromArray(I, lanes, 0);
    }

    /** {@code target[to + i * width + j] = source[at + j * stride + i]} for i, j &lt; 16. */
    static void transpose(float[] source, int at, int stride, float[] target, int to, int width) {
        for (int half = 0; half < 16; half += 8) {
            int low = at + half;
            int high = at + 8 * stride + half - 8;
            int row = to + half * width;
            IntVector r0 = FloatVector.fromArray(F, source, low)
                    .blend(FloatVector.fromArray(F, source, high), UPPER).reinterpretAsInts();
            IntVector r1 = FloatVector.fromArray(F, source, low + stride)
                    .blend(FloatVector.fromArray(F, source, high + stride), UPPER).reinterpretAsInts();
            IntVector r2 = FloatVector.fromArray(F, source, low + 2 * stride)
                    .blend(FloatVector.fromArray(F, source, high + 2 * stride), UPPER).reinterpretAsInts();
            IntVector r3 = FloatVector.fromArray(F, source, low + 3 * stride)
                    .blend(FloatVector.fromArray(F, source, high + 3 * stride), UPPER).reinterpretAsInts();
            IntVector r4 = FloatVector.fromArray(F, source, low + 4 * stride)
                    .blend(FloatVector.fromArray(F, source, high + 4 * stride), UPPER).reinterpretAsInts();
            IntVector r5 = FloatVector.fromArray(F, source, low + 5 * stride)
                    .blend(FloatVector.fromArray(F, source, high + 5 * stride), UPPER).reinterpretAsInts();
            IntVector r6 = FloatVector.fromArray(F, source, low + 6 * stride)
                    .blend(FloatVector.fromArray(F, source, high + 6 * stride), UPPER).reinterpretAsInts();
            IntVector r7 = FloatVector.fromArray(F, source, low + 7 * stride)
                    .blend(FloatVector.fromArray(F, source, high + 7 * stride), UPPER).reinterpretAsInts();
            IntVector s0 = LOW4.selectFrom(r0, r4);
            IntVector s4 = HIGH4.selectFrom(r0, r4);
            IntVector s1 = LOW4.selectFrom(r1, r5);
            IntVector s5 = HIGH4.selectFrom(r1, r5);
            IntVector s2 = LOW4.selectFrom(r2, r6);
            IntVector s6 = HIGH4.selectFrom(r2, r6);
            IntVector s3 = LOW4.selectFrom(r3, r7);
            IntVector s7 = HIGH4.selectFrom(r3, r7);
            IntVector t0 = LOW2.selectFrom(s0, s2);
            IntVector t2 = HIGH2.selectFrom(s0, s2);
            IntVector t1 = LOW2.selectFrom(s1, s3);
            IntVector t3 = HIGH2.selectFrom(s1, s3);
            IntVector t4 = LOW2.selectFrom(s4, s6);
            IntVector t6 = HIGH2.selectFrom(s4, s6);
            IntVector t5 = LOW2.selectFrom(s5, s7);
            IntVector t7 = HIGH2.selectFrom(s5, s7);
            IntVector u0 = LOW1.selectFrom(t0, t1);
            IntVector u1 = HIGH1.selectFrom(t0, t1);
            IntVector u2 = LOW1.selectFrom(t2, t3);
            IntVector u3 = HIGH1.selectFrom(t2, t3);
            IntVector u4 = LOW1.selectFrom(t4, t5);
            IntVector u5 = HIGH1.selectFrom(t4, t5);
            IntVector u6 = LOW1.selectFrom(t6, t7);
            IntVector u7 = HIGH1.selectFrom(t6, t7);
            u0.reinterpretAsFloats().intoArray(target, row);
            u1.reinterpretAsFloats().intoArray(target, row + width);
            u2.reinterpretAsFloats().intoArray(target, row + 2 * width);
            u3.reinterpretAsFloats().intoArray(target, row + 3 * width);
            u4.reinterpretAsFloats().intoArray(target, row + 4 * width);
            u5.reinterpretAsFloats().intoArray(target, row + 5 * width);
            u6.reinterpretAsFloats().intoArray(target, row + 6 * width);
            u7.reinterpretAsFloats().intoArray(target, row + 7 * width);
        }
    }
}
