package dev.winnow.layers;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Transposes 16 x 16 floats in the registers of AVX-512: four stages that exchange blocks of 8, 4, 2 and 1 lanes between rows as far
 * apart (Eklundh 1972). Each exchange is one vpermt2d; 16 rows and 8 index vectors stay within the 32 registers. Moving the elements
 * one by one takes five times as long.
 */
final class Transpose16 {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_512;
    private static final VectorSpecies<Integer> I = IntVector.SPECIES_512;
    private static final IntVector LOW8 = exchange(8, 0);
    private static final IntVector HIGH8 = exchange(8, 8);
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
        IntVector r0 = FloatVector.fromArray(F, source, at).reinterpretAsInts();
        IntVector r1 = FloatVector.fromArray(F, source, at + stride).reinterpretAsInts();
        IntVector r2 = FloatVector.fromArray(F, source, at + 2 * stride).reinterpretAsInts();
        IntVector r3 = FloatVector.fromArray(F, source, at + 3 * stride).reinterpretAsInts();
        IntVector r4 = FloatVector.fromArray(F, source, at + 4 * stride).reinterpretAsInts();
        IntVector r5 = FloatVector.fromArray(F, source, at + 5 * stride).reinterpretAsInts();
        IntVector r6 = FloatVector.fromArray(F, source, at + 6 * stride).reinterpretAsInts();
        IntVector r7 = FloatVector.fromArray(F, source, at + 7 * stride).reinterpretAsInts();
        IntVector r8 = FloatVector.fromArray(F, source, at + 8 * stride).reinterpretAsInts();
        IntVector r9 = FloatVector.fromArray(F, source, at + 9 * stride).reinterpretAsInts();
        IntVector r10 = FloatVector.fromArray(F, source, at + 10 * stride).reinterpretAsInts();
        IntVector r11 = FloatVector.fromArray(F, source, at + 11 * stride).reinterpretAsInts();
        IntVector r12 = FloatVector.fromArray(F, source, at + 12 * stride).reinterpretAsInts();
        IntVector r13 = FloatVector.fromArray(F, source, at + 13 * stride).reinterpretAsInts();
        IntVector r14 = FloatVector.fromArray(F, source, at + 14 * stride).reinterpretAsInts();
        IntVector r15 = FloatVector.fromArray(F, source, at + 15 * stride).reinterpretAsInts();
        IntVector t;
        t = LOW8.selectFrom(r0, r8);
        r8 = HIGH8.selectFrom(r0, r8);
        r0 = t;
        t = LOW8.selectFrom(r1, r9);
        r9 = HIGH8.selectFrom(r1, r9);
        r1 = t;
        t = LOW8.selectFrom(r2, r10);
        r10 = HIGH8.selectFrom(r2, r10);
        r2 = t;
        t = LOW8.selectFrom(r3, r11);
        r11 = HIGH8.selectFrom(r3, r11);
        r3 = t;
        t = LOW8.selectFrom(r4, r12);
        r12 = HIGH8.selectFrom(r4, r12);
        r4 = t;
        t = LOW8.selectFrom(r5, r13);
        r13 = HIGH8.selectFrom(r5, r13);
        r5 = t;
        t = LOW8.selectFrom(r6, r14);
        r14 = HIGH8.selectFrom(r6, r14);
        r6 = t;
        t = LOW8.selectFrom(r7, r15);
        r15 = HIGH8.selectFrom(r7, r15);
        r7 = t;
        t = LOW4.selectFrom(r0, r4);
        r4 = HIGH4.selectFrom(r0, r4);
        r0 = t;
        t = LOW4.selectFrom(r1, r5);
        r5 = HIGH4.selectFrom(r1, r5);
        r1 = t;
        t = LOW4.selectFrom(r2, r6);
        r6 = HIGH4.selectFrom(r2, r6);
        r2 = t;
        t = LOW4.selectFrom(r3, r7);
        r7 = HIGH4.selectFrom(r3, r7);
        r3 = t;
        t = LOW4.selectFrom(r8, r12);
        r12 = HIGH4.selectFrom(r8, r12);
        r8 = t;
        t = LOW4.selectFrom(r9, r13);
        r13 = HIGH4.selectFrom(r9, r13);
        r9 = t;
        t = LOW4.selectFrom(r10, r14);
        r14 = HIGH4.selectFrom(r10, r14);
        r10 = t;
        t = LOW4.selectFrom(r11, r15);
        r15 = HIGH4.selectFrom(r11, r15);
        r11 = t;
        t = LOW2.selectFrom(r0, r2);
        r2 = HIGH2.selectFrom(r0, r2);
        r0 = t;
        t = LOW2.selectFrom(r1, r3);
        r3 = HIGH2.selectFrom(r1, r3);
        r1 = t;
        t = LOW2.selectFrom(r4, r6);
        r6 = HIGH2.selectFrom(r4, r6);
        r4 = t;
        t = LOW2.selectFrom(r5, r7);
        r7 = HIGH2.selectFrom(r5, r7);
        r5 = t;
        t = LOW2.selectFrom(r8, r10);
        r10 = HIGH2.selectFrom(r8, r10);
        r8 = t;
        t = LOW2.selectFrom(r9, r11);
        r11 = HIGH2.selectFrom(r9, r11);
        r9 = t;
        t = LOW2.selectFrom(r12, r14);
        r14 = HIGH2.selectFrom(r12, r14);
        r12 = t;
        t = LOW2.selectFrom(r13, r15);
        r15 = HIGH2.selectFrom(r13, r15);
        r13 = t;
        t = LOW1.selectFrom(r0, r1);
        r1 = HIGH1.selectFrom(r0, r1);
        r0 = t;
        t = LOW1.selectFrom(r2, r3);
        r3 = HIGH1.selectFrom(r2, r3);
        r2 = t;
        t = LOW1.selectFrom(r4, r5);
        r5 = HIGH1.selectFrom(r4, r5);
        r4 = t;
        t = LOW1.selectFrom(r6, r7);
        r7 = HIGH1.selectFrom(r6, r7);
        r6 = t;
        t = LOW1.selectFrom(r8, r9);
        r9 = HIGH1.selectFrom(r8, r9);
        r8 = t;
        t = LOW1.selectFrom(r10, r11);
        r11 = HIGH1.selectFrom(r10, r11);
        r10 = t;
        t = LOW1.selectFrom(r12, r13);
        r13 = HIGH1.selectFrom(r12, r13);
        r12 = t;
        t = LOW1.selectFrom(r14, r15);
        r15 = HIGH1.selectFrom(r14, r15);
        r14 = t;
        r0.reinterpretAsFloats().intoArray(target, to);
        r1.reinterpretAsFloats().intoArray(target, to + width);
        r2.reinterpretAsFloats().intoArray(target, to + 2 * width);
        r3.reinterpretAsFloats().intoArray(target, to + 3 * width);
        r4.reinterpretAsFloats().intoArray(target, to + 4 * width);
        r5.reinterpretAsFloats().intoArray(target, to + 5 * width);
        r6.reinterpretAsFloats().intoArray(target, to + 6 * width);
        r7.reinterpretAsFloats().intoArray(target, to + 7 * width);
        r8.reinterpretAsFloats().intoArray(target, to + 8 * width);
        r9.reinterpretAsFloats().intoArray(target, to + 9 * width);
        r10.reinterpretAsFloats().intoArray(target, to + 10 * width);
        r11.reinterpretAsFloats().intoArray(target, to + 11 * width);
        r12.reinterpretAsFloats().intoArray(target, to + 12 * width);
        r13.reinterpretAsFloats().intoArray(target, to + 13 * width);
        r14.reinterpretAsFloats().intoArray(target, to + 14 * width);
        r15.reinterpretAsFloats().intoArray(target, to + 15 * width);
    }
}
