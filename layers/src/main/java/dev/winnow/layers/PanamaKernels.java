package dev.winnow.layers;

import dev.winnow.weights.DType;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The kernels on the Vector API, for whatever vector length the machine prefers. Accumulators are named locals and helpers that
 * return vectors are small enough to be inlined: a vector that crosses a real call is allocated.
 */
final class PanamaKernels implements Kernels {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> I = IntVector.SPECIES_PREFERRED.withShape(F.vectorShape());
    /** As many 16-bit elements as F has lanes. */
    private static final VectorSpecies<Short> H = VectorSpecies.of(short.class, VectorShape.forBitSize(F.vectorBitSize() / 2));
    private static final int L = F.length();
    /**
     * Rows of a register tile: 8 x 3 vectors fill 24 of the 32 registers of AVX-512 and NEON, 4 x 3 fill 12 of the 16 of AVX2. Either
     * gives more independent sums than two FMA units of latency 4 need.
     */
    private static final boolean EIGHT_ROWS = L == 16 || System.getProperty("os.arch").equals("aarch64");
    private static final int ROWS = EIGHT_ROWS ? 8 : 4;

    @Override
    public int panelWidth() {
        return 3 * L;
    }

    @Override
    public void multiplyPanel(float[] a, int aOffset, int aStride, float[] b, int bOffset, int bStride,
                              float[] c, int cOffset, int cStride, int rows, int depth, int cols, boolean add) {
        if (cols <= 0) return;
        for (int i = 0; i < rows; i += ROWS) {
            int n = Math.min(ROWS, rows - i);
            int ai = aOffset + i * aStride;
            int ci = cOffset + i * cStride;
            if (EIGHT_ROWS) {
                if (cols > 2 * L) multiply8x3(a, ai, aStride, b, bOffset, bStride, c, ci, cStride, n, depth, cols, add);
                else if (cols > L) multiply8x2(a, ai, aStride, b, bOffset, bStride, c, ci, cStride, n, depth, cols, add);
                else multiply8x1(a, ai, aStride, b, bOffset, bStride, c, ci, cStride, n, depth, cols, add);
            } else {
                if (cols > 2 * L) multiply4x3(a, ai, aStride, b, bOffset, bStride, c, ci, cStride, n, depth, cols, add);
                else if (cols > L) multiply4x2(a, ai, aStride, b, bOffset, bStride, c, ci, cStride, n, depth, cols, add);
                else multiply4x1(a, ai, aStride, b, bOffset, bStride, c, ci, cStride, n, depth, cols, add);
            }
        }
    }

    // The register tiles. A tile of fewer rows than its height repeats its last row: the repeats compute and store the same
    // values, which costs nothing that a bandwidth-bound short tile would miss and saves one method per height.

    private static void multiply8x3(float[] a, int aOffset, int aStride, float[] b, int bOffset, int bStride,
                                    float[] c, int cOffset, int cStride, int rows, int depth, int cols, boolean add) {
        int last = rows - 1;
        int a0 = aOffset;
        int a1 = aOffset + Math.min(1, last) * aStride;
        int a2 = aOffset + Math.min(2, last) * aStride;
        int a3 = aOffset + Math.min(3, last) * aStride;
        int a4 = aOffset + Math.min(4, last) * aStride;
        int a5 = aOffset + Math.min(5, last) * aStride;
        int a6 = aOffset + Math.min(6, last) * aStride;
        int a7 = aOffset + Math.min(7, last) * aStride;
        int c0 = cOffset;
        int c1 = cOffset + Math.min(1, last) * cStride;
        int c2 = cOffset + Math.min(2, last) * cStride;
        int c3 = cOffset + Math.min(3, last) * cStride;
        int c4 = cOffset + Math.min(4, last) * cStride;
        int c5 = cOffset + Math.min(5, last) * cStride;
        int c6 = cOffset + Math.min(6, last) * cStride;
        int c7 = cOffset + Math.min(7, last) * cStride;
        FloatVector s00, s01, s02;
        FloatVector s10, s11, s12;
        FloatVector s20, s21, s22;
        FloatVector s30, s31, s32;
        FloatVector s40, s41, s42;
        FloatVector s50, s51, s52;
        FloatVector s60, s61, s62;
        FloatVector s70, s71, s72;
        VectorMask<Float> m = F.indexInRange(2 * L, cols);
        if (add) {
            s00 = FloatVector.fromArray(F, c, c0); s01 = FloatVector.fromArray(F, c, c0 + L); s02 = FloatVector.fromArray(F, c, c0 + 2 * L, m);
            s10 = FloatVector.fromArray(F, c, c1); s11 = FloatVector.fromArray(F, c, c1 + L); s12 = FloatVector.fromArray(F, c, c1 + 2 * L, m);
            s20 = FloatVector.fromArray(F, c, c2); s21 = FloatVector.fromArray(F, c, c2 + L); s22 = FloatVector.fromArray(F, c, c2 + 2 * L, m);
            s30 = FloatVector.fromArray(F, c, c3); s31 = FloatVector.fromArray(F, c, c3 + L); s32 = FloatVector.fromArray(F, c, c3 + 2 * L, m);
            s40 = FloatVector.fromArray(F, c, c4); s41 = FloatVector.fromArray(F, c, c4 + L); s42 = FloatVector.fromArray(F, c, c4 + 2 * L, m);
            s50 = FloatVector.fromArray(F, c, c5); s51 = FloatVector.fromArray(F, c, c5 + L); s52 = FloatVector.fromArray(F, c, c5 + 2 * L, m);
            s60 = FloatVector.fromArray(F, c, c6); s61 = FloatVector.fromArray(F, c, c6 + L); s62 = FloatVector.fromArray(F, c, c6 + 2 * L, m);
            s70 = FloatVector.fromArray(F, c, c7); s71 = FloatVector.fromArray(F, c, c7 + L); s72 = FloatVector.fromArray(F, c, c7 + 2 * L, m);
        } else {
            s00 = s01 = s02 = FloatVector.zero(F);
            s10 = s11 = s12 = FloatVector.zero(F);
            s20 = s21 = s22 = FloatVector.zero(F);
            s30 = s31 = s32 = FloatVector.zero(F);
            s40 = s41 = s42 = FloatVector.zero(F);
            s50 = s51 = s52 = FloatVector.zero(F);
            s60 = s61 = s62 = FloatVector.zero(F);
            s70 = s71 = s72 = FloatVector.zero(F);
        }
        for (int p = 0, at = bOffset; p < depth; p++, at += bStride) {
            FloatVector b0 = FloatVector.fromArray(F, b, at);
            FloatVector b1 = FloatVector.fromArray(F, b, at + L);
            FloatVector b2 = FloatVector.fromArray(F, b, at + 2 * L);
            FloatVector x0 = FloatVector.broadcast(F, a[a0 + p]);
            s00 = x0.fma(b0, s00);
            s01 = x0.fma(b1, s01);
            s02 = x0.fma(b2, s02);
            FloatVector x1 = FloatVector.broadcast(F, a[a1 + p]);
            s10 = x1.fma(b0, s10);
            s11 = x1.fma(b1, s11);
            s12 = x1.fma(b2, s12);
            FloatVector x2 = FloatVector.broadcast(F, a[a2 + p]);
            s20 = x2.fma(b0, s20);
            s21 = x2.fma(b1, s21);
            s22 = x2.fma(b2, s22);
            FloatVector x3 = FloatVector.broadcast(F, a[a3 + p]);
            s30 = x3.fma(b0, s30);
            s31 = x3.fma(b1, s31);
            s32 = x3.fma(b2, s32);
            FloatVector x4 = FloatVector.broadcast(F, a[a4 + p]);
            s40 = x4.fma(b0, s40);
            s41 = x4.fma(b1, s41);
            s42 = x4.fma(b2, s42);
            FloatVector x5 = FloatVector.broadcast(F, a[a5 + p]);
            s50 = x5.fma(b0, s50);
            s51 = x5.fma(b1, s51);
            s52 = x5.fma(b2, s52);
            FloatVector x6 = FloatVector.broadcast(F, a[a6 + p]);
            s60 = x6.fma(b0, s60);
            s61 = x6.fma(b1, s61);
            s62 = x6.fma(b2, s62);
            FloatVector x7 = FloatVector.broadcast(F, a[a7 + p]);
            s70 = x7.fma(b0, s70);
            s71 = x7.fma(b1, s71);
            s72 = x7.fma(b2, s72);
        }
        s00.intoArray(c, c0); s01.intoArray(c, c0 + L); s02.intoArray(c, c0 + 2 * L, m);
        s10.intoArray(c, c1); s11.intoArray(c, c1 + L); s12.intoArray(c, c1 + 2 * L, m);
        s20.intoArray(c, c2); s21.intoArray(c, c2 + L); s22.intoArray(c, c2 + 2 * L, m);
        s30.intoArray(c, c3); s31.intoArray(c, c3 + L); s32.intoArray(c, c3 + 2 * L, m);
        s40.intoArray(c, c4); s41.intoArray(c, c4 + L); s42.intoArray(c, c4 + 2 * L, m);
        s50.intoArray(c, c5); s51.intoArray(c, c5 + L); s52.intoArray(c, c5 + 2 * L, m);
        s60.intoArray(c, c6); s61.intoArray(c, c6 + L); s62.intoArray(c, c6 + 2 * L, m);
        s70.intoArray(c, c7); s71.intoArray(c, c7 + L); s72.intoArray(c, c7 + 2 * L, m);
    }

    private static void multiply8x2(float[] a, int aOffset, int aStride, float[] b, int bOffset, int bStride,
                                    float[] c, int cOffset, int cStride, int rows, int depth, int cols, boolean add) {
        int last = rows - 1;
        int a0 = aOffset;
        int a1 = aOffset + Math.min(1, last) * aStride;
        int a2 = aOffset + Math.min(2, last) * aStride;
        int a3 = aOffset + Math.min(3, last) * aStride;
        int a4 = aOffset + Math.min(4, last) * aStride;
        int a5 = aOffset + Math.min(5, last) * aStride;
        int a6 = aOffset + Math.min(6, last) * aStride;
        int a7 = aOffset + Math.min(7, last) * aStride;
        int c0 = cOffset;
        int c1 = cOffset + Math.min(1, last) * cStride;
        int c2 = cOffset + Math.min(2, last) * cStride;
        int c3 = cOffset + Math.min(3, last) * cStride;
        int c4 = cOffset + Math.min(4, last) * cStride;
        int c5 = cOffset + Math.min(5, last) * cStride;
        int c6 = cOffset + Math.min(6, last) * cStride;
        int c7 = cOffset + Math.min(7, last) * cStride;
        FloatVector s00, s01;
        FloatVector s10, s11;
        FloatVector s20, s21;
        FloatVector s30, s31;
        FloatVector s40, s41;
        FloatVector s50, s51;
        FloatVector s60, s61;
        FloatVector s70, s71;
        VectorMask<Float> m = F.indexInRange(1 * L, cols);
        if (add) {
            s00 = FloatVector.fromArray(F, c, c0); s01 = FloatVector.fromArray(F, c, c0 + L, m);
            s10 = FloatVector.fromArray(F, c, c1); s11 = FloatVector.fromArray(F, c, c1 + L, m);
            s20 = FloatVector.fromArray(F, c, c2); s21 = FloatVector.fromArray(F, c, c2 + L, m);
            s30 = FloatVector.fromArray(F, c, c3); s31 = FloatVector.fromArray(F, c, c3 + L, m);
            s40 = FloatVector.fromArray(F, c, c4); s41 = FloatVector.fromArray(F, c, c4 + L, m);
            s50 = FloatVector.fromArray(F, c, c5); s51 = FloatVector.fromArray(F, c, c5 + L, m);
            s60 = FloatVector.fromArray(F, c, c6); s61 = FloatVector.fromArray(F, c, c6 + L, m);
            s70 = FloatVector.fromArray(F, c, c7); s71 = FloatVector.fromArray(F, c, c7 + L, m);
        } else {
            s00 = s01 = FloatVector.zero(F);
            s10 = s11 = FloatVector.zero(F);
            s20 = s21 = FloatVector.zero(F);
            s30 = s31 = FloatVector.zero(F);
            s40 = s41 = FloatVector.zero(F);
            s50 = s51 = FloatVector.zero(F);
            s60 = s61 = FloatVector.zero(F);
            s70 = s71 = FloatVector.zero(F);
        }
        for (int p = 0, at = bOffset; p < depth; p++, at += bStride) {
            FloatVector b0 = FloatVector.fromArray(F, b, at);
            FloatVector b1 = FloatVector.fromArray(F, b, at + L);
            FloatVector x0 = FloatVector.broadcast(F, a[a0 + p]);
            s00 = x0.fma(b0, s00);
            s01 = x0.fma(b1, s01);
            FloatVector x1 = FloatVector.broadcast(F, a[a1 + p]);
            s10 = x1.fma(b0, s10);
            s11 = x1.fma(b1, s11);
            FloatVector x2 = FloatVector.broadcast(F, a[a2 + p]);
            s20 = x2.fma(b0, s20);
            s21 = x2.fma(b1, s21);
            FloatVector x3 = FloatVector.broadcast(F, a[a3 + p]);
            s30 = x3.fma(b0, s30);
            s31 = x3.fma(b1, s31);
            FloatVector x4 = FloatVector.broadcast(F, a[a4 + p]);
            s40 = x4.fma(b0, s40);
            s41 = x4.fma(b1, s41);
            FloatVector x5 = FloatVector.broadcast(F, a[a5 + p]);
            s50 = x5.fma(b0, s50);
            s51 = x5.fma(b1, s51);
            FloatVector x6 = FloatVector.broadcast(F, a[a6 + p]);
            s60 = x6.fma(b0, s60);
            s61 = x6.fma(b1, s61);
            FloatVector x7 = FloatVector.broadcast(F, a[a7 + p]);
            s70 = x7.fma(b0, s70);
            s71 = x7.fma(b1, s71);
        }
        s00.intoArray(c, c0); s01.intoArray(c, c0 + L, m);
        s10.intoArray(c, c1); s11.intoArray(c, c1 + L, m);
        s20.intoArray(c, c2); s21.intoArray(c, c2 + L, m);
        s30.intoArray(c, c3); s31.intoArray(c, c3 + L, m);
        s40.intoArray(c, c4); s41.intoArray(c, c4 + L, m);
        s50.intoArray(c, c5); s51.intoArray(c, c5 + L, m);
        s60.intoArray(c, c6); s61.intoArray(c, c6 + L, m);
        s70.intoArray(c, c7); s71.intoArray(c, c7 + L, m);
    }

    private static void multiply8x1(float[] a, int aOffset, int aStride, float[] b, int bOffset, int bStride,
                                    float[] c, int cOffset, int cStride, int rows, int depth, int cols, boolean add) {
        int last = rows - 1;
        int a0 = aOffset;
        int a1 = aOffset + Math.min(1, last) * aStride;
        int a2 = aOffset + Math.min(2, last) * aStride;
        int a3 = aOffset + Math.min(3, last) * aStride;
        int a4 = aOffset + Math.min(4, last) * aStride;
        int a5 = aOffset + Math.min(5, last) * aStride;
        int a6 = aOffset + Math.min(6, last) * aStride;
        int a7 = aOffset + Math.min(7, last) * aStride;
        int c0 = cOffset;
        int c1 = cOffset + Math.min(1, last) * cStride;
        int c2 = cOffset + Math.min(2, last) * cStride;
        int c3 = cOffset + Math.min(3, last) * cStride;
        int c4 = cOffset + Math.min(4, last) * cStride;
        int c5 = cOffset + Math.min(5, last) * cStride;
        int c6 = cOffset + Math.min(6, last) * cStride;
        int c7 = cOffset + Math.min(7, last) * cStride;
        FloatVector s00;
        FloatVector s10;
        FloatVector s20;
        FloatVector s30;
        FloatVector s40;
        FloatVector s50;
        FloatVector s60;
        FloatVector s70;
        VectorMask<Float> m = F.indexInRange(0, cols);
        if (add) {
            s00 = FloatVector.fromArray(F, c, c0, m);
            s10 = FloatVector.fromArray(F, c, c1, m);
            s20 = FloatVector.fromArray(F, c, c2, m);
            s30 = FloatVector.fromArray(F, c, c3, m);
            s40 = FloatVector.fromArray(F, c, c4, m);
            s50 = FloatVector.fromArray(F, c, c5, m);
            s60 = FloatVector.fromArray(F, c, c6, m);
            s70 = FloatVector.fromArray(F, c, c7, m);
        } else {
            s00 = FloatVector.zero(F);
            s10 = FloatVector.zero(F);
            s20 = FloatVector.zero(F);
            s30 = FloatVector.zero(F);
            s40 = FloatVector.zero(F);
            s50 = FloatVector.zero(F);
            s60 = FloatVector.zero(F);
            s70 = FloatVector.zero(F);
        }
        for (int p = 0, at = bOffset; p < depth; p++, at += bStride) {
            FloatVector b0 = FloatVector.fromArray(F, b, at);
            FloatVector x0 = FloatVector.broadcast(F, a[a0 + p]);
            s00 = x0.fma(b0, s00);
            FloatVector x1 = FloatVector.broadcast(F, a[a1 + p]);
            s10 = x1.fma(b0, s10);
            FloatVector x2 = FloatVector.broadcast(F, a[a2 + p]);
            s20 = x2.fma(b0, s20);
            FloatVector x3 = FloatVector.broadcast(F, a[a3 + p]);
            s30 = x3.fma(b0, s30);
            FloatVector x4 = FloatVector.broadcast(F, a[a4 + p]);
            s40 = x4.fma(b0, s40);
            FloatVector x5 = FloatVector.broadcast(F, a[a5 + p]);
            s50 = x5.fma(b0, s50);
            FloatVector x6 = FloatVector.broadcast(F, a[a6 + p]);
            s60 = x6.fma(b0, s60);
            FloatVector x7 = FloatVector.broadcast(F, a[a7 + p]);
            s70 = x7.fma(b0, s70);
        }
        s00.intoArray(c, c0, m);
        s10.intoArray(c, c1, m);
        s20.intoArray(c, c2, m);
        s30.intoArray(c, c3, m);
        s40.intoArray(c, c4, m);
        s50.intoArray(c, c5, m);
        s60.intoArray(c, c6, m);
        s70.intoArray(c, c7, m);
    }

    private static void multiply4x3(float[] a, int aOffset, int aStride, float[] b, int bOffset, int bStride,
                                    float[] c, int cOffset, int cStride, int rows, int depth, int cols, boolean add) {
        int last = rows - 1;
        int a0 = aOffset;
        int a1 = aOffset + Math.min(1, last) * aStride;
        int a2 = aOffset + Math.min(2, last) * aStride;
        int a3 = aOffset + Math.min(3, last) * aStride;
        int c0 = cOffset;
        int c1 = cOffset + Math.min(1, last) * cStride;
        int c2 = cOffset + Math.min(2, last) * cStride;
        int c3 = cOffset + Math.min(3, last) * cStride;
        FloatVector s00, s01, s02;
        FloatVector s10, s11, s12;
        FloatVector s20, s21, s22;
        FloatVector s30, s31, s32;
        VectorMask<Float> m = F.indexInRange(2 * L, cols);
        if (add) {
            s00 = FloatVector.fromArray(F, c, c0); s01 = FloatVector.fromArray(F, c, c0 + L); s02 = FloatVector.fromArray(F, c, c0 + 2 * L, m);
            s10 = FloatVector.fromArray(F, c, c1); s11 = FloatVector.fromArray(F, c, c1 + L); s12 = FloatVector.fromArray(F, c, c1 + 2 * L, m);
            s20 = FloatVector.fromArray(F, c, c2); s21 = FloatVector.fromArray(F, c, c2 + L); s22 = FloatVector.fromArray(F, c, c2 + 2 * L, m);
            s30 = FloatVector.fromArray(F, c, c3); s31 = FloatVector.fromArray(F, c, c3 + L); s32 = FloatVector.fromArray(F, c, c3 + 2 * L, m);
        } else {
            s00 = s01 = s02 = FloatVector.zero(F);
            s10 = s11 = s12 = FloatVector.zero(F);
            s20 = s21 = s22 = FloatVector.zero(F);
            s30 = s31 = s32 = FloatVector.zero(F);
        }
        for (int p = 0, at = bOffset; p < depth; p++, at += bStride) {
            FloatVector b0 = FloatVector.fromArray(F, b, at);
            FloatVector b1 = FloatVector.fromArray(F, b, at + L);
            FloatVector b2 = FloatVector.fromArray(F, b, at + 2 * L);
            FloatVector x0 = FloatVector.broadcast(F, a[a0 + p]);
            s00 = x0.fma(b0, s00);
            s01 = x0.fma(b1, s01);
            s02 = x0.fma(b2, s02);
            FloatVector x1 = FloatVector.broadcast(F, a[a1 + p]);
            s10 = x1.fma(b0, s10);
            s11 = x1.fma(b1, s11);
            s12 = x1.fma(b2, s12);
            FloatVector x2 = FloatVector.broadcast(F, a[a2 + p]);
            s20 = x2.fma(b0, s20);
            s21 = x2.fma(b1, s21);
            s22 = x2.fma(b2, s22);
            FloatVector x3 = FloatVector.broadcast(F, a[a3 + p]);
            s30 = x3.fma(b0, s30);
            s31 = x3.fma(b1, s31);
            s32 = x3.fma(b2, s32);
        }
        s00.intoArray(c, c0); s01.intoArray(c, c0 + L); s02.intoArray(c, c0 + 2 * L, m);
        s10.intoArray(c, c1); s11.intoArray(c, c1 + L); s12.intoArray(c, c1 + 2 * L, m);
        s20.intoArray(c, c2); s21.intoArray(c, c2 + L); s22.intoArray(c, c2 + 2 * L, m);
        s30.intoArray(c, c3); s31.intoArray(c, c3 + L); s32.intoArray(c, c3 + 2 * L, m);
    }

    private static void multiply4x2(float[] a, int aOffset, int aStride, float[] b, int bOffset, int bStride,
                                    float[] c, int cOffset, int cStride, int rows, int depth, int cols, boolean add) {
        int last = rows - 1;
        int a0 = aOffset;
        int a1 = aOffset + Math.min(1, last) * aStride;
        int a2 = aOffset + Math.min(2, last) * aStride;
        int a3 = aOffset + Math.min(3, last) * aStride;
        int c0 = cOffset;
        int c1 = cOffset + Math.min(1, last) * cStride;
        int c2 = cOffset + Math.min(2, last) * cStride;
        int c3 = cOffset + Math.min(3, last) * cStride;
        FloatVector s00, s01;
        FloatVector s10, s11;
        FloatVector s20, s21;
        FloatVector s30, s31;
        VectorMask<Float> m = F.indexInRange(1 * L, cols);
        if (add) {
            s00 = FloatVector.fromArray(F, c, c0); s01 = FloatVector.fromArray(F, c, c0 + L, m);
            s10 = FloatVector.fromArray(F, c, c1); s11 = FloatVector.fromArray(F, c, c1 + L, m);
            s20 = FloatVector.fromArray(F, c, c2); s21 = FloatVector.fromArray(F, c, c2 + L, m);
            s30 = FloatVector.fromArray(F, c, c3); s31 = FloatVector.fromArray(F, c, c3 + L, m);
        } else {
            s00 = s01 = FloatVector.zero(F);
            s10 = s11 = FloatVector.zero(F);
            s20 = s21 = FloatVector.zero(F);
            s30 = s31 = FloatVector.zero(F);
        }
        for (int p = 0, at = bOffset; p < depth; p++, at += bStride) {
            FloatVector b0 = FloatVector.fromArray(F, b, at);
            FloatVector b1 = FloatVector.fromArray(F, b, at + L);
            FloatVector x0 = FloatVector.broadcast(F, a[a0 + p]);
            s00 = x0.fma(b0, s00);
            s01 = x0.fma(b1, s01);
            FloatVector x1 = FloatVector.broadcast(F, a[a1 + p]);
            s10 = x1.fma(b0, s10);
            s11 = x1.fma(b1, s11);
            FloatVector x2 = FloatVector.broadcast(F, a[a2 + p]);
            s20 = x2.fma(b0, s20);
            s21 = x2.fma(b1, s21);
            FloatVector x3 = FloatVector.broadcast(F, a[a3 + p]);
            s30 = x3.fma(b0, s30);
            s31 = x3.fma(b1, s31);
        }
        s00.intoArray(c, c0); s01.intoArray(c, c0 + L, m);
        s10.intoArray(c, c1); s11.intoArray(c, c1 + L, m);
        s20.intoArray(c, c2); s21.intoArray(c, c2 + L, m);
        s30.intoArray(c, c3); s31.intoArray(c, c3 + L, m);
    }

    private static void multiply4x1(float[] a, int aOffset, int aStride, float[] b, int bOffset, int bStride,
                                    float[] c, int cOffset, int cStride, int rows, int depth, int cols, boolean add) {
        int last = rows - 1;
        int a0 = aOffset;
        int a1 = aOffset + Math.min(1, last) * aStride;
        int a2 = aOffset + Math.min(2, last) * aStride;
        int a3 = aOffset + Math.min(3, last) * aStride;
        int c0 = cOffset;
        int c1 = cOffset + Math.min(1, last) * cStride;
        int c2 = cOffset + Math.min(2, last) * cStride;
        int c3 = cOffset + Math.min(3, last) * cStride;
        FloatVector s00;
        FloatVector s10;
        FloatVector s20;
        FloatVector s30;
        VectorMask<Float> m = F.indexInRange(0, cols);
        if (add) {
            s00 = FloatVector.fromArray(F, c, c0, m);
            s10 = FloatVector.fromArray(F, c, c1, m);
            s20 = FloatVector.fromArray(F, c, c2, m);
            s30 = FloatVector.fromArray(F, c, c3, m);
        } else {
            s00 = FloatVector.zero(F);
            s10 = FloatVector.zero(F);
            s20 = FloatVector.zero(F);
            s30 = FloatVector.zero(F);
        }
        for (int p = 0, at = bOffset; p < depth; p++, at += bStride) {
            FloatVector b0 = FloatVector.fromArray(F, b, at);
            FloatVector x0 = FloatVector.broadcast(F, a[a0 + p]);
            s00 = x0.fma(b0, s00);
            FloatVector x1 = FloatVector.broadcast(F, a[a1 + p]);
            s10 = x1.fma(b0, s10);
            FloatVector x2 = FloatVector.broadcast(F, a[a2 + p]);
            s20 = x2.fma(b0, s20);
            FloatVector x3 = FloatVector.broadcast(F, a[a3 + p]);
            s30 = x3.fma(b0, s30);
        }
        s00.intoArray(c, c0, m);
        s10.intoArray(c, c1, m);
        s20.intoArray(c, c2, m);
        s30.intoArray(c, c3, m);
    }

    @Override
    public void packPanel(MemorySegment weight, DType dtype, int in, int row, int cols, int from, int depth,
                          float[] panel, int panelOffset) {
        int width = panelWidth();
        for (int j = 0; j < width; j++) {
            long base = (long) (row + j) * in + from;
            for (int p = 0; p < depth; p++) {
                panel[panelOffset + p * width + j] = j < cols ? ScalarKernels.read(weight, dtype, base + p) : 0f;
            }
        }
    }

    @Override
    public void dotRows(MemorySegment weight, DType dtype, int in, int row, int rows,
                        float[] x, int xOffset, int xStride, int count, float[] y, int yOffset, int yStride) {
        for (int j = 0; j < rows; j += 4) {
            int n = Math.min(4, rows - j);
            for (int i = 0; i < count; i++) {
                int xi = xOffset + i * xStride;
                int yi = yOffset + i * yStride + j;
                switch (dtype) {
                    case F32 -> dot4F32(weight, in, row + j, n, x, xi, y, yi);
                    case F16 -> dot4F16(weight, in, row + j, n, x, xi, y, yi);
                    case BF16 -> dot4BF16(weight, in, row + j, n, x, xi, y, yi);
                    default -> throw ScalarKernels.unsupported(dtype);
                }
            }
        }
    }

    private static void dot4F32(MemorySegment w, int in, int row, int rows, float[] x, int xOffset, float[] y, int yOffset) {
        long r0 = (long) row * in << 2;
        long r1 = (long) (row + Math.min(1, rows - 1)) * in << 2;
        long r2 = (long) (row + Math.min(2, rows - 1)) * in << 2;
        long r3 = (long) (row + rows - 1) * in << 2;
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        int end = in - in % L;
        for (int p = 0; p < end; p += L) {
            FloatVector v = FloatVector.fromArray(F, x, xOffset + p);
            long at = (long) p << 2;
            s0 = floats(w, r0 + at).fma(v, s0);
            s1 = floats(w, r1 + at).fma(v, s1);
            s2 = floats(w, r2 + at).fma(v, s2);
            s3 = floats(w, r3 + at).fma(v, s3);
        }
        y[yOffset] = s0.reduceLanes(VectorOperators.ADD) + tail(w, DType.F32, r0 >> 2, end, in, x, xOffset);
        if (rows > 1) y[yOffset + 1] = s1.reduceLanes(VectorOperators.ADD) + tail(w, DType.F32, r1 >> 2, end, in, x, xOffset);
        if (rows > 2) y[yOffset + 2] = s2.reduceLanes(VectorOperators.ADD) + tail(w, DType.F32, r2 >> 2, end, in, x, xOffset);
        if (rows > 3) y[yOffset + 3] = s3.reduceLanes(VectorOperators.ADD) + tail(w, DType.F32, r3 >> 2, end, in, x, xOffset);
    }

    private static void dot4F16(MemorySegment w, int in, int row, int rows, float[] x, int xOffset, float[] y, int yOffset) {
        long r0 = (long) row * in << 1;
        long r1 = (long) (row + Math.min(1, rows - 1)) * in << 1;
        long r2 = (long) (row + Math.min(2, rows - 1)) * in << 1;
        long r3 = (long) (row + rows - 1) * in << 1;
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        int end = in - in % L;
        for (int p = 0; p < end; p += L) {
            FloatVector v = FloatVector.fromArray(F, x, xOffset + p);
            long at = (long) p << 1;
            s0 = halfFloats(w, r0 + at).fma(v, s0);
            s1 = halfFloats(w, r1 + at).fma(v, s1);
            s2 = halfFloats(w, r2 + at).fma(v, s2);
            s3 = halfFloats(w, r3 + at).fma(v, s3);
        }
        y[yOffset] = s0.reduceLanes(VectorOperators.ADD) + tail(w, DType.F16, r0 >> 1, end, in, x, xOffset);
        if (rows > 1) y[yOffset + 1] = s1.reduceLanes(VectorOperators.ADD) + tail(w, DType.F16, r1 >> 1, end, in, x, xOffset);
        if (rows > 2) y[yOffset + 2] = s2.reduceLanes(VectorOperators.ADD) + tail(w, DType.F16, r2 >> 1, end, in, x, xOffset);
        if (rows > 3) y[yOffset + 3] = s3.reduceLanes(VectorOperators.ADD) + tail(w, DType.F16, r3 >> 1, end, in, x, xOffset);
    }

    private static void dot4BF16(MemorySegment w, int in, int row, int rows, float[] x, int xOffset, float[] y, int yOffset) {
        long r0 = (long) row * in << 1;
        long r1 = (long) (row + Math.min(1, rows - 1)) * in << 1;
        long r2 = (long) (row + Math.min(2, rows - 1)) * in << 1;
        long r3 = (long) (row + rows - 1) * in << 1;
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        int end = in - in % L;
        for (int p = 0; p < end; p += L) {
            FloatVector v = FloatVector.fromArray(F, x, xOffset + p);
            long at = (long) p << 1;
            s0 = brainFloats(w, r0 + at).fma(v, s0);
            s1 = brainFloats(w, r1 + at).fma(v, s1);
            s2 = brainFloats(w, r2 + at).fma(v, s2);
            s3 = brainFloats(w, r3 + at).fma(v, s3);
        }
        y[yOffset] = s0.reduceLanes(VectorOperators.ADD) + tail(w, DType.BF16, r0 >> 1, end, in, x, xOffset);
        if (rows > 1) y[yOffset + 1] = s1.reduceLanes(VectorOperators.ADD) + tail(w, DType.BF16, r1 >> 1, end, in, x, xOffset);
        if (rows > 2) y[yOffset + 2] = s2.reduceLanes(VectorOperators.ADD) + tail(w, DType.BF16, r2 >> 1, end, in, x, xOffset);
        if (rows > 3) y[yOffset + 3] = s3.reduceLanes(VectorOperators.ADD) + tail(w, DType.BF16, r3 >> 1, end, in, x, xOffset);
    }

    /** The products of a row past the last whole vector. */
    private static float tail(MemorySegment w, DType dtype, long rowStart, int from, int to, float[] x, int xOffset) {
        float sum = 0;
        for (int p = from; p < to; p++) sum += ScalarKernels.read(w, dtype, rowStart + p) * x[xOffset + p];
        return sum;
    }

    private static FloatVector floats(MemorySegment source, long byteOffset) {
        return FloatVector.fromMemorySegment(F, source, byteOffset, ByteOrder.LITTLE_ENDIAN);
    }

    /** L bf16 elements: an f32 cut to its upper half. */
    private static FloatVector brainFloats(MemorySegment source, long byteOffset) {
        return ((IntVector) ShortVector.fromMemorySegment(H, source, byteOffset, ByteOrder.LITTLE_ENDIAN)
                .convertShape(VectorOperators.ZERO_EXTEND_S2I, I, 0)).lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
    }

    /**
     * L f16 elements. Shifted into place, exponent and mantissa mean the value times 2^-112, for subnormals too; infinities and NaNs
     * need the largest exponent.
     */
    private static FloatVector halfFloats(MemorySegment source, long byteOffset) {
        IntVector h = (IntVector) ShortVector.fromMemorySegment(H, source, byteOffset, ByteOrder.LITTLE_ENDIAN)
                .convertShape(VectorOperators.ZERO_EXTEND_S2I, I, 0);
        IntVector magnitude = h.and(0x7fff);
        IntVector sign = h.and(0x8000).lanewise(VectorOperators.LSHL, 16);
        IntVector bits = magnitude.lanewise(VectorOperators.LSHL, 13).reinterpretAsFloats().mul(0x1p112f).reinterpretAsInts();
        VectorMask<Integer> special = magnitude.compare(VectorOperators.GE, 0x7c00);
        return bits.lanewise(VectorOperators.OR, 0x7f800000, special).or(sign).reinterpretAsFloats();
    }

    @Override
    public void widen(MemorySegment source, DType dtype, long from, float[] target, int offset, int n) {
        int i = 0;
        int end = n - n % L;
        switch (dtype) {
            case F32 -> {
                for (; i < end; i += L) floats(source, (from + i) << 2).intoArray(target, offset + i);
            }
            case F16 -> {
                for (; i < end; i += L) halfFloats(source, (from + i) << 1).intoArray(target, offset + i);
            }
            case BF16 -> {
                for (; i < end; i += L) brainFloats(source, (from + i) << 1).intoArray(target, offset + i);
            }
            default -> throw ScalarKernels.unsupported(dtype);
        }
        for (; i < n; i++) target[offset + i] = ScalarKernels.read(source, dtype, from + i);
    }

    @Override
    public float dot(float[] a, int aOffset, float[] b, int bOffset, int n) {
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        int i = 0;
        for (; i <= n - 4 * L; i += 4 * L) {
            s0 = FloatVector.fromArray(F, a, aOffset + i).fma(FloatVector.fromArray(F, b, bOffset + i), s0);
            s1 = FloatVector.fromArray(F, a, aOffset + i + L).fma(FloatVector.fromArray(F, b, bOffset + i + L), s1);
            s2 = FloatVector.fromArray(F, a, aOffset + i + 2 * L).fma(FloatVector.fromArray(F, b, bOffset + i + 2 * L), s2);
            s3 = FloatVector.fromArray(F, a, aOffset + i + 3 * L).fma(FloatVector.fromArray(F, b, bOffset + i + 3 * L), s3);
        }
        for (; i <= n - L; i += L) s0 = FloatVector.fromArray(F, a, aOffset + i).fma(FloatVector.fromArray(F, b, bOffset + i), s0);
        float sum = s0.add(s1).add(s2.add(s3)).reduceLanes(VectorOperators.ADD);
        for (; i < n; i++) sum += a[aOffset + i] * b[bOffset + i];
        return sum;
    }

    @Override
    public void addScaled(float[] y, int yOffset, float[] x, int xOffset, int n, float s) {
        FloatVector factor = FloatVector.broadcast(F, s);
        int i = 0;
        for (; i <= n - L; i += L) {
            FloatVector.fromArray(F, x, xOffset + i).fma(factor, FloatVector.fromArray(F, y, yOffset + i)).intoArray(y, yOffset + i);
        }
        for (; i < n; i++) y[yOffset + i] += s * x[xOffset + i];
    }

    @Override
    public void scale(float[] x, int offset, int n, float s) {
        int i = 0;
        for (; i <= n - L; i += L) FloatVector.fromArray(F, x, offset + i).mul(s).intoArray(x, offset + i);
        for (; i < n; i++) x[offset + i] *= s;
    }

    @Override
    public void multiply(float[] y, int yOffset, float[] x, int xOffset, int n) {
        int i = 0;
        for (; i <= n - L; i += L) {
            FloatVector.fromArray(F, y, yOffset + i).mul(FloatVector.fromArray(F, x, xOffset + i)).intoArray(y, yOffset + i);
        }
        for (; i < n; i++) y[yOffset + i] *= x[xOffset + i];
    }

    @Override
    public float max(float[] x, int offset, int n) {
        float max = Float.NEGATIVE_INFINITY;
        int i = 0;
        if (n >= L) {
            FloatVector m = FloatVector.fromArray(F, x, offset);
            for (i = L; i <= n - L; i += L) m = m.max(FloatVector.fromArray(F, x, offset + i));
            max = m.reduceLanes(VectorOperators.MAX);
        }
        for (; i < n; i++) max = Math.max(max, x[offset + i]);
        return max;
    }

    /**
     * {@code exp(v)} for v up to {@link Approximations#EXP_HIGHEST}; zero where the result would be subnormal; NaN stays NaN. v = n ln 2 +
     * r; the rounder leaves n in the low bits of t, which shifted become the exponent of 2^n.
     */
    private static FloatVector exp(FloatVector v) {
        FloatVector t = v.fma(FloatVector.broadcast(F, Approximations.LOG2E), FloatVector.broadcast(F, Approximations.ROUNDER));
        FloatVector n = t.sub(Approximations.ROUNDER);
        FloatVector r = n.fma(FloatVector.broadcast(F, -Approximations.LN2_HIGH), v);
        r = n.fma(FloatVector.broadcast(F, -Approximations.LN2_LOW), r);
        FloatVector p = FloatVector.broadcast(F, Approximations.E6);
        p = p.fma(r, FloatVector.broadcast(F, Approximations.E5));
        p = p.fma(r, FloatVector.broadcast(F, Approximations.E4));
        p = p.fma(r, FloatVector.broadcast(F, Approximations.E3));
        p = p.fma(r, FloatVector.broadcast(F, Approximations.E2));
        p = p.fma(r, FloatVector.broadcast(F, 1f));
        p = p.fma(r, FloatVector.broadcast(F, 1f));
        FloatVector power = t.reinterpretAsInts().add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
        return p.mul(power).blend(0f, v.lt(Approximations.EXP_LOWEST));
    }

    @Override
    public float expMinus(float[] x, int offset, int n, float max) {
        if (max == Float.NEGATIVE_INFINITY) {
            Arrays.fill(x, offset, offset + n, 0f);
            return 0;
        }
        FloatVector sums = FloatVector.zero(F);
        int i = 0;
        for (; i <= n - L; i += L) {
            FloatVector e = exp(FloatVector.fromArray(F, x, offset + i).sub(max));
            e.intoArray(x, offset + i);
            sums = sums.add(e);
        }
        float sum = sums.reduceLanes(VectorOperators.ADD);
        for (; i < n; i++) {
            float e = (float) Math.exp(x[offset + i] - max);
            x[offset + i] = e;
            sum += e;
        }
        return sum;
    }

    @Override
    public void activate(Activation f, float[] x, int offset, int n) {
        int end = offset + n - n % L;
        switch (f) {
            case NONE -> {
                return;
            }
            case SILU -> sigmoidProduct(x, offset, end, 1f);
            case QUICK_GELU -> sigmoidProduct(x, offset, end, Approximations.QUICK_GELU_SCALE);
            case GELU -> gelu(x, offset, end);
            case GELU_TANH -> geluTanh(x, offset, end);
            case RELU -> relu(x, offset, end);
            case TANH -> tanh(x, offset, end);
        }
        for (int i = end; i < offset + n; i++) x[i] = ScalarKernels.activated(f, x[i]);
    }

    /** x / (1 + exp(-t)). The lower bound of -t is no concern: exp is zero there. Its upper bound is kept for finite results. */
    private static FloatVector timesSigmoid(FloatVector x, FloatVector minusT) {
        return x.div(exp(minusT.blend(Approximations.EXP_HIGHEST, minusT.compare(VectorOperators.GT, Approximations.EXP_HIGHEST))).add(1f));
    }

    private static void sigmoidProduct(float[] x, int from, int to, float s) {
        for (int i = from; i < to; i += L) {
            FloatVector v = FloatVector.fromArray(F, x, i);
            timesSigmoid(v, v.mul(-s)).intoArray(x, i);
        }
    }

    private static void geluTanh(float[] x, int from, int to) {
        for (int i = from; i < to; i += L) {
            FloatVector v = FloatVector.fromArray(F, x, i);
            FloatVector u = v.mul(v).fma(FloatVector.broadcast(F, Approximations.GELU_TANH_CUBIC), FloatVector.broadcast(F, 1f));
            timesSigmoid(v, u.mul(v).mul(-2 * Approximations.GELU_TANH_SCALE)).intoArray(x, i);
        }
    }

    /** x Phi(x) = max(x, 0) - |x| erfc(|x| / sqrt 2) / 2. */
    private static void gelu(float[] x, int from, int to) {
        for (int i = from; i < to; i += L) {
            FloatVector v = FloatVector.fromArray(F, x, i);
            // beyond 20 the tail is zero; the bound keeps infinity times zero away
            FloatVector a = v.abs().min(20f);
            FloatVector z = a.mul(Approximations.SQRT_HALF);
            FloatVector t = FloatVector.broadcast(F, 1f)
                    .div(z.fma(FloatVector.broadcast(F, Approximations.ERFC_P), FloatVector.broadcast(F, 1f)));
            FloatVector p = FloatVector.broadcast(F, Approximations.C8);
            p = p.fma(t, FloatVector.broadcast(F, Approximations.C7));
            p = p.fma(t, FloatVector.broadcast(F, Approximations.C6));
            p = p.fma(t, FloatVector.broadcast(F, Approximations.C5));
            p = p.fma(t, FloatVector.broadcast(F, Approximations.C4));
            p = p.fma(t, FloatVector.broadcast(F, Approximations.C3));
            p = p.fma(t, FloatVector.broadcast(F, Approximations.C2));
            p = p.fma(t, FloatVector.broadcast(F, Approximations.C1));
            p = p.fma(t, FloatVector.broadcast(F, Approximations.C0));
            FloatVector tail = exp(z.mul(z).neg()).mul(t).mul(p).mul(a).mul(0.5f);
            v.max(0f).sub(tail).intoArray(x, i);
        }
    }

    private static void relu(float[] x, int from, int to) {
        for (int i = from; i < to; i += L) FloatVector.fromArray(F, x, i).max(0f).intoArray(x, i);
    }

    /** 1 - 2 / (exp(2x) + 1), and its series near zero, where that form cancels. */
    private static void tanh(float[] x, int from, int to) {
        for (int i = from; i < to; i += L) {
            FloatVector v = FloatVector.fromArray(F, x, i);
            FloatVector w = v.mul(2f).min(Approximations.EXP_HIGHEST);
            FloatVector far = FloatVector.broadcast(F, -2f).div(exp(w).add(1f)).add(1f);
            FloatVector s = v.mul(v);
            FloatVector near = s.fma(FloatVector.broadcast(F, 62f / 2835), FloatVector.broadcast(F, -17f / 315));
            near = near.fma(s, FloatVector.broadcast(F, 2f / 15));
            near = near.fma(s, FloatVector.broadcast(F, -1f / 3));
            near = near.mul(s).fma(v, v);
            far.blend(near, v.abs().lt(0.25f)).intoArray(x, i);
        }
    }

    @Override
    public void rmsNorm(float[] x, int xOffset, float[] weight, float eps, float[] y, int yOffset, int n) {
        float s = (float) (1 / Math.sqrt(dot(x, xOffset, x, xOffset, n) / n + eps));
        int i = 0;
        for (; i <= n - L; i += L) {
            FloatVector.fromArray(F, x, xOffset + i).mul(s).mul(FloatVector.fromArray(F, weight, i)).intoArray(y, yOffset + i);
        }
        for (; i < n; i++) y[yOffset + i] = x[xOffset + i] * s * weight[i];
    }

    @Override
    public void layerNorm(float[] x, int xOffset, float[] weight, float[] bias, float eps, float[] y, int yOffset, int n) {
        int end = n - n % L;
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = s0;
        int i = 0;
        for (; i <= n - 2 * L; i += 2 * L) {
            s0 = s0.add(FloatVector.fromArray(F, x, xOffset + i));
            s1 = s1.add(FloatVector.fromArray(F, x, xOffset + i + L));
        }
        for (; i < end; i += L) s0 = s0.add(FloatVector.fromArray(F, x, xOffset + i));
        float sum = s0.add(s1).reduceLanes(VectorOperators.ADD);
        for (; i < n; i++) sum += x[xOffset + i];
        float mean = sum / n;

        s0 = FloatVector.zero(F);
        s1 = s0;
        i = 0;
        for (; i <= n - 2 * L; i += 2 * L) {
            FloatVector d0 = FloatVector.fromArray(F, x, xOffset + i).sub(mean);
            FloatVector d1 = FloatVector.fromArray(F, x, xOffset + i + L).sub(mean);
            s0 = d0.fma(d0, s0);
            s1 = d1.fma(d1, s1);
        }
        for (; i < end; i += L) {
            FloatVector d = FloatVector.fromArray(F, x, xOffset + i).sub(mean);
            s0 = d.fma(d, s0);
        }
        float squares = s0.add(s1).reduceLanes(VectorOperators.ADD);
        for (; i < n; i++) squares += (x[xOffset + i] - mean) * (x[xOffset + i] - mean);
        float s = (float) (1 / Math.sqrt(squares / n + eps));

        for (i = 0; i < end; i += L) {
            FloatVector.fromArray(F, x, xOffset + i).sub(mean).mul(s)
                    .fma(FloatVector.fromArray(F, weight, i), FloatVector.fromArray(F, bias, i)).intoArray(y, yOffset + i);
        }
        for (; i < n; i++) y[yOffset + i] = (x[xOffset + i] - mean) * s * weight[i] + bias[i];
    }

    @Override
    public void rotate(float[] x, int offset, float[] cos, float[] sin, int tableOffset, int half) {
        int i = 0;
        for (; i <= half - L; i += L) {
            FloatVector u = FloatVector.fromArray(F, x, offset + i);
            FloatVector v = FloatVector.fromArray(F, x, offset + half + i);
            FloatVector c = FloatVector.fromArray(F, cos, tableOffset + i);
            FloatVector s = FloatVector.fromArray(F, sin, tableOffset + i);
            u.mul(c).sub(v.mul(s)).intoArray(x, offset + i);
            v.mul(c).add(u.mul(s)).intoArray(x, offset + half + i);
        }
        for (; i < half; i++) {
            float u = x[offset + i];
            float v = x[offset + half + i];
            float c = cos[tableOffset + i];
            float s = sin[tableOffset + i];
            x[offset + i] = u * c - v * s;
            x[offset + half + i] = v * c + u * s;
        }
    }
}
