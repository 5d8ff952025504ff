package dev.winnow.layers;

import dev.winnow.weights.BlockMatrix;
import dev.winnow.weights.DType;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.Arrays;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * The kernels on the Vector API, for vectors of 128, 256 or 512 bits, as the machine prefers. Accumulators are named locals and helpers
 * that return vectors are small enough to be inlined: a vector that crosses a real call is allocated.
 */
final class PanamaKernels implements Kernels {
    private static final int LEAST_BITS = 128;
    private static final int MOST_BITS = 512;
    /** Of a machine with longer ones (RISC-V has them) vectors of 512 bits. */
    static final VectorSpecies<Float> F = VectorSpecies.of(float.class,
            VectorShape.forBitSize(Math.clamp(FloatVector.SPECIES_PREFERRED.vectorBitSize(), LEAST_BITS, MOST_BITS)));
    static final VectorSpecies<Integer> I = IntVector.SPECIES_PREFERRED.withShape(F.vectorShape());
    /** As many 16-bit elements as F has lanes. */
    private static final VectorSpecies<Short> H = VectorSpecies.of(short.class, VectorShape.forBitSize(F.vectorBitSize() / 2));
    private static final VectorSpecies<Float> FOUR = FloatVector.SPECIES_128;
    private static final int L = F.length();
    /** As many bytes as F has lanes; there are no vectors of four, so 128-bit machines round one by one. */
    private static final VectorSpecies<Byte> B = VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, 8 * L)));
    private static final int BLOCK = BlockMatrix.BLOCK;
    private static final VectorShuffle<Float> BY_8 = around(8);
    private static final VectorShuffle<Float> BY_4 = around(4);
    private static final VectorShuffle<Float> BY_2 = around(2);
    /**
     * The register tile: 8 x 3 vectors fill 24 of the 32 registers of AVX-512 and NEON, 6 x 2 fill 12 of the 16 of AVX2. Either gives
     * more independent sums than two FMA units of latency 4 need, and leaves registers for two broadcasts at once: C2 likes to load
     * ahead, and a sum that it keeps on the stack for that (of 4 x 3, say) takes three times as long. Products with packed panels have
     * a tile of their own on AVX2, {@link #tile3x3}.
     */
    private static final boolean EIGHT_ROWS = L == 16 || System.getProperty("os.arch").equals("aarch64");
    private static final int ROWS = EIGHT_ROWS ? 8 : 6;
    private static final int VECTORS = EIGHT_ROWS ? 3 : 2;
    static final int PANEL_WIDTH = 3 * L;
    /** Rows of a packed tile, and how far apart the elements of one of them lie. */
    private static final int PACKED_ROWS = EIGHT_ROWS ? 1 : 3;
    static final int PACKED_STEP = EIGHT_ROWS ? 1 : 4;

    /** A register tile on its way to C. */
    private static final ThreadLocal<float[]> TILE = ThreadLocal.withInitial(() -> new float[ROWS * PANEL_WIDTH]);
    /** A vector's lanes. */
    private static final ThreadLocal<float[]> LANES = ThreadLocal.withInitial(() -> new float[L]);
    /** Where stored rows are widened to. */
    private static final ThreadLocal<float[]> STAGE = ThreadLocal.withInitial(() -> new float[0]);
    private static final ThreadLocal<BlockScales> SCALES = ThreadLocal.withInitial(BlockScales::new);
    /** Each thread's products with blocks, which take the elements' work from whatever kernels. */
    static final ThreadLocal<BlockProducts> BLOCKS = ThreadLocal.withInitial(BlockProducts::new);

    /** Whether the processor has vectors; without them every operation would be a loop with an array for its result. */
    static boolean supported() {
        return FloatVector.SPECIES_PREFERRED.vectorBitSize() >= LEAST_BITS;
    }

    /** Lane l takes that of l + n, around. Not VectorShuffle.iota, which computes it by vectors and takes a start ten milliseconds. */
    private static VectorShuffle<Float> around(int n) {
        int[] from = new int[L];
        for (int l = 0; l < L; l++) from[l] = (l + n) % L;
        return VectorShuffle.fromArray(F, from, 0);
    }

    @Override
    public int panelWidth() {
        return PANEL_WIDTH;
    }

    @Override
    public int packedRows(int rows, int depth) {
        return (rows + PACKED_ROWS - 1) / PACKED_ROWS * depth * PACKED_STEP;
    }

    /** Where a row's first element lies in packed ones. */
    static int packedRow(int row, int depth) {
        return row / PACKED_ROWS * depth * PACKED_STEP + row % PACKED_ROWS;
    }

    @Override
    public void packRows(float[] a, int aOffset, int aStride, int rows, int depth, float[] packed, int packedOffset) {
        if (EIGHT_ROWS) {
            for (int i = 0; i < rows; i++) System.arraycopy(a, aOffset + i * aStride, packed, packedOffset + i * depth, depth);
            return;
        }
        for (int i = 0, at = packedOffset; i < rows; i += PACKED_ROWS, at += depth * PACKED_STEP) {
            int last = rows - i - 1;
            int a0 = aOffset + i * aStride;
            packThree(a, a0, a0 + Math.min(1, last) * aStride, a0 + Math.min(2, last) * aStride, depth, packed, at);
        }
    }

    /** Three rows, their elements side by side. */
    private static void packThree(float[] a, int a0, int a1, int a2, int depth, float[] packed, int at) {
        for (int p = 0; p < depth; p++) {
            packed[at + PACKED_STEP * p] = a[a0 + p];
            packed[at + PACKED_STEP * p + 1] = a[a1 + p];
            packed[at + PACKED_STEP * p + 2] = a[a2 + p];
        }
    }

    @Override
    public void packColumns(float[] a, int aOffset, int aStride, int rows, int depth, float[] packed, int packedOffset) {
        if (EIGHT_ROWS) {
            float[] turned = staged(rows * PANEL_WIDTH);
            for (int p = 0; p < depth; p += PANEL_WIDTH) {
                int n = Math.min(PANEL_WIDTH, depth - p);
                transposePanel(a, aOffset + p * aStride, aStride, n, rows, turned, 0);
                for (int i = 0; i < rows; i++) System.arraycopy(turned, i * PANEL_WIDTH, packed, packedOffset + i * depth + p, n);
            }
            return;
        }
        // four neighbours at a time, of which the fourth falls in the gap; the last rows one by one, as nothing may lie behind them
        int whole = Math.max(0, (rows - 1) / PACKED_ROWS);
        for (int p = 0; p < depth; p++) {
            int from = aOffset + p * aStride;
            int to = packedOffset + PACKED_STEP * p;
            for (int g = 0; g < whole; g++) {
                FloatVector.fromArray(FOUR, a, from + PACKED_ROWS * g).intoArray(packed, to + g * depth * PACKED_STEP);
            }
            for (int i = whole * PACKED_ROWS; i < rows; i++) packed[to + whole * depth * PACKED_STEP + i % PACKED_ROWS] = a[from + i];
        }
    }

    @Override
    public void multiplyPanels(float[] packed, int packedOffset, int packedDepth, int from, float[] panels, int panelsOffset,
                               float[] c, int cOffset, int cStride, int rows, int depth, int cols, boolean add) {
        for (int i = 0; i < rows; i += ROW_GROUP) {
            int n = Math.min(ROW_GROUP, rows - i);
            int at = packedOffset + packedRow(i, packedDepth) + from * PACKED_STEP;
            int ci = cOffset + i * cStride;
            for (int j = 0; j < cols; j += PANEL_WIDTH) {
                int width = Math.min(PANEL_WIDTH, cols - j);
                int panel = panelsOffset + j * depth;
                if (EIGHT_ROWS) {
                    multiplyStrip(packed, at, packedDepth, panels, panel, PANEL_WIDTH, c, ci + j, cStride, n, depth, width, add);
                } else {
                    multiplyPacked(packed, at, packedDepth * PACKED_STEP, panels, panel, c, ci + j, cStride,
                            n, depth, width, add);
                }
            }
        }
    }

    private static void multiplyPacked(float[] packed, int at, int apart, float[] panels, int panel,
                                       float[] c, int cOffset, int cStride, int rows, int depth, int cols, boolean add) {
        float[] tile = TILE.get();
        for (int i = 0; i < rows; i += PACKED_ROWS) {
            int n = Math.min(PACKED_ROWS, rows - i);
            int ci = cOffset + i * cStride;
            boolean direct = !add && n == PACKED_ROWS && cols == PANEL_WIDTH;
            tile3x3(packed, at + i / PACKED_ROWS * apart, panels, panel, depth, direct ? c : tile, direct ? ci : 0,
                    direct ? cStride : PANEL_WIDTH);
            if (!direct) {
                for (int r = 0; r < n; r++) deliver(tile, r * PANEL_WIDTH, c, ci + r * cStride, cols, add);
            }
        }
    }

    /**
     * Nine sums, three vectors of B and three broadcasts: with whatever C2 loads first, no sum is pushed out of the 16 registers. From
     * strides that are constants it can tell before the loop that all is within bounds, so that a step is 24 instructions: 9
     * vfmadd231ps, 3 loads and 3 vbroadcastss, 6 for two indices and 3 for the loop. (6 x 2 with A as it lies takes 40.)
     */
    private static void tile3x3(float[] a, int aOffset, float[] b, int bOffset, int depth, float[] c, int cOffset, int cStride) {
        FloatVector s00 = FloatVector.zero(F);
        FloatVector s01 = s00;
        FloatVector s02 = s00;
        FloatVector s10 = s00;
        FloatVector s11 = s00;
        FloatVector s12 = s00;
        FloatVector s20 = s00;
        FloatVector s21 = s00;
        FloatVector s22 = s00;
        for (int p = 0; p < depth; p++) {
            FloatVector b0 = FloatVector.fromArray(F, b, bOffset + p * PANEL_WIDTH);
            FloatVector b1 = FloatVector.fromArray(F, b, bOffset + p * PANEL_WIDTH + L);
            FloatVector b2 = FloatVector.fromArray(F, b, bOffset + p * PANEL_WIDTH + 2 * L);
            FloatVector x0 = FloatVector.broadcast(F, a[aOffset + p * PACKED_STEP]);
            s00 = x0.fma(b0, s00);
            s01 = x0.fma(b1, s01);
            s02 = x0.fma(b2, s02);
            FloatVector x1 = FloatVector.broadcast(F, a[aOffset + p * PACKED_STEP + 1]);
            s10 = x1.fma(b0, s10);
            s11 = x1.fma(b1, s11);
            s12 = x1.fma(b2, s12);
            FloatVector x2 = FloatVector.broadcast(F, a[aOffset + p * PACKED_STEP + 2]);
            s20 = x2.fma(b0, s20);
            s21 = x2.fma(b1, s21);
            s22 = x2.fma(b2, s22);
        }
        s00.intoArray(c, cOffset);
        s01.intoArray(c, cOffset + L);
        s02.intoArray(c, cOffset + 2 * L);
        s10.intoArray(c, cOffset + cStride);
        s11.intoArray(c, cOffset + cStride + L);
        s12.intoArray(c, cOffset + cStride + 2 * L);
        s20.intoArray(c, cOffset + 2 * cStride);
        s21.intoArray(c, cOffset + 2 * cStride + L);
        s22.intoArray(c, cOffset + 2 * cStride + 2 * L);
    }

    @Override
    public void multiplyRows(float[] a, int aOffset, int aStride, float[] b, int bOffset, int bStride,
                             float[] c, int cOffset, int cStride, int rows, int depth, int cols, boolean add) {
        // even shares: a narrow rest would waste the register tile
        int vectors = (cols + L - 1) / L;
        int strips = (vectors + VECTORS - 1) / VECTORS;
        int width = (vectors + strips - 1) / strips * L;
        for (int j = 0; j < cols; j += width) {
            multiplyStrip(a, aOffset, aStride, b, bOffset + j, bStride, c, cOffset + j, cStride,
                    rows, depth, Math.min(width, cols - j), add);
        }
    }

    /** As {@link #multiplyRows} for no more columns than the register tile has. */
    private static void multiplyStrip(float[] a, int aOffset, int aStride, float[] b, int bOffset, int bStride,
                                      float[] c, int cOffset, int cStride, int rows, int depth, int cols, boolean add) {
        int vectors = (cols + L - 1) / L;
        int width = vectors * L;
        float[] tile = TILE.get();
        for (int i = 0; i < rows; i += ROWS) {
            int n = Math.min(ROWS, rows - i);
            int ai = aOffset + i * aStride;
            int ci = cOffset + i * cStride;
            // a whole tile that overwrites C goes there directly, others through a buffer
            boolean direct = !add && n == ROWS && cols == width;
            float[] to = direct ? c : tile;
            int toOffset = direct ? ci : 0;
            int toStride = direct ? cStride : width;
            if (EIGHT_ROWS) {
                switch (vectors) {
                    case 3 -> tile8x3(a, ai, aStride, n - 1, b, bOffset, bStride, depth, to, toOffset, toStride);
                    case 2 -> tile8x2(a, ai, aStride, n - 1, b, bOffset, bStride, depth, to, toOffset, toStride);
                    default -> tile8x1(a, ai, aStride, n - 1, b, bOffset, bStride, depth, to, toOffset, toStride);
                }
            } else if (vectors == 2) {
                tile6x2(a, ai, aStride, n - 1, b, bOffset, bStride, depth, to, toOffset, toStride);
            } else {
                tile6x1(a, ai, aStride, n - 1, b, bOffset, bStride, depth, to, toOffset, toStride);
            }
            if (!direct) {
                for (int r = 0; r < n; r++) deliver(tile, r * width, c, ci + r * cStride, cols, add);
            }
        }
    }

    private static void deliver(float[] tile, int from, float[] c, int to, int n, boolean add) {
        int i = 0;
        if (add) {
            for (; i <= n - L; i += L) {
                FloatVector.fromArray(F, c, to + i).add(FloatVector.fromArray(F, tile, from + i)).intoArray(c, to + i);
            }
        } else {
            for (; i <= n - L; i += L) FloatVector.fromArray(F, tile, from + i).intoArray(c, to + i);
        }
        for (; i < n; i++) c[to + i] = add ? c[to + i] + tile[from + i] : tile[from + i];
    }

    // The register tiles: A[last + 1, depth] * B[depth, vectors]. A tile of fewer rows than its height repeats its last row; that
    // costs little and saves a method per height. They only sum and store: with masks, or with loads of C, they outgrow what C1
    // can compile, and a method that C1 gives up on may stay interpreted for good.

    private static void tile8x3(float[] a, int aOffset, int aStride, int last, float[] b, int bOffset, int bStride, int depth,
                                float[] c, int cOffset, int cStride) {
        int a0 = aOffset;
        int a1 = aOffset + Math.min(1, last) * aStride;
        int a2 = aOffset + Math.min(2, last) * aStride;
        int a3 = aOffset + Math.min(3, last) * aStride;
        int a4 = aOffset + Math.min(4, last) * aStride;
        int a5 = aOffset + Math.min(5, last) * aStride;
        int a6 = aOffset + Math.min(6, last) * aStride;
        int a7 = aOffset + Math.min(7, last) * aStride;
        FloatVector s00 = FloatVector.zero(F);
        FloatVector s01 = s00;
        FloatVector s02 = s00;
        FloatVector s10 = s00;
        FloatVector s11 = s00;
        FloatVector s12 = s00;
        FloatVector s20 = s00;
        FloatVector s21 = s00;
        FloatVector s22 = s00;
        FloatVector s30 = s00;
        FloatVector s31 = s00;
        FloatVector s32 = s00;
        FloatVector s40 = s00;
        FloatVector s41 = s00;
        FloatVector s42 = s00;
        FloatVector s50 = s00;
        FloatVector s51 = s00;
        FloatVector s52 = s00;
        FloatVector s60 = s00;
        FloatVector s61 = s00;
        FloatVector s62 = s00;
        FloatVector s70 = s00;
        FloatVector s71 = s00;
        FloatVector s72 = s00;
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
        s00.intoArray(c, cOffset);
        s01.intoArray(c, cOffset + L);
        s02.intoArray(c, cOffset + 2 * L);
        s10.intoArray(c, cOffset + cStride);
        s11.intoArray(c, cOffset + cStride + L);
        s12.intoArray(c, cOffset + cStride + 2 * L);
        s20.intoArray(c, cOffset + 2 * cStride);
        s21.intoArray(c, cOffset + 2 * cStride + L);
        s22.intoArray(c, cOffset + 2 * cStride + 2 * L);
        s30.intoArray(c, cOffset + 3 * cStride);
        s31.intoArray(c, cOffset + 3 * cStride + L);
        s32.intoArray(c, cOffset + 3 * cStride + 2 * L);
        s40.intoArray(c, cOffset + 4 * cStride);
        s41.intoArray(c, cOffset + 4 * cStride + L);
        s42.intoArray(c, cOffset + 4 * cStride + 2 * L);
        s50.intoArray(c, cOffset + 5 * cStride);
        s51.intoArray(c, cOffset + 5 * cStride + L);
        s52.intoArray(c, cOffset + 5 * cStride + 2 * L);
        s60.intoArray(c, cOffset + 6 * cStride);
        s61.intoArray(c, cOffset + 6 * cStride + L);
        s62.intoArray(c, cOffset + 6 * cStride + 2 * L);
        s70.intoArray(c, cOffset + 7 * cStride);
        s71.intoArray(c, cOffset + 7 * cStride + L);
        s72.intoArray(c, cOffset + 7 * cStride + 2 * L);
    }

    private static void tile8x2(float[] a, int aOffset, int aStride, int last, float[] b, int bOffset, int bStride, int depth,
                                float[] c, int cOffset, int cStride) {
        int a0 = aOffset;
        int a1 = aOffset + Math.min(1, last) * aStride;
        int a2 = aOffset + Math.min(2, last) * aStride;
        int a3 = aOffset + Math.min(3, last) * aStride;
        int a4 = aOffset + Math.min(4, last) * aStride;
        int a5 = aOffset + Math.min(5, last) * aStride;
        int a6 = aOffset + Math.min(6, last) * aStride;
        int a7 = aOffset + Math.min(7, last) * aStride;
        FloatVector s00 = FloatVector.zero(F);
        FloatVector s01 = s00;
        FloatVector s10 = s00;
        FloatVector s11 = s00;
        FloatVector s20 = s00;
        FloatVector s21 = s00;
        FloatVector s30 = s00;
        FloatVector s31 = s00;
        FloatVector s40 = s00;
        FloatVector s41 = s00;
        FloatVector s50 = s00;
        FloatVector s51 = s00;
        FloatVector s60 = s00;
        FloatVector s61 = s00;
        FloatVector s70 = s00;
        FloatVector s71 = s00;
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
        s00.intoArray(c, cOffset);
        s01.intoArray(c, cOffset + L);
        s10.intoArray(c, cOffset + cStride);
        s11.intoArray(c, cOffset + cStride + L);
        s20.intoArray(c, cOffset + 2 * cStride);
        s21.intoArray(c, cOffset + 2 * cStride + L);
        s30.intoArray(c, cOffset + 3 * cStride);
        s31.intoArray(c, cOffset + 3 * cStride + L);
        s40.intoArray(c, cOffset + 4 * cStride);
        s41.intoArray(c, cOffset + 4 * cStride + L);
        s50.intoArray(c, cOffset + 5 * cStride);
        s51.intoArray(c, cOffset + 5 * cStride + L);
        s60.intoArray(c, cOffset + 6 * cStride);
        s61.intoArray(c, cOffset + 6 * cStride + L);
        s70.intoArray(c, cOffset + 7 * cStride);
        s71.intoArray(c, cOffset + 7 * cStride + L);
    }

    private static void tile8x1(float[] a, int aOffset, int aStride, int last, float[] b, int bOffset, int bStride, int depth,
                                float[] c, int cOffset, int cStride) {
        int a0 = aOffset;
        int a1 = aOffset + Math.min(1, last) * aStride;
        int a2 = aOffset + Math.min(2, last) * aStride;
        int a3 = aOffset + Math.min(3, last) * aStride;
        int a4 = aOffset + Math.min(4, last) * aStride;
        int a5 = aOffset + Math.min(5, last) * aStride;
        int a6 = aOffset + Math.min(6, last) * aStride;
        int a7 = aOffset + Math.min(7, last) * aStride;
        FloatVector s00 = FloatVector.zero(F);
        FloatVector s10 = s00;
        FloatVector s20 = s00;
        FloatVector s30 = s00;
        FloatVector s40 = s00;
        FloatVector s50 = s00;
        FloatVector s60 = s00;
        FloatVector s70 = s00;
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
        s00.intoArray(c, cOffset);
        s10.intoArray(c, cOffset + cStride);
        s20.intoArray(c, cOffset + 2 * cStride);
        s30.intoArray(c, cOffset + 3 * cStride);
        s40.intoArray(c, cOffset + 4 * cStride);
        s50.intoArray(c, cOffset + 5 * cStride);
        s60.intoArray(c, cOffset + 6 * cStride);
        s70.intoArray(c, cOffset + 7 * cStride);
    }

    private static void tile6x2(float[] a, int aOffset, int aStride, int last, float[] b, int bOffset, int bStride, int depth,
                                float[] c, int cOffset, int cStride) {
        int a0 = aOffset;
        int a1 = aOffset + Math.min(1, last) * aStride;
        int a2 = aOffset + Math.min(2, last) * aStride;
        int a3 = aOffset + Math.min(3, last) * aStride;
        int a4 = aOffset + Math.min(4, last) * aStride;
        int a5 = aOffset + Math.min(5, last) * aStride;
        FloatVector s00 = FloatVector.zero(F);
        FloatVector s01 = s00;
        FloatVector s10 = s00;
        FloatVector s11 = s00;
        FloatVector s20 = s00;
        FloatVector s21 = s00;
        FloatVector s30 = s00;
        FloatVector s31 = s00;
        FloatVector s40 = s00;
        FloatVector s41 = s00;
        FloatVector s50 = s00;
        FloatVector s51 = s00;
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
        }
        s00.intoArray(c, cOffset);
        s01.intoArray(c, cOffset + L);
        s10.intoArray(c, cOffset + cStride);
        s11.intoArray(c, cOffset + cStride + L);
        s20.intoArray(c, cOffset + 2 * cStride);
        s21.intoArray(c, cOffset + 2 * cStride + L);
        s30.intoArray(c, cOffset + 3 * cStride);
        s31.intoArray(c, cOffset + 3 * cStride + L);
        s40.intoArray(c, cOffset + 4 * cStride);
        s41.intoArray(c, cOffset + 4 * cStride + L);
        s50.intoArray(c, cOffset + 5 * cStride);
        s51.intoArray(c, cOffset + 5 * cStride + L);
    }

    private static void tile6x1(float[] a, int aOffset, int aStride, int last, float[] b, int bOffset, int bStride, int depth,
                                float[] c, int cOffset, int cStride) {
        int a0 = aOffset;
        int a1 = aOffset + Math.min(1, last) * aStride;
        int a2 = aOffset + Math.min(2, last) * aStride;
        int a3 = aOffset + Math.min(3, last) * aStride;
        int a4 = aOffset + Math.min(4, last) * aStride;
        int a5 = aOffset + Math.min(5, last) * aStride;
        FloatVector s00 = FloatVector.zero(F);
        FloatVector s10 = s00;
        FloatVector s20 = s00;
        FloatVector s30 = s00;
        FloatVector s40 = s00;
        FloatVector s50 = s00;
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
        }
        s00.intoArray(c, cOffset);
        s10.intoArray(c, cOffset + cStride);
        s20.intoArray(c, cOffset + 2 * cStride);
        s30.intoArray(c, cOffset + 3 * cStride);
        s40.intoArray(c, cOffset + 4 * cStride);
        s50.intoArray(c, cOffset + 5 * cStride);
    }

    @Override
    public void packPanel(MemorySegment weight, DType dtype, int in, int row, int cols, int from, int depth,
                          float[] panel, int panelOffset) {
        if (dtype.isBlocked()) {
            packBlocks(new BlockMatrix(weight, dtype, in), row, cols, from, depth, panel, panelOffset, false);
            return;
        }
        int paired = dtype == DType.BF16 ? depth / 2 * 2 : 0;
        if (paired > 0) packPairs(weight, in, row, cols, from, paired, panel, panelOffset);
        int rest = depth - paired;
        if (rest == 0) return;
        float[] staged = staged(cols * rest);
        for (int j = 0; j < cols; j++) widen(weight, dtype, (long) (row + j) * in + from + paired, staged, j * rest, rest);
        transposePanel(staged, 0, rest, cols, rest, panel, panelOffset + paired * panelWidth());
    }

    /**
     * bf16 are transposed as pairs that look like floats, and widened last: half the work of widening them first. The pairs go to the
     * second half of the panel, where splitting them into the rows of their two elements, in order, overwrites only pairs already read.
     */
    private void packPairs(MemorySegment weight, int in, int row, int cols, int from, int depth, float[] panel, int panelOffset) {
        int width = panelWidth();
        int pairs = depth / 2;
        float[] staged = staged(cols * pairs);
        for (int j = 0; j < cols; j++) {
            MemorySegment.copy(weight, ScalarKernels.FLOATS, ((long) (row + j) * in + from) << 1, staged, j * pairs, pairs);
        }
        int second = panelOffset + pairs * width;
        transposePanel(staged, 0, pairs, cols, pairs, panel, second);
        int to = panelOffset;
        for (int at = second; at < second + pairs * width; at += width, to += 2 * width) {
            for (int j = 0; j < width; j += L) {
                IntVector both = FloatVector.fromArray(F, panel, at + j).reinterpretAsInts();
                // the even element is the low half
                both.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoArray(panel, to + j);
                both.and(0xffff0000).reinterpretAsFloats().intoArray(panel, to + width + j);
            }
        }
    }

    /**
     * Blocks lie as a panel has them, a row in each lane, so words of some rows are widened where they go.
     *
     * @param plain whether in plain loops, see {@link ColdKernels}
     */
    static void packBlocks(BlockMatrix weight, int row, int cols, int from, int depth, float[] panel, int panelOffset, boolean plain) {
        int wordsOfBlock = weight.wordsOfBlock();
        for (int j = 0; j < PANEL_WIDTH; j += L) {
            int n = Math.min(L, cols - j);
            if (n < L || (from | depth) % BLOCK != 0 || (row + j) % L != 0 || row + j + L > weight.grouped()) {
                packOneByOne(weight, row + j, n, from, depth, panel, panelOffset + j);
                continue;
            }
            int lane = (row + j) % BlockMatrix.GROUP;
            int first = row + j - lane;
            float[] scales = SCALES.get().read(weight.data(), weight.scaleAt(first, from / BLOCK), BlockMatrix.GROUP * (depth / BLOCK));
            long at = weight.wordAt(row + j, from / BLOCK * wordsOfBlock);
            for (int b = 0; b < depth / BLOCK; b++) {
                long block = at + (long) Integer.BYTES * BlockMatrix.GROUP * wordsOfBlock * b;
                int to = panelOffset + b * BLOCK * PANEL_WIDTH + j;
                int scale = b * BlockMatrix.GROUP + lane;
                if (plain) ColdBlocks.spread(weight, block - Integer.BYTES * lane, lane, L, panel, to, PANEL_WIDTH, scales, scale);
                else if (weight.format() == DType.Q8_0) spreadBytes(weight.data(), block, panel, to, scales, scale);
                else spreadHalfBytes(weight.data(), block, panel, to, scales, scale);
            }
        }
    }

    /** What is no whole vector of a group or no whole blocks, and the zeros behind the last row. */
    private static void packOneByOne(BlockMatrix weight, int row, int rows, int from, int depth, float[] panel, int panelOffset) {
        for (int l = 0; l < L; l++) {
            for (int p = 0; p < depth; p++) panel[panelOffset + p * PANEL_WIDTH + l] = l < rows ? weight.element(row + l, from + p) : 0f;
        }
    }

    // A code that is left where it stands in its word is 2^4, 2^8 or 2^12 times too large as a number, and the scale as much smaller.
    // That and a multiply-add that takes off what was added to make codes positive round once, as the product of code and scale does.

    /** A block of a vector of rows: each word four elements. */
    private static void spreadBytes(MemorySegment weight, long at, float[] panel, int to, float[] scales, int scaleAt) {
        FloatVector scale = FloatVector.fromArray(F, scales, scaleAt);
        FloatVector higher = scale.mul(0x1p-8f);
        FloatVector offset = scale.mul(-128f);
        for (int i = 0; i < BLOCK / 4; i++) {
            IntVector c = IntVector.fromMemorySegment(I, weight, at + 4L * BlockMatrix.GROUP * i, ByteOrder.LITTLE_ENDIAN)
                    .lanewise(VectorOperators.XOR, 0x80808080);
            IntVector d = c.lanewise(VectorOperators.LSHR, 16);
            int p = to + 4 * i * PANEL_WIDTH;
            ((FloatVector) c.and(0xff).convert(VectorOperators.I2F, 0)).fma(scale, offset).intoArray(panel, p);
            ((FloatVector) c.and(0xff00).convert(VectorOperators.I2F, 0)).fma(higher, offset).intoArray(panel, p + PANEL_WIDTH);
            ((FloatVector) d.and(0xff).convert(VectorOperators.I2F, 0)).fma(scale, offset).intoArray(panel, p + 2 * PANEL_WIDTH);
            ((FloatVector) d.and(0xff00).convert(VectorOperators.I2F, 0)).fma(higher, offset).intoArray(panel, p + 3 * PANEL_WIDTH);
        }
    }

    /** A block of a vector of rows: each word four elements of its first half and four of its second. */
    private static void spreadHalfBytes(MemorySegment weight, long at, float[] panel, int to, float[] scales, int scaleAt) {
        FloatVector scale = FloatVector.fromArray(F, scales, scaleAt);
        FloatVector scale1 = scale.mul(0x1p-4f);
        FloatVector scale2 = scale.mul(0x1p-8f);
        FloatVector scale3 = scale.mul(0x1p-12f);
        FloatVector offset = scale.mul(-8f);
        for (int i = 0; i < BLOCK / 8; i++) {
            IntVector c = IntVector.fromMemorySegment(I, weight, at + 4L * BlockMatrix.GROUP * i, ByteOrder.LITTLE_ENDIAN);
            IntVector d = c.lanewise(VectorOperators.LSHR, 16);
            int p = to + 4 * i * PANEL_WIDTH;
            int q = p + BLOCK / 2 * PANEL_WIDTH;
            ((FloatVector) c.and(0xf).convert(VectorOperators.I2F, 0)).fma(scale, offset).intoArray(panel, p);
            ((FloatVector) c.and(0xf0).convert(VectorOperators.I2F, 0)).fma(scale1, offset).intoArray(panel, q);
            ((FloatVector) c.and(0xf00).convert(VectorOperators.I2F, 0)).fma(scale2, offset).intoArray(panel, p + PANEL_WIDTH);
            ((FloatVector) c.and(0xf000).convert(VectorOperators.I2F, 0)).fma(scale3, offset).intoArray(panel, q + PANEL_WIDTH);
            ((FloatVector) d.and(0xf).convert(VectorOperators.I2F, 0)).fma(scale, offset).intoArray(panel, p + 2 * PANEL_WIDTH);
            ((FloatVector) d.and(0xf0).convert(VectorOperators.I2F, 0)).fma(scale1, offset).intoArray(panel, q + 2 * PANEL_WIDTH);
            ((FloatVector) d.and(0xf00).convert(VectorOperators.I2F, 0)).fma(scale2, offset).intoArray(panel, p + 3 * PANEL_WIDTH);
            ((FloatVector) d.and(0xf000).convert(VectorOperators.I2F, 0)).fma(scale3, offset).intoArray(panel, q + 3 * PANEL_WIDTH);
        }
    }

    @Override
    public void transposePanel(float[] source, int offset, int stride, int cols, int depth, float[] panel, int panelOffset) {
        int width = panelWidth();
        int j = 0;
        if (L >= 8 && depth >= L) {
            for (; j <= cols - L; j += L) {
                int at = offset + j * stride;
                if (L == 16) {
                    for (int p = 0; p < depth; p += L) {
                        // the last block overlaps the one before
                        int q = Math.min(p, depth - L);
                        Transpose16.transpose(source, at + q, stride, panel, panelOffset + q * width + j, width);
                    }
                } else {
                    Transpose8.transpose(source, at, stride, depth & -4, panel, panelOffset + j);
                    if (depth % 4 != 0) {
                        Transpose8.transpose(source, at + depth - 4, stride, 4, panel, panelOffset + (depth - 4) * width + j);
                    }
                }
            }
        }
        for (; j < cols; j++) {
            for (int p = 0; p < depth; p++) panel[panelOffset + p * width + j] = source[offset + j * stride + p];
        }
        if (j == width) return;
        for (int p = 0; p < depth; p++) Arrays.fill(panel, panelOffset + p * width + j, panelOffset + (p + 1) * width, 0f);
    }

    @Override
    public void prepare(DType dtype, int in, int out, FewVectors vectors) {
        if (dtype.isBlocked()) BLOCKS.get().prepare(this, dtype, in, vectors);
        else if (StreamedRows.takes(dtype, in, vectors.count)) StreamedRows.prepare(dtype, in, vectors);
    }

    @Override
    public void dotRows(MemorySegment weight, DType dtype, int in, int row, int rows, FewVectors vectors,
                        float[] y, int yOffset, int yStride) {
        int count = vectors.count;
        float[] x = vectors.x;
        if (count == 1 && dtype == DType.F32) {
            for (int j = 0; j < rows; j++) y[yOffset + j] = dotF32(weight, in, row + j, x, vectors.offset);
        } else if (dtype.isBlocked()) {
            BLOCKS.get().dot(this, weight, dtype, in, row, rows, vectors, y, yOffset, yStride);
        } else if (StreamedRows.takes(dtype, in, count)) {
            StreamedRows.dot(weight, dtype, in, row, rows, vectors, y, yOffset, yStride);
        } else {
            float[] staged = staged(2 * in);
            for (int j = 0; j < rows; j += 2) {
                int n = Math.min(2, rows - j);
                widen(weight, dtype, (long) (row + j) * in, staged, 0, n * in);
                for (int i = 0; i < count; i += 4) {
                    dot2x4(staged, in, n, x, vectors.at(i), vectors.stride, Math.min(4, count - i) - 1,
                            y, yOffset + i * yStride + j, yStride);
                }
            }
        }
    }

    /** This thread's array of at least so many elements, for stored rows that are widened. */
    static float[] staged(int length) {
        float[] stage = STAGE.get();
        if (stage.length < length) STAGE.set(stage = new float[length]);
        return stage;
    }

    // Loads from segments are written out in each loop, one method per stored type. Compiled on its own, a helper that loads from
    // a segment outgrows what C2 inlines, and a type tested within a method spoils the profile of its other branches; either way
    // vectors end up on the heap, one by one.

    private static float dotF32(MemorySegment w, int in, int row, float[] x, int xi) {
        long at = (long) row * in << 2;
        FloatVector s0 = FloatVector.zero(F);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        int p = 0;
        for (; p <= in - 4 * L; p += 4 * L) {
            FloatVector w0 = FloatVector.fromMemorySegment(F, w, at + ((long) p << 2), ByteOrder.LITTLE_ENDIAN);
            s0 = w0.fma(FloatVector.fromArray(F, x, xi + p), s0);
            FloatVector w1 = FloatVector.fromMemorySegment(F, w, at + ((long) p << 2) + 4L * L, ByteOrder.LITTLE_ENDIAN);
            s1 = w1.fma(FloatVector.fromArray(F, x, xi + p + L), s1);
            FloatVector w2 = FloatVector.fromMemorySegment(F, w, at + ((long) p << 2) + 8L * L, ByteOrder.LITTLE_ENDIAN);
            s2 = w2.fma(FloatVector.fromArray(F, x, xi + p + 2 * L), s2);
            FloatVector w3 = FloatVector.fromMemorySegment(F, w, at + ((long) p << 2) + 12L * L, ByteOrder.LITTLE_ENDIAN);
            s3 = w3.fma(FloatVector.fromArray(F, x, xi + p + 3 * L), s3);
        }
        for (; p <= in - L; p += L) {
            s0 = FloatVector.fromMemorySegment(F, w, at + ((long) p << 2), ByteOrder.LITTLE_ENDIAN)
                    .fma(FloatVector.fromArray(F, x, xi + p), s0);
        }
        float sum = sumOf(s0.add(s1).add(s2.add(s3)));
        for (; p < in; p++) sum += ScalarKernels.read(w, DType.F32, (at >> 2) + p) * x[xi + p];
        return sum;
    }

    /** Rows 0 and 1 of w, or row 0 alone, times up to four x; missing ones repeat the last and are written twice. */
    private static void dot2x4(float[] w, int in, int rows, float[] x, int xOffset, int xStride, int last,
                               float[] y, int yOffset, int yStride) {
        int second = (rows - 1) * in;
        int x1 = xOffset + Math.min(1, last) * xStride;
        int x2 = xOffset + Math.min(2, last) * xStride;
        int x3 = xOffset + last * xStride;
        FloatVector s00 = FloatVector.zero(F);
        FloatVector s01 = s00;
        FloatVector s02 = s00;
        FloatVector s03 = s00;
        FloatVector s10 = s00;
        FloatVector s11 = s00;
        FloatVector s12 = s00;
        FloatVector s13 = s00;
        int p = 0;
        for (; p <= in - L; p += L) {
            FloatVector w0 = FloatVector.fromArray(F, w, p);
            FloatVector w1 = FloatVector.fromArray(F, w, second + p);
            FloatVector v0 = FloatVector.fromArray(F, x, xOffset + p);
            s00 = w0.fma(v0, s00);
            s10 = w1.fma(v0, s10);
            FloatVector v1 = FloatVector.fromArray(F, x, x1 + p);
            s01 = w0.fma(v1, s01);
            s11 = w1.fma(v1, s11);
            FloatVector v2 = FloatVector.fromArray(F, x, x2 + p);
            s02 = w0.fma(v2, s02);
            s12 = w1.fma(v2, s12);
            FloatVector v3 = FloatVector.fromArray(F, x, x3 + p);
            s03 = w0.fma(v3, s03);
            s13 = w1.fma(v3, s13);
        }
        int y1 = yOffset + Math.min(1, last) * yStride;
        int y2 = yOffset + Math.min(2, last) * yStride;
        int y3 = yOffset + last * yStride;
        int r1 = rows - 1;
        y[yOffset] = sumOf(s00) + rest(w, 0, x, xOffset, p, in);
        y[y1] = sumOf(s01) + rest(w, 0, x, x1, p, in);
        y[y2] = sumOf(s02) + rest(w, 0, x, x2, p, in);
        y[y3] = sumOf(s03) + rest(w, 0, x, x3, p, in);
        y[yOffset + r1] = sumOf(s10) + rest(w, second, x, xOffset, p, in);
        y[y1 + r1] = sumOf(s11) + rest(w, second, x, x1, p, in);
        y[y2 + r1] = sumOf(s12) + rest(w, second, x, x2, p, in);
        y[y3 + r1] = sumOf(s13) + rest(w, second, x, x3, p, in);
    }

    /** The products past the last whole vector. */
    private static float rest(float[] w, int wOffset, float[] x, int xOffset, int from, int to) {
        float sum = 0;
        for (int p = from; p < to; p++) sum += w[wOffset + p] * x[xOffset + p];
        return sum;
    }

    @Override
    public void widen(MemorySegment source, DType dtype, long from, float[] target, int offset, int n) {
        switch (dtype) {
            case F32 -> MemorySegment.copy(source, ScalarKernels.FLOATS, from << 2, target, offset, n);
            case F16 -> widenF16(source, from, target, offset, n);
            case BF16 -> widenBF16(source, from, target, offset, n);
            default -> throw ScalarKernels.unsupported(dtype);
        }
    }

    private static void widenBF16(MemorySegment source, long from, float[] target, int offset, int n) {
        int i = 0;
        for (; i <= n - L; i += L) {
            IntVector h = (IntVector) ShortVector.fromMemorySegment(H, source, (from + i) << 1, ByteOrder.LITTLE_ENDIAN)
                    .convertShape(VectorOperators.ZERO_EXTEND_S2I, I, 0);
            h.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats().intoArray(target, offset + i);
        }
        for (; i < n; i++) target[offset + i] = ScalarKernels.read(source, DType.BF16, from + i);
    }

    /**
     * Shifted into place, an f16's exponent and mantissa mean its value times 2^-112, for subnormals too. Infinities and NaNs, 0x7c00
     * and up, need the largest exponent: adding 0x400 carries them, and only them, into bit 15.
     */
    private static void widenF16(MemorySegment source, long from, float[] target, int offset, int n) {
        int i = 0;
        for (; i <= n - L; i += L) {
            IntVector h = (IntVector) ShortVector.fromMemorySegment(H, source, (from + i) << 1, ByteOrder.LITTLE_ENDIAN)
                    .convertShape(VectorOperators.S2I, I, 0);
            IntVector magnitude = h.and(0x7fff);
            IntVector special = magnitude.add(0x400).lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 31);
            IntVector bits = magnitude.lanewise(VectorOperators.LSHL, 13).reinterpretAsFloats().mul(0x1p112f).reinterpretAsInts();
            bits.or(special.and(0x7f800000)).or(h.and(0x80000000)).reinterpretAsFloats().intoArray(target, offset + i);
        }
        for (; i < n; i++) target[offset + i] = ScalarKernels.read(source, DType.F16, from + i);
    }

    @Override
    public void roundToBlocks(DType format, float[] x, int n, byte[] codes, float[] scales) {
        if (L < 8) new ScalarKernels().roundToBlocks(format, x, n, codes, scales);
        else if (format == DType.Q8_0) roundToBytes(x, n, codes, scales);
        else roundToHalfBytes(x, n, codes, scales);
    }

    private static void roundToBytes(float[] x, int n, byte[] codes, float[] scales) {
        for (int p = 0; p < n; p += BLOCK) {
            FloatVector most = FloatVector.fromArray(F, x, p).lanewise(VectorOperators.ABS);
            for (int i = L; i < BLOCK; i += L) most = most.max(FloatVector.fromArray(F, x, p + i).lanewise(VectorOperators.ABS));
            float scale = most.reduceLanes(VectorOperators.MAX) / 127;
            scales[p / BLOCK] = scale;
            float inverse = scale == 0 ? 0 : 1 / scale;
            for (int i = 0; i < BLOCK; i += L) {
                FloatVector code = FloatVector.fromArray(F, x, p + i).mul(inverse);
                // a half of the same sign, then towards zero: to the nearest, halves away from zero
                FloatVector half = code.reinterpretAsInts().and(0x80000000).or(0x3f000000).reinterpretAsFloats();
                ((ByteVector) code.add(half).convertShape(VectorOperators.F2B, B, 0)).intoArray(codes, p + i);
            }
        }
    }

    private static void roundToHalfBytes(float[] x, int n, byte[] codes, float[] scales) {
        for (int p = 0; p < n; p += BLOCK) {
            FloatVector highest = FloatVector.fromArray(F, x, p);
            FloatVector lowest = highest;
            for (int i = L; i < BLOCK; i += L) {
                FloatVector v = FloatVector.fromArray(F, x, p + i);
                highest = highest.max(v);
                lowest = lowest.min(v);
            }
            float high = highest.reduceLanes(VectorOperators.MAX);
            float low = lowest.reduceLanes(VectorOperators.MIN);
            float furthest = high == -low ? first(x, p, high) : high > -low ? high : low;
            float scale = furthest / -8;
            scales[p / BLOCK] = scale;
            float inverse = scale == 0 ? 0 : 1 / scale;
            FloatVector factor = FloatVector.broadcast(F, inverse);
            FloatVector up = FloatVector.broadcast(F, 8.5f);
            for (int i = 0; i < BLOCK / 2; i += L) {
                // rounded twice, as the scalar form is, not fused
                IntVector u = (IntVector) FloatVector.fromArray(F, x, p + i).mul(factor).add(up).convert(VectorOperators.F2I, 0);
                IntVector v = (IntVector) FloatVector.fromArray(F, x, p + BLOCK / 2 + i).mul(factor).add(up)
                        .convert(VectorOperators.F2I, 0);
                IntVector both = u.min(15).or(v.min(15).lanewise(VectorOperators.LSHL, 4));
                ((ByteVector) both.convertShape(VectorOperators.I2B, B, 0)).intoArray(codes, (p + 2 * i) / 2);
            }
        }
    }

    /** The first of a block's elements as far from zero as that. */
    private static float first(float[] x, int from, float magnitude) {
        int i = from;
        while (Math.abs(x[i]) != magnitude) i++;
        return x[i];
    }

    @Override
    public float touch(float[] x, int offset, int n) {
        IntVector s0 = IntVector.zero(I);
        IntVector s1 = s0;
        // one load for each 64-byte line
        for (int i = 0; i <= n - 16 - L; i += 32) {
            s0 = s0.add(FloatVector.fromArray(F, x, offset + i).reinterpretAsInts());
            s1 = s1.add(FloatVector.fromArray(F, x, offset + i + 16).reinterpretAsInts());
        }
        return s0.add(s1).reduceLanes(VectorOperators.ADD);
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
        float sum = sumOf(s0.add(s1).add(s2.add(s3)));
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
        // four chains: a maximum that keeps NaN takes several instructions, each waiting for the one before
        FloatVector m0 = FloatVector.broadcast(F, Float.NEGATIVE_INFINITY);
        FloatVector m1 = m0;
        FloatVector m2 = m0;
        FloatVector m3 = m0;
        int i = 0;
        for (; i <= n - 4 * L; i += 4 * L) {
            m0 = m0.max(FloatVector.fromArray(F, x, offset + i));
            m1 = m1.max(FloatVector.fromArray(F, x, offset + i + L));
            m2 = m2.max(FloatVector.fromArray(F, x, offset + i + 2 * L));
            m3 = m3.max(FloatVector.fromArray(F, x, offset + i + 3 * L));
        }
        for (; i <= n - L; i += L) m0 = m0.max(FloatVector.fromArray(F, x, offset + i));
        float max = m0.max(m1).max(m2.max(m3)).reduceLanes(VectorOperators.MAX);
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
        // not sumOf: in a JVM that has compiled much else C2 may leave it a call, and make an object of the vector each time
        float[] lanes = LANES.get();
        sums.intoArray(lanes, 0);
        float sum = sumOf(lanes);
        for (; i < n; i++) {
            float e = (float) Math.exp(x[offset + i] - max);
            x[offset + i] = e;
            sum += e;
        }
        return sum;
    }

    @Override
    public void maxColumns(float[] x, int offset, int rows, float[] max, int maxOffset) {
        FloatVector m0 = FloatVector.fromArray(F, max, maxOffset);
        FloatVector m1 = FloatVector.fromArray(F, max, maxOffset + L);
        FloatVector m2 = FloatVector.fromArray(F, max, maxOffset + 2 * L);
        for (int i = 0; i < rows; i++) {
            FloatVector v0 = FloatVector.fromArray(F, x, offset + i * PANEL_WIDTH);
            FloatVector v1 = FloatVector.fromArray(F, x, offset + i * PANEL_WIDTH + L);
            FloatVector v2 = FloatVector.fromArray(F, x, offset + i * PANEL_WIDTH + 2 * L);
            // vcmpps and vblendvps: a maximum that keeps NaN would take several instructions more
            m0 = m0.blend(v0, v0.compare(VectorOperators.GT, m0));
            m1 = m1.blend(v1, v1.compare(VectorOperators.GT, m1));
            m2 = m2.blend(v2, v2.compare(VectorOperators.GT, m2));
        }
        m0.intoArray(max, maxOffset);
        m1.intoArray(max, maxOffset + L);
        m2.intoArray(max, maxOffset + 2 * L);
    }

    @Override
    public void expMinusColumns(float[] x, int offset, int rows, float[] shift, float[] sums, int sumsOffset) {
        for (int j = 0; j < PANEL_WIDTH; j += L) {
            FloatVector s = FloatVector.fromArray(F, shift, j);
            FloatVector sum = FloatVector.fromArray(F, sums, sumsOffset + j);
            for (int i = 0; i < rows; i++) {
                FloatVector e = exp(FloatVector.fromArray(F, x, offset + i * PANEL_WIDTH + j).sub(s));
                e.intoArray(x, offset + i * PANEL_WIDTH + j);
                sum = sum.add(e);
            }
            sum.intoArray(sums, sumsOffset + j);
        }
    }

    @Override
    public void scaleColumns(float[] x, int offset, int rows, float[] factors) {
        for (int j = 0; j < PANEL_WIDTH; j += L) {
            FloatVector f = FloatVector.fromArray(F, factors, j);
            for (int i = 0; i < rows; i++) {
                FloatVector.fromArray(F, x, offset + i * PANEL_WIDTH + j).mul(f).intoArray(x, offset + i * PANEL_WIDTH + j);
            }
        }
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
            case RELU_SQUARED -> reluSquared(x, offset, end);
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

    private static void reluSquared(float[] x, int from, int to) {
        for (int i = from; i < to; i += L) {
            FloatVector v = FloatVector.fromArray(F, x, i).max(0f);
            v.mul(v).intoArray(x, i);
        }
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
        float sum = sumOf(s0.add(s1));
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
        float squares = sumOf(s0.add(s1));
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

    /**
     * The sum of the lanes, halves first. {@code reduceLanes(ADD)} is free to add in any order and does so differently once it is
     * compiled, so that the same request would give other bits before and after warming up.
     */
    static float sumOf(FloatVector v) {
        if (L >= 16) v = v.add(v.rearrange(BY_8));
        if (L >= 8) v = v.add(v.rearrange(BY_4));
        if (L >= 4) v = v.add(v.rearrange(BY_2));
        return v.lane(0) + v.lane(1);
    }

    /** {@link #sumOf(FloatVector)} of a vector's lanes in memory, the first elements; overwrites them. */
    static float sumOf(float[] lanes) {
        for (int half = L / 2; half > 0; half /= 2) {
            for (int i = 0; i < half; i++) lanes[i] += lanes[i + half];
        }
        return lanes[0];
    }
}
