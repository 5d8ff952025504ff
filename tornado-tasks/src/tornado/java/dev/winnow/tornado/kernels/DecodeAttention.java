package dev.winnow.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Attention of few queries over a long context, split over the keys so that more than the heads can run side by side (Flash-Decoding);
 * the pieces' results are merged by their maxima and sums. Numbers in m as {@link Logits} lists them, and behind the lengths the scratch:
 * {@code [n * heads, pieces, headDim + 2]}, each an unnormalised output, its maximum and its sum.
 *
 * <p>A work-group of 128 takes up to four rows (tokens and heads that share a key head) and one piece of the keys. Tiles of 32 keys go
 * through local memory, so that memory is read in rows and four work-items can share a key; values are read in rows right away, a
 * work-item holding one channel in 128 of all four rows. So keys and values are read once for the heads that share them.
 */
public final class DecodeAttention {
    public static final int LOCAL = 128;

    private static final int ROWS = 4;
    private static final int TILE = 32;

    private DecodeAttention() {}

    /** Groups of {@link #split}. */
    public static int groups(int n, int heads, int kvHeads, int pieces) {
        return pieces * kvHeads * Offsets.pieces(n * (heads / kvHeads), ROWS);
    }

    /** Floats of scratch. */
    public static int scratch(int n, int heads, int headDim, int pieces) {
        return n * heads * pieces * (headDim + 2);
    }

    /**
     * Attends to every piece of the keys.
     *
     * @param headDim at most 256
     * @param softcap as {@link FlashAttention#attend}
     * @param pieces  of the keys, equal but for the last
     */
    public static void split(KernelContext context, IntArray m, int at, FloatArray a, int heads, int kvHeads, int headDim, float scale,
                             float softcap, int pieces) {
        // four work-items that share a key and eight keys side by side then lie in different banks
        int pitch = (headDim + 31) / 32 * 32 + 4;
        float[] queries = context.allocateFloatLocalArray(ROWS * headDim);
        float[] entries = context.allocateFloatLocalArray(TILE * pitch);
        float[] part = context.allocateFloatLocalArray(ROWS * LOCAL);
        float[] weights = context.allocateFloatLocalArray(ROWS * TILE);
        float[] factors = context.allocateFloatLocalArray(ROWS);
        int lane = context.localIdx;
        int group = heads / kvHeads;
        int piece = context.groupIdx % pieces;
        int kvHead = (context.groupIdx / pieces) % kvHeads;
        int firstRow = (context.groupIdx / (pieces * kvHeads)) * ROWS;
        int rows = m.get(at + Logits.QUERIES) * group;
        if (firstRow < rows) {
            int qStride = m.get(at + Logits.Q_STRIDE);
            for (int e = lane; e < ROWS * headDim; e += LOCAL) {
                int r = firstRow + e / headDim;
                float v = 0f;
                if (r < rows) {
                    v = a.get(m.get(at + Logits.Q) + (r / group) * qStride + (kvHead * group + r % group) * headDim + e % headDim);
                }
                queries[e] = v;
            }
            int length = m.get(at + Logits.LENGTHS + kvHead);
            int share = ((length + pieces - 1) / pieces + TILE - 1) / TILE * TILE;
            int last = (piece + 1) * share < length ? (piece + 1) * share : length;
            int keys = m.get(at + Logits.KEYS) + kvHead * m.get(at + Logits.CAPACITY) * headDim;
            int values = m.get(at + Logits.VALUES) + kvHead * m.get(at + Logits.CAPACITY) * headDim;
            // as the softmax sees it a work-item is one key of one row, as the values see it a channel of all rows
            int own = lane / TILE;
            int ownQuery = (firstRow + own) / group;
            int start = 0;
            int end = 0;
            if (firstRow + own < rows) {
                start = Logits.start(m, at, a, kvHead, ownQuery);
                end = Logits.end(m, at, kvHead, ownQuery);
            }
            float most = Scores.NEVER;
            float sum = 0f;
            float g00 = 0f;
            float g01 = 0f;
            float g10 = 0f;
            float g11 = 0f;
            float g20 = 0f;
            float g21 = 0f;
            float g30 = 0f;
            float g31 = 0f;
            context.localBarrier();
            for (int first = piece * share; first < last; first += TILE) {
                for (int e = lane; e < TILE * headDim; e += LOCAL) {
                    int j = e / headDim;
                    float v = 0f;
                    if (first + j < last) v = a.get(keys + first * headDim + e);
                    entries[j * pitch + e % headDim] = v;
                }
                context.localBarrier();
                int key = (lane / 4) * pitch;
                float d0 = 0f;
                float d1 = 0f;
                float d2 = 0f;
                float d3 = 0f;
                for (int d = lane & 3; d < headDim; d += 4) {
                    float k = entries[key + d];
                    d0 += queries[d] * k;
                    d1 += queries[headDim + d] * k;
                    d2 += queries[2 * headDim + d] * k;
                    d3 += queries[3 * headDim + d] * k;
                }
                part[lane] = d0;
                part[LOCAL + lane] = d1;
                part[2 * LOCAL + lane] = d2;
                part[3 * LOCAL + lane] = d3;
                context.localBarrier();
                int slot = first + lane % TILE;
                float logit = Scores.NEVER;
                if (slot >= start && slot < end && slot < last) {
                    int p = own * LOCAL + (lane % TILE) * 4;
                    logit = Scores.logit(part[p] + part[p + 1] + part[p + 2] + part[p + 3], scale, softcap,
                            Logits.bias(m, at, a, kvHead, slot));
                }
                weights[lane] = logit;
                context.localBarrier();
                float top = most;
                for (int j = 0; j < TILE; j++) {
                    float other = weights[own * TILE + j];
                    if (other > top) top = other;
                }
                float weight = Scores.weight(logit, top);
                float factor = Scores.weight(most, top);
                most = top;
                context.localBarrier();
                weights[lane] = weight;
                if (lane % TILE == 0) factors[own] = factor;
                context.localBarrier();
                float tileSum = 0f;
                for (int j = 0; j < TILE; j++) tileSum += weights[own * TILE + j];
                sum = sum * factor + tileSum;
                g00 *= factors[0];
                g01 *= factors[0];
                g10 *= factors[1];
                g11 *= factors[1];
                g20 *= factors[2];
                g21 *= factors[2];
                g30 *= factors[3];
                g31 *= factors[3];
                int live = last - first < TILE ? last - first : TILE;
                for (int j = 0; j < live; j++) {
                    int v = values + (first + j) * headDim + lane;
                    float v0 = 0f;
                    float v1 = 0f;
                    if (lane < headDim) v0 = a.get(v);
                    if (lane + LOCAL < headDim) v1 = a.get(v + LOCAL);
                    float w0 = weights[j];
                    float w1 = weights[TILE + j];
                    float w2 = weights[2 * TILE + j];
                    float w3 = weights[3 * TILE + j];
                    g00 += w0 * v0;
                    g01 += w0 * v1;
                    g10 += w1 * v0;
                    g11 += w1 * v1;
                    g20 += w2 * v0;
                    g21 += w2 * v1;
                    g30 += w3 * v0;
                    g31 += w3 * v1;
                }
                context.localBarrier();
            }
            int scratch = m.get(at + Logits.LENGTHS + kvHeads);
            for (int r = 0; r < ROWS; r++) {
                int row = firstRow + r;
                if (row < rows) {
                    int result = ((row / group) * heads + kvHead * group + row % group) * pieces + piece;
                    int to = scratch + result * (headDim + 2);
                    if (lane < headDim) a.set(to + lane, r == 0 ? g00 : r == 1 ? g10 : r == 2 ? g20 : g30);
                    if (lane + LOCAL < headDim) a.set(to + lane + LOCAL, r == 0 ? g01 : r == 1 ? g11 : r == 2 ? g21 : g31);
                    if (lane == r * TILE) {
                        a.set(to + headDim, most);
                        a.set(to + headDim + 1, sum);
                    }
                }
            }
        }
    }

    /** Groups of {@link #merge}. */
    public static int mergeGroups(int n, int heads) {
        return n * heads;
    }

    /** Merges the pieces: a work-group makes the output of one head of one token. */
    public static void merge(KernelContext context, IntArray m, int at, FloatArray a, int heads, int kvHeads, int headDim, int pieces) {
        int token = context.groupIdx / heads;
        int head = context.groupIdx % heads;
        if (token < m.get(at + Logits.QUERIES)) {
            int from = m.get(at + Logits.LENGTHS + kvHeads) + context.groupIdx * pieces * (headDim + 2);
            float top = Scores.NEVER;
            for (int i = 0; i < pieces; i++) {
                float most = a.get(from + i * (headDim + 2) + headDim);
                if (most > top) top = most;
            }
            float sum = 0f;
            for (int i = 0; i < pieces; i++) {
                int state = from + i * (headDim + 2) + headDim;
                sum += Scores.weight(a.get(state), top) * a.get(state + 1);
            }
            float share = sum > 0f ? 1f / sum : 0f;
            int out = m.get(at + Logits.TARGET) + token * m.get(at + Logits.TARGET_STRIDE) + head * headDim;
            for (int d = context.localIdx; d < headDim; d += LOCAL) {
                float total = 0f;
                for (int i = 0; i < pieces; i++) {
                    int result = from + i * (headDim + 2);
                    total += Scores.weight(a.get(result + headDim), top) * a.get(result + d);
                }
                a.set(out + d, total * share);
            }
        }
    }
}
