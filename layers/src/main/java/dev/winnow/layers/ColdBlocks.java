package dev.winnow.layers;

import dev.winnow.weights.BlockMatrix;
import dev.winnow.weights.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Weights in blocks in plain loops, for {@link ColdKernels}: what {@link BlockProducts} and the packing of panels do to a lane, in the same
 * order. Integers need no order.
 */
final class ColdBlocks {
    private static final int GROUP = BlockMatrix.GROUP;
    private static final int BLOCK = BlockMatrix.BLOCK;
    private static final int WORDS_OF_BYTES = BLOCK / 4;
    private static final int WORDS_OF_HALF_BYTES = BLOCK / 8;

    private static final ThreadLocal<int[]> STAGE = ThreadLocal.withInitial(() -> new int[GROUP * WORDS_OF_BYTES]);
    private static final ThreadLocal<float[]> SUMS = ThreadLocal.withInitial(() -> new float[2 * GROUP]);

    private ColdBlocks() {}

    /** A group's block, of the words from a byte on. */
    private static int[] block(MemorySegment weight, long at, int words) {
        int[] staged = STAGE.get();
        MemorySegment.copy(weight, BlockMatrix.WORDS, at, staged, 0, GROUP * words);
        return staged;
    }

    /** A block of some rows of a group, from its lane on: a column each of a panel. */
    static void spread(BlockMatrix matrix, long at, int lane, int rows, float[] panel, int to, int width, float[] scales, int scaleAt) {
        int[] words = block(matrix.data(), at, matrix.wordsOfBlock());
        if (matrix.format() == DType.Q8_0) plainBytes(words, lane, rows, panel, to, width, scales, scaleAt);
        else plainHalfBytes(words, lane, rows, panel, to, width, scales, scaleAt);
    }

    private static void plainBytes(int[] words, int lane, int rows, float[] panel, int to, int width, float[] scales, int scaleAt) {
        for (int r = 0; r < rows; r++) {
            float scale = scales[scaleAt + r];
            for (int k = 0, at = to + r; k < WORDS_OF_BYTES; k++) {
                int codes = words[GROUP * k + lane + r] ^ 0x80808080;
                for (int i = 0; i < 4; i++, at += width, codes >>>= 8) panel[at] = Math.fma(codes & 0xff, scale, scale * -128f);
            }
        }
    }

    private static void plainHalfBytes(int[] words, int lane, int rows, float[] panel, int to, int width, float[] scales, int scaleAt) {
        for (int r = 0; r < rows; r++) {
            float scale = scales[scaleAt + r];
            for (int k = 0, at = to + r; k < WORDS_OF_HALF_BYTES; k++) {
                int codes = words[GROUP * k + lane + r];
                for (int i = 0; i < 4; i++, at += width, codes >>>= 8) {
                    panel[at] = Math.fma(codes & 15, scale, scale * -8f);
                    panel[at + BLOCK / 2 * width] = Math.fma(codes >> 4 & 15, scale, scale * -8f);
                }
            }
        }
    }

    /** What {@link BlockProducts} multiplies bytes with: of elements of source, behind which there is one more, and for blocks. */
    static void prepareBytes(float[] source, int in, float[] own, float[] next, float[] positive, float[] factors, int to,
                             float[] corrections, int correctionsTo) {
        int lanes = own.length;
        float[] sums = SUMS.get();
        plainFactors(source, in, own, next, lanes, factors, to);
        for (int b = 0; b < in / BLOCK; b++) {
            Arrays.fill(sums, 0, lanes, 0f);
            for (int p = b * BLOCK; p < (b + 1) * BLOCK; p += lanes) plainAddProducts(source, p, positive, sums, lanes);
            corrections[correctionsTo + b] = PanamaKernels.sumOf(sums);
        }
    }

    private static void plainFactors(float[] source, int in, float[] own, float[] next, int lanes, float[] factors, int to) {
        for (int p = 0; p < in; p += lanes) {
            for (int l = 0; l < lanes; l++) factors[to + p + l] = source[p + l] * own[l] - source[p + l + 1] * next[l];
        }
    }

    private static void plainAddProducts(float[] a, int from, float[] b, float[] sums, int lanes) {
        for (int l = 0; l < lanes; l++) sums[l] = Math.fma(a[from + l], b[l], sums[l]);
    }

    /** What {@link BlockProducts} multiplies half bytes with: pairs of codes, in its order, and of blocks their sum times an offset. */
    static void preparePairs(byte[] codes, int in, int offset, int[] pairs, int to, int[] zeroPoints, int zeroPointsTo) {
        for (int b = 0; b < in / BLOCK; b++) {
            int sum = 0;
            for (int i = b * BLOCK; i < (b + 1) * BLOCK; i++) sum += codes[i];
            zeroPoints[zeroPointsTo + b] = offset * sum;
            for (int k = 0; k < BLOCK / 8; k++, to += 4) {
                int at = b * BLOCK + 4 * k;
                pairs[to] = pair(codes, at);
                pairs[to + 1] = pair(codes, at + BLOCK / 2);
                pairs[to + 2] = pair(codes, at + 1);
                pairs[to + 3] = pair(codes, at + BLOCK / 2 + 1);
            }
        }
    }

    private static int pair(byte[] codes, int at) {
        return codes[at] & 0xffff | codes[at + 2] << 16;
    }

    /** A group of rows, from a byte on, times the vector whose first block is the given one. */
    static void dot(BlockMatrix matrix, long group, int first, FewVectors vectors, float[] scales, float[] y, int to) {
        Arrays.fill(y, to, to + GROUP, 0f);
        int blocks = matrix.in() / BLOCK;
        for (int b = 0; b < blocks; b++) {
            int[] words = block(matrix.data(), group + (long) Integer.BYTES * GROUP * matrix.wordsOfBlock() * b, matrix.wordsOfBlock());
            if (matrix.format() == DType.Q8_0) addBlockOfBytes(words, first + b, vectors, scales, GROUP * b, y, to);
            else addBlockOfHalfBytes(words, first + b, vectors, scales, GROUP * b, y, to);
        }
    }

    private static void addBlockOfBytes(int[] words, int block, FewVectors vectors, float[] scales, int scaleAt, float[] y, int to) {
        float[] sums = SUMS.get();
        Arrays.fill(sums, 0, GROUP, vectors.corrections[block]);
        Arrays.fill(sums, GROUP, 2 * GROUP, 0f);
        for (int k = 0; k < WORDS_OF_BYTES; k++) addBytes(words, GROUP * k, vectors.factors, block * BLOCK + 4 * k, sums);
        for (int l = 0; l < GROUP; l++) y[to + l] = Math.fma(sums[l] + sums[GROUP + l], scales[scaleAt + l], y[to + l]);
    }

    private static void addBytes(int[] words, int from, float[] factors, int p, float[] sums) {
        float x0 = factors[p];
        float x1 = factors[p + 1];
        float x2 = factors[p + 2];
        float x3 = factors[p + 3];
        for (int l = 0; l < GROUP; l++) {
            int u = words[from + l] ^ BlockProducts.MADE_POSITIVE;
            sums[l] = Math.fma((float) (u & 0xffffff), x2, Math.fma((float) (u & 0xff), x0, sums[l]));
            sums[GROUP + l] = Math.fma((float) u, x3, Math.fma((float) (u & 0xffff), x1, sums[GROUP + l]));
        }
    }

    private static void addBlockOfHalfBytes(int[] words, int block, FewVectors vectors, float[] scales, int scaleAt, float[] y, int to) {
        float scale = vectors.blockScales[block];
        for (int l = 0; l < GROUP; l++) {
            int sum = sumOfHalfBytes(words, l, vectors.pairs, block * BLOCK / 2) - vectors.zeroPoints[block];
            y[to + l] = Math.fma(sum * scale, scales[scaleAt + l], y[to + l]);
        }
    }

    private static int sumOfHalfBytes(int[] words, int lane, int[] pairs, int p) {
        int sum = 0;
        for (int k = 0; k < WORDS_OF_HALF_BYTES; k++) {
            int u = words[GROUP * k + lane];
            for (int i = 0; i < 4; i++, u >>>= 4) {
                int x = pairs[p + 4 * k + i];
                sum += (u & 15) * (short) x + (u >> 16 & 15) * (x >> 16);
            }
        }
        return sum;
    }
}
