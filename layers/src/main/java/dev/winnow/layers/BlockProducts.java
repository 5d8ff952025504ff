package dev.winnow.layers;

import dev.winnow.weights.BlockMatrix;
import dev.winnow.weights.DType;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * A weight in blocks times few vectors (decode), straight from where it is stored, a row in each lane: {@link BlockMatrix} has a
 * group's words side by side, so nothing is added across lanes, an element of x serves sixteen rows, and a block's scales are vectors.
 *
 * <p>Bytes are not taken out of their word before they become floats. Of a word, its lowest byte, its lower two and its lower three are
 * numbers T0, T1, T2, and T3 is all of it: each code is the difference of two neighbours, divided by a power of two, so their dot product
 * with x is one of T with differences of x, made once for all rows. That takes vpand, vcvtdq2ps and vfmadd231ps for eight codes.
 *
 * <p>Half bytes are multiplied as 16-bit numbers (vpmullw, vpaddw), twice as many at a time as floats, with vectors rounded to
 * bytes with a scale for each block of 32, as Q8_0 is: sixteen products fit their sum, which are all of a block that meet in a lane.
 *
 * <p>Not thread-safe: each thread has its own.
 */
final class BlockProducts {
    private static final VectorSpecies<Float> F = PanamaKernels.F;
    private static final VectorSpecies<Integer> I = PanamaKernels.I;
    private static final VectorSpecies<Short> S = VectorSpecies.of(short.class, VectorShape.forBitSize(F.vectorBitSize()));
    private static final VectorSpecies<Byte> B = VectorSpecies.of(byte.class, VectorShape.forBitSize(F.vectorBitSize()));
    private static final int L = F.length();
    private static final int BLOCK = BlockMatrix.BLOCK;
    private static final int GROUP = BlockMatrix.GROUP;
    /** Rows that a loop works on: two vectors of them, or one where it holds the group. */
    private static final int LANES = Math.min(2 * L, GROUP);
    private static final long WORDS_OF_GROUP = (long) Integer.BYTES * GROUP;
    /** Pairs of codes of a block. */
    private static final int PAIRS = BLOCK / 2;
    /** Codes are padded to that, the longest vector of them. */
    private static final int UNIT = 64;
    /** By its place in a word, what an element of x is multiplied by before a part of the next one is subtracted. */
    private static final float[] OWN = repeated(1, 0x1p-8f, 0x1p-16f, 0x1p-24f);
    /** The part of the next one. */
    private static final float[] NEXT = repeated(0x1p-8f, 0x1p-16f, 0x1p-24f, 0);
    /** What makes good that all bytes of a word but the highest are made positive. */
    private static final float[] POSITIVE = repeated(-128, -128, -128, 0);
    static final int MADE_POSITIVE = 0x00808080;
    /** What a code of Q4_0 is stored too high. */
    private static final int HALF_BYTE_OFFSET = 8;

    private final BlockScales scales = new BlockScales();
    /** A vector to be prepared, with a zero behind it; its codes, the even and odd ones of each four, and the sum of these. */
    private float[] source = {};
    private byte[] codes = {};
    private int[] even = {};
    private int[] odd = {};
    private int[] sums = {};
    private float[] scalesOfX = {};
    /** A row that is in no whole group. */
    private float[] row = {};

    private static float[] repeated(float... pattern) {
        float[] all = new float[L];
        for (int i = 0; i < L; i++) all[i] = pattern[i % pattern.length];
        return all;
    }

    /** Makes of vectors what rows of a type are multiplied with. */
    void prepare(Kernels kernels, DType dtype, int in, FewVectors vectors) {
        if (source.length <= in) source = new float[in + L];
        source[in] = 0;
        int all = vectors.count * in;
        if (dtype == DType.Q8_0 && vectors.factors.length < all) {
            vectors.factors = new float[all];
            vectors.corrections = new float[all / BLOCK];
        } else if (dtype == DType.Q4_0 && vectors.pairs.length < all / 2) {
            vectors.pairs = new int[all / 2];
            vectors.blockScales = new float[all / BLOCK];
            vectors.zeroPoints = new int[all / BLOCK];
        }
        for (int i = 0; i < vectors.count; i++) {
            System.arraycopy(vectors.x, vectors.at(i), source, 0, in);
            if (dtype == DType.Q4_0) {
                prepareHalfBytes(kernels, in, vectors, i * in);
            } else if (vectors.plain) {
                ColdBlocks.prepareBytes(source, in, OWN, NEXT, POSITIVE, vectors.factors, i * in, vectors.corrections, i * in / BLOCK);
            } else {
                prepareBytes(in, vectors, i * in);
            }
        }
    }

    private void prepareBytes(int in, FewVectors vectors, int to) {
        FloatVector own = FloatVector.fromArray(F, OWN, 0);
        FloatVector next = FloatVector.fromArray(F, NEXT, 0);
        FloatVector positive = FloatVector.fromArray(F, POSITIVE, 0);
        for (int b = 0; b < in / BLOCK; b++) {
            FloatVector correction = FloatVector.zero(F);
            for (int p = b * BLOCK; p < (b + 1) * BLOCK; p += L) {
                FloatVector u = FloatVector.fromArray(F, source, p);
                u.mul(own).sub(FloatVector.fromArray(F, source, p + 1).mul(next)).intoArray(vectors.factors, to + p);
                correction = u.fma(positive, correction);
            }
            vectors.corrections[to / BLOCK + b] = PanamaKernels.sumOf(correction);
        }
    }

    private void prepareHalfBytes(Kernels kernels, int in, FewVectors vectors, int first) {
        int padded = Gemm.upTo(in, UNIT);
        if (codes.length < padded) {
            codes = new byte[padded];
            even = new int[padded / 4];
            odd = new int[padded / 4];
            sums = new int[padded / 4];
            scalesOfX = new float[padded / BLOCK];
        }
        kernels.roundToBlocks(DType.Q8_0, source, in, codes, scalesOfX);
        System.arraycopy(scalesOfX, 0, vectors.blockScales, first / BLOCK, in / BLOCK);
        if (vectors.plain) {
            ColdBlocks.preparePairs(codes, in, HALF_BYTE_OFFSET, vectors.pairs, first / 2, vectors.zeroPoints, first / BLOCK);
            return;
        }
        for (int p = 0; p < in; p += 4 * L) splitPairs(p);
        for (int b = 0; b < in / BLOCK; b++) {
            int sum = 0;
            for (int k = 0; k < BLOCK / 8; k++) {
                int lower = b * (BLOCK / 4) + k;
                int upper = lower + BLOCK / 8;
                int to = first / 2 + b * PAIRS + 4 * k;
                vectors.pairs[to] = even[lower];
                vectors.pairs[to + 1] = even[upper];
                vectors.pairs[to + 2] = odd[lower];
                vectors.pairs[to + 3] = odd[upper];
                sum += sums[lower] + sums[upper];
            }
            vectors.zeroPoints[first / BLOCK + b] = HALF_BYTE_OFFSET * sum;
        }
    }

    /** Of each four codes of a vector from one on the even two, the odd two, and their sum. */
    private void splitPairs(int p) {
        ShortVector c = ByteVector.fromArray(B, codes, p).reinterpretAsShorts();
        ShortVector u = c.lanewise(VectorOperators.LSHL, 8).lanewise(VectorOperators.ASHR, 8);
        ShortVector v = c.lanewise(VectorOperators.ASHR, 8);
        u.reinterpretAsInts().intoArray(even, p / 4);
        v.reinterpretAsInts().intoArray(odd, p / 4);
        IntVector both = u.add(v).reinterpretAsInts();
        both.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16).add(both.lanewise(VectorOperators.ASHR, 16))
                .intoArray(sums, p / 4);
    }

    /** {@code y[yOffset + i * yStride + j] = W[first + j] . x[i]} for j &lt; rows and each vector i. */
    void dot(Kernels kernels, MemorySegment weight, DType dtype, int in, int first, int rows, FewVectors vectors,
             float[] y, int yOffset, int yStride) {
        BlockMatrix matrix = new BlockMatrix(weight, dtype, in);
        int end = first + rows;
        int from = Math.min(end, Gemm.upTo(first, GROUP));
        int grouped = from + (int) Math.max(0, Math.min(end, matrix.grouped()) - from) / GROUP * GROUP;
        oneByOne(kernels, matrix, first, from, vectors, y, yOffset, yStride);
        for (int r = from; r < grouped; r += GROUP) group(matrix, r, vectors, y, yOffset + r - first, yStride);
        oneByOne(kernels, matrix, grouped, end, vectors, y, yOffset + grouped - first, yStride);
    }

    private void group(BlockMatrix matrix, int row, FewVectors vectors, float[] y, int yOffset, int yStride) {
        int blocks = matrix.in() / BLOCK;
        long at = matrix.wordAt(row, 0);
        float[] ofGroup = scales.read(matrix.data(), matrix.scaleAt(row, 0), GROUP * blocks);
        for (int i = 0; i < vectors.count; i++) {
            int to = yOffset + i * yStride;
            if (vectors.plain) {
                ColdBlocks.dot(matrix, at, i * blocks, vectors, ofGroup, y, to);
                continue;
            }
            for (int lane = 0; lane < GROUP; lane += LANES) {
                if (matrix.format() == DType.Q8_0) {
                    bytes(matrix.data(), at + Integer.BYTES * lane, i * blocks, blocks, vectors.factors, vectors.corrections,
                            ofGroup, lane, y, to + lane, 0xff, 0xffff, 0xffffff, MADE_POSITIVE);
                } else {
                    halfBytes(matrix.data(), at + Integer.BYTES * lane, i * blocks, blocks, vectors.pairs, vectors.zeroPoints,
                            vectors.blockScales, ofGroup, lane, y, to + lane, 0x000f000f);
                }
            }
        }
    }

    /** Rows from .. end - 1, parts of a group or behind the last one, widened. */
    private void oneByOne(Kernels kernels, BlockMatrix matrix, int from, int end, FewVectors vectors,
                          float[] y, int yOffset, int yStride) {
        if (row.length < matrix.in()) row = new float[matrix.in()];
        for (int r = from; r < end; r++) {
            matrix.widen(r, row, 0);
            for (int i = 0; i < vectors.count; i++) {
                y[yOffset + i * yStride + r - from] = kernels.dot(row, 0, vectors.x, vectors.at(i), matrix.in());
            }
        }
    }

    // Offsets are sums of a long that stays and a multiple of an int counter: of those C2 checks the bounds before the loop. Masks are
    // arguments because C2 loads a constant vector anew each time it is used. The second of the two vectors is left out, by a
    // condition that C2 knows, where one holds the group. Nothing is put into helpers, which C2 stops inlining in methods of this size.

    /** LANES rows of bytes from their first word on, times the vector whose first block is the given one. */
    private static void bytes(MemorySegment w, long at, int first, int blocks, float[] factors, float[] corrections,
                              float[] scales, int lane, float[] y, int to, int one, int two, int three, int positive) {
        IntVector lowest = IntVector.broadcast(I, one);
        IntVector lower = IntVector.broadcast(I, two);
        IntVector low = IntVector.broadcast(I, three);
        IntVector signs = IntVector.broadcast(I, positive);
        FloatVector y0 = FloatVector.zero(F);
        FloatVector y1 = y0;
        for (int b = 0; b < blocks; b++) {
            FloatVector s0 = FloatVector.broadcast(F, corrections[first + b]);
            FloatVector s1 = s0;
            FloatVector t0 = FloatVector.zero(F);
            FloatVector t1 = t0;
            for (int k = 0; k < BLOCK / 4; k++) {
                int p = (first + b) * BLOCK + 4 * k;
                FloatVector x0 = FloatVector.broadcast(F, factors[p]);
                FloatVector x1 = FloatVector.broadcast(F, factors[p + 1]);
                FloatVector x2 = FloatVector.broadcast(F, factors[p + 2]);
                FloatVector x3 = FloatVector.broadcast(F, factors[p + 3]);
                IntVector u = IntVector.fromMemorySegment(I, w, at + 8 * WORDS_OF_GROUP * b + WORDS_OF_GROUP * k, ByteOrder.LITTLE_ENDIAN)
                        .lanewise(VectorOperators.XOR, signs);
                s0 = ((FloatVector) u.and(lowest).convert(VectorOperators.I2F, 0)).fma(x0, s0);
                t0 = ((FloatVector) u.and(lower).convert(VectorOperators.I2F, 0)).fma(x1, t0);
                s0 = ((FloatVector) u.and(low).convert(VectorOperators.I2F, 0)).fma(x2, s0);
                t0 = ((FloatVector) u.convert(VectorOperators.I2F, 0)).fma(x3, t0);
                if (L < GROUP) {
                    IntVector v = IntVector.fromMemorySegment(I, w, at + 8 * WORDS_OF_GROUP * b + (WORDS_OF_GROUP * k + 4L * L),
                            ByteOrder.LITTLE_ENDIAN).lanewise(VectorOperators.XOR, signs);
                    s1 = ((FloatVector) v.and(lowest).convert(VectorOperators.I2F, 0)).fma(x0, s1);
                    t1 = ((FloatVector) v.and(lower).convert(VectorOperators.I2F, 0)).fma(x1, t1);
                    s1 = ((FloatVector) v.and(low).convert(VectorOperators.I2F, 0)).fma(x2, s1);
                    t1 = ((FloatVector) v.convert(VectorOperators.I2F, 0)).fma(x3, t1);
                }
            }
            y0 = s0.add(t0).fma(FloatVector.fromArray(F, scales, GROUP * b + lane), y0);
            if (L < GROUP) y1 = s1.add(t1).fma(FloatVector.fromArray(F, scales, GROUP * b + lane + L), y1);
        }
        y0.intoArray(y, to);
        if (L < GROUP) y1.intoArray(y, to + L);
    }

    /** LANES rows of half bytes from their first word on, times the vector whose first block is the given one. */
    private static void halfBytes(MemorySegment w, long at, int first, int blocks, int[] pairs, int[] zeroPoints, float[] ofX,
                                  float[] scales, int lane, float[] y, int to, int mask) {
        IntVector low = IntVector.broadcast(I, mask);
        FloatVector y0 = FloatVector.zero(F);
        FloatVector y1 = y0;
        for (int b = 0; b < blocks; b++) {
            ShortVector s0 = ShortVector.zero(S);
            ShortVector s1 = s0;
            for (int k = 0; k < BLOCK / 8; k++) {
                int p = (first + b) * PAIRS + 4 * k;
                ShortVector x0 = IntVector.broadcast(I, pairs[p]).reinterpretAsShorts();
                ShortVector x1 = IntVector.broadcast(I, pairs[p + 1]).reinterpretAsShorts();
                ShortVector x2 = IntVector.broadcast(I, pairs[p + 2]).reinterpretAsShorts();
                ShortVector x3 = IntVector.broadcast(I, pairs[p + 3]).reinterpretAsShorts();
                IntVector u = IntVector.fromMemorySegment(I, w, at + 4 * WORDS_OF_GROUP * b + WORDS_OF_GROUP * k, ByteOrder.LITTLE_ENDIAN);
                s0 = s0.add(u.and(low).reinterpretAsShorts().mul(x0));
                s0 = s0.add(u.lanewise(VectorOperators.LSHR, 4).and(low).reinterpretAsShorts().mul(x1));
                s0 = s0.add(u.lanewise(VectorOperators.LSHR, 8).and(low).reinterpretAsShorts().mul(x2));
                s0 = s0.add(u.lanewise(VectorOperators.LSHR, 12).and(low).reinterpretAsShorts().mul(x3));
                if (L < GROUP) {
                    IntVector v = IntVector.fromMemorySegment(I, w, at + 4 * WORDS_OF_GROUP * b + (WORDS_OF_GROUP * k + 4L * L),
                            ByteOrder.LITTLE_ENDIAN);
                    s1 = s1.add(v.and(low).reinterpretAsShorts().mul(x0));
                    s1 = s1.add(v.lanewise(VectorOperators.LSHR, 4).and(low).reinterpretAsShorts().mul(x1));
                    s1 = s1.add(v.lanewise(VectorOperators.LSHR, 8).and(low).reinterpretAsShorts().mul(x2));
                    s1 = s1.add(v.lanewise(VectorOperators.LSHR, 12).and(low).reinterpretAsShorts().mul(x3));
                }
            }
            IntVector tooHigh = IntVector.broadcast(I, zeroPoints[first + b]);
            FloatVector scale = FloatVector.broadcast(F, ofX[first + b]);
            IntVector both = s0.reinterpretAsInts();
            IntVector sum = both.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16)
                    .add(both.lanewise(VectorOperators.ASHR, 16)).sub(tooHigh);
            y0 = ((FloatVector) sum.convert(VectorOperators.I2F, 0)).mul(scale)
                    .fma(FloatVector.fromArray(F, scales, GROUP * b + lane), y0);
            if (L < GROUP) {
                both = s1.reinterpretAsInts();
                sum = both.lanewise(VectorOperators.LSHL, 16).lanewise(VectorOperators.ASHR, 16)
                        .add(both.lanewise(VectorOperators.ASHR, 16)).sub(tooHigh);
                y1 = ((FloatVector) sum.convert(VectorOperators.I2F, 0)).mul(scale)
                        .fma(FloatVector.fromArray(F, scales, GROUP * b + lane + L), y1);
            }
        }
        y0.intoArray(y, to);
        if (L < GROUP) y1.intoArray(y, to + L);
    }
}
