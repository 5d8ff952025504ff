package dev.winnow.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Attention in tiles with an online softmax (Milakov and Gimelshein 2018, Dao et al. 2022), and the rows of probabilities that probes ask
 * for. Numbers in m as {@link Logits} lists them.
 *
 * <p>A work-group of 128 takes 32 queries of one head and lets tiles of 32 keys pass: scores are 4 x 2 a work-item in registers, their
 * maxima and sums come from four work-items a row, and the outputs stay in registers, each work-item holding every 16th channel of four
 * rows. One tile of local memory holds keys first and then values; rows are padded by one element against bank conflicts. Local memory is
 * {@code 256 (headDim + 17) + 5120} bytes at most: 40 KiB for 128 channels. Heads vary fastest over the groups, so that the heads that
 * share keys find them in the cache.
 */
public final class FlashAttention {
    public static final int LOCAL = 128;

    private static final int TILE = 32;
    private static final int PITCH = TILE + 1;
    /** Channels that a work-item can hold of a row: heads of 256 at most. */
    private static final int CHANNELS = 16;

    private static final int ROWS_FIRST = 4;

    private FlashAttention() {}

    /** Groups of {@link #attend}. */
    public static int groups(int n, int heads) {
        return Offsets.pieces(n, TILE) * heads;
    }

    /**
     * {@code out[i, h] = softmax(q[i, h] . K[h / group]^T * scale + bias) V}. A query that sees no key gets zeros.
     *
     * @param softcap bound c on the logits, {@code c tanh(logit / c)}, or 0 for none
     * @param headDim at most 256
     */
    public static void attend(KernelContext context, IntArray m, int at, FloatArray a, int heads, int kvHeads, int headDim, float scale,
                              float softcap) {
        int depth = (headDim + 15) / 16 * 16;
        int pitch = depth + 1;
        float[] queries = context.allocateFloatLocalArray(TILE * pitch);
        float[] entries = context.allocateFloatLocalArray(TILE * pitch);
        float[] weights = context.allocateFloatLocalArray(TILE * PITCH);
        float[] part = context.allocateFloatLocalArray(LOCAL);
        float[] maxima = context.allocateFloatLocalArray(TILE);
        float[] sums = context.allocateFloatLocalArray(TILE);
        float[] shrink = context.allocateFloatLocalArray(TILE);
        int[] starts = context.allocateIntLocalArray(TILE);
        int[] ends = context.allocateIntLocalArray(TILE);
        float[] gathered = new float[4 * CHANNELS];

        int lane = context.localIdx;
        int head = context.groupIdx % heads;
        int firstQuery = (context.groupIdx / heads) * TILE;
        int kvHead = head / (heads / kvHeads);
        int n = m.get(at + Logits.QUERIES);
        if (firstQuery < n) {
            int tx = lane & 15;
            int row = (lane / 16) * 4;
            int base = m.get(at + Logits.Q) + head * headDim;
            int qStride = m.get(at + Logits.Q_STRIDE);
            for (int e = lane; e < TILE * depth; e += LOCAL) {
                int i = e / depth;
                int d = e % depth;
                float v = 0f;
                if (d < headDim && firstQuery + i < n) v = a.get(base + (firstQuery + i) * qStride + d);
                queries[i * pitch + d] = v;
            }
            if (lane < TILE) {
                maxima[lane] = Scores.NEVER;
                sums[lane] = 0f;
                int end = Logits.end(m, at, kvHead, firstQuery + lane);
                ends[lane] = end;
                starts[lane] = end == 0 ? 0 : Logits.start(m, at, a, kvHead, firstQuery + lane);
            }
            for (int i = 0; i < 4 * CHANNELS; i++) gathered[i] = 0f;
            context.localBarrier();
            // later queries see further
            int last = ends[n - firstQuery < TILE ? n - firstQuery - 1 : TILE - 1];
            int keys = m.get(at + Logits.KEYS) + kvHead * m.get(at + Logits.CAPACITY) * headDim;
            int values = m.get(at + Logits.VALUES) + kvHead * m.get(at + Logits.CAPACITY) * headDim;
            for (int first = starts[0]; first < last; first += TILE) {
                for (int e = lane; e < TILE * depth; e += LOCAL) {
                    int d = e % depth;
                    float v = 0f;
                    if (d < headDim && first + e / depth < last) v = a.get(keys + (first + e / depth) * headDim + d);
                    entries[e / depth * pitch + d] = v;
                }
                context.localBarrier();
                float s00 = 0f;
                float s01 = 0f;
                float s10 = 0f;
                float s11 = 0f;
                float s20 = 0f;
                float s21 = 0f;
                float s30 = 0f;
                float s31 = 0f;
                for (int d = 0; d < depth; d++) {
                    float k0 = entries[tx * pitch + d];
                    float k1 = entries[(tx + 16) * pitch + d];
                    float q0 = queries[row * pitch + d];
                    float q1 = queries[(row + 1) * pitch + d];
                    float q2 = queries[(row + 2) * pitch + d];
                    float q3 = queries[(row + 3) * pitch + d];
                    s00 += q0 * k0;
                    s01 += q0 * k1;
                    s10 += q1 * k0;
                    s11 += q1 * k1;
                    s20 += q2 * k0;
                    s21 += q2 * k1;
                    s30 += q3 * k0;
                    s31 += q3 * k1;
                }
                weights[row * PITCH + tx] = s00;
                weights[row * PITCH + tx + 16] = s01;
                weights[(row + 1) * PITCH + tx] = s10;
                weights[(row + 1) * PITCH + tx + 16] = s11;
                weights[(row + 2) * PITCH + tx] = s20;
                weights[(row + 2) * PITCH + tx + 16] = s21;
                weights[(row + 3) * PITCH + tx] = s30;
                weights[(row + 3) * PITCH + tx + 16] = s31;
                context.localBarrier();

                for (int e = lane; e < TILE * depth; e += LOCAL) {
                    int d = e % depth;
                    float v = 0f;
                    if (d < headDim && first + e / depth < last) v = a.get(values + (first + e / depth) * headDim + d);
                    entries[e / depth * pitch + d] = v;
                }
                int own = lane / 4;
                float most = Scores.NEVER;
                for (int j = lane & 3; j < TILE; j += 4) {
                    int slot = first + j;
                    float logit = Scores.NEVER;
                    if (slot >= starts[own] && slot < ends[own]) {
                        logit = Scores.logit(weights[own * PITCH + j], scale, softcap, Logits.bias(m, at, a, kvHead, slot));
                    }
                    weights[own * PITCH + j] = logit;
                    if (logit > most) most = logit;
                }
                part[lane] = most;
                context.localBarrier();
                float old = maxima[own];
                float top = old;
                for (int j = 0; j < 4; j++) top = part[own * 4 + j] > top ? part[own * 4 + j] : top;
                float sum = 0f;
                for (int j = lane & 3; j < TILE; j += 4) {
                    float w = Scores.weight(weights[own * PITCH + j], top);
                    weights[own * PITCH + j] = w;
                    sum += w;
                }
                context.localBarrier();
                part[lane] = sum;
                context.localBarrier();
                if ((lane & 3) == 0) {
                    float factor = Scores.weight(old, top);
                    shrink[own] = factor;
                    maxima[own] = top;
                    sums[own] = sums[own] * factor + part[lane] + part[lane + 1] + part[lane + 2] + part[lane + 3];
                }
                context.localBarrier();

                for (int i = 0; i < 4; i++) {
                    for (int c = 0; c < depth / 16; c++) gathered[i * CHANNELS + c] *= shrink[row + i];
                }
                for (int j = 0; j < TILE; j++) {
                    float w0 = weights[row * PITCH + j];
                    float w1 = weights[(row + 1) * PITCH + j];
                    float w2 = weights[(row + 2) * PITCH + j];
                    float w3 = weights[(row + 3) * PITCH + j];
                    for (int c = 0; c < depth / 16; c++) {
                        float v = entries[j * pitch + tx + 16 * c];
                        gathered[c] += w0 * v;
                        gathered[CHANNELS + c] += w1 * v;
                        gathered[2 * CHANNELS + c] += w2 * v;
                        gathered[3 * CHANNELS + c] += w3 * v;
                    }
                }
                context.localBarrier();
            }
            int out = m.get(at + Logits.TARGET) + head * headDim;
            int outStride = m.get(at + Logits.TARGET_STRIDE);
            for (int i = 0; i < 4; i++) {
                float sum = sums[row + i];
                float share = sum > 0f ? 1f / sum : 0f;
                for (int c = 0; c < depth / 16; c++) {
                    if (firstQuery + row + i < n && tx + 16 * c < headDim) {
                        a.set(out + (firstQuery + row + i) * outStride + tx + 16 * c, gathered[i * CHANNELS + c] * share);
                    }
                }
            }
        }
    }

    /** Groups of {@link #probabilities}. */
    public static int rowGroups(int count, int heads) {
        return count * heads;
    }

    /**
     * Attention probabilities of consecutive queries: a work-group makes one row of one head, four work-items sharing a key. Zero where a
     * key is masked or beyond its head's length.
     *
     * @param m at: as {@link Logits}, but 3 target [heads, count, columns], 4 first query, and behind the lengths count and columns
     */
    public static void probabilities(KernelContext context, IntArray m, int at, FloatArray a, int heads, int kvHeads, int headDim,
                                     float scale, float softcap) {
        float[] query = context.allocateFloatLocalArray(headDim);
        float[] part = context.allocateFloatLocalArray(LOCAL);
        int lane = context.localIdx;
        int count = m.get(at + Logits.LENGTHS + kvHeads);
        int columns = m.get(at + Logits.LENGTHS + kvHeads + 1);
        int head = context.groupIdx / count;
        int row = context.groupIdx % count;
        if (head < heads) {
            int kvHead = head / (heads / kvHeads);
            int number = m.get(at + ROWS_FIRST) + row;
            int q = m.get(at + Logits.Q) + number * m.get(at + Logits.Q_STRIDE) + head * headDim;
            int target = m.get(at + Logits.TARGET) + (head * count + row) * columns;
            int keys = m.get(at + Logits.KEYS) + kvHead * m.get(at + Logits.CAPACITY) * headDim;
            int start = Logits.start(m, at, a, kvHead, number);
            int end = Logits.end(m, at, kvHead, number);
            for (int d = lane; d < headDim; d += LOCAL) query[d] = a.get(q + d);
            context.localBarrier();
            float most = Scores.NEVER;
            for (int first = 0; first < columns; first += TILE) {
                int slot = first + lane / 4;
                float dot = 0f;
                if (slot >= start && slot < end) {
                    for (int d = lane & 3; d < headDim; d += 4) dot += query[d] * a.get(keys + slot * headDim + d);
                }
                part[lane] = dot;
                context.localBarrier();
                int mine = first + lane;
                if (lane < TILE && mine < columns) {
                    float logit = Scores.NEVER;
                    if (mine >= start && mine < end) {
                        logit = Scores.logit(part[4 * lane] + part[4 * lane + 1] + part[4 * lane + 2] + part[4 * lane + 3], scale, softcap,
                                Logits.bias(m, at, a, kvHead, mine));
                    }
                    if (logit > most) most = logit;
                    a.set(target + mine, logit);
                }
                context.localBarrier();
            }
            part[lane] = most;
            context.localBarrier();
            for (int stride = LOCAL / 2; stride > 0; stride = stride / 2) {
                if (lane < stride && part[lane + stride] > part[lane]) part[lane] = part[lane + stride];
                context.localBarrier();
            }
            float top = part[0];
            context.globalBarrier();
            float sum = 0f;
            for (int j = lane; j < columns; j += LOCAL) {
                float w = Scores.weight(a.get(target + j), top);
                a.set(target + j, w);
                sum += w;
            }
            part[lane] = sum;
            context.localBarrier();
            for (int stride = LOCAL / 2; stride > 0; stride = stride / 2) {
                if (lane < stride) part[lane] = part[lane] + part[lane + stride];
                context.localBarrier();
            }
            float total = part[0];
            float share = total > 0f ? 1f / total : 0f;
            for (int j = lane; j < columns; j += LOCAL) a.set(target + j, a.get(target + j) * share);
        }
    }

    /** Groups of {@link #sumRows}. */
    public static int sumGroups(int columns, int heads) {
        return heads * Offsets.pieces(columns, LOCAL);
    }

    /**
     * What each key receives: the sum of rows of probabilities, one work-item a column.
     *
     * @param m at: 0 source [heads, count, columns], 1 target [heads, columns], 2 count, 3 columns, 4 whether to add to the target
     */
    public static void sumRows(KernelContext context, IntArray m, int at, FloatArray a, int heads) {
        int count = m.get(at + 2);
        int columns = m.get(at + 3);
        int across = (columns + LOCAL - 1) / LOCAL;
        int head = context.groupIdx / across;
        int j = (context.groupIdx % across) * LOCAL + context.localIdx;
        if (head < heads && j < columns) {
            int target = m.get(at + 1) + head * columns + j;
            float sum = 0f;
            if (m.get(at + 4) == 1) sum = a.get(target);
            for (int i = 0; i < count; i++) sum += a.get(m.get(at) + (head * count + i) * columns + j);
            a.set(target, sum);
        }
    }
}
