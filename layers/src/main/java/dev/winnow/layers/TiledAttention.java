package dev.winnow.layers;

import java.util.Arrays;
import java.util.function.IntConsumer;

/**
 * Attention in tiles with an online softmax (Milakov and Gimelshein 2018, Dao et al. 2022): scores exist for one block of queries
 * and one tile of keys at a time. The query heads of a group share their keys' tile.
 *
 * <p>Many queries: a task takes a key head and a chunk of the queries, packs each tile of keys and values once and lets all its
 * queries pass over it, a panel of them at a time. Few queries (decode): keys are streamed unpacked past the group's queries, and a
 * long context is split over tasks whose partial results are merged.
 */
public final class TiledAttention {
    /** Keys of a tile when they are streamed: 4 panels, 4 x 48 keys x 64 floats are 48 KiB. */
    private static final int STREAMED_PANELS = 4;
    /** Keys of a tile when they are packed: with values of 64 floats 128 KiB in L2, and 18 KiB (AVX2) or 36 of scores. */
    private static final int PACKED_TILE = 8 * Kernels.ROW_GROUP;
    /** Up to this many query rows per key head keys are streamed, not packed. */
    private static final int FEW_ROWS = 16;
    /** Floats of a task's queries, of which it holds scaled ones, panels of them, and as much of what they gather. */
    private static final int QUERY_FLOATS = 1 << 16;
    /** Shortest piece of a split context. */
    private static final int SPLIT = 512;
    /** Pieces of all heads together that a long context is split into: work for as many cores. */
    private static final int SPLIT_TASKS = 16;
    /** Multiply-adds below which waking another thread costs more than it saves. */
    private static final long INLINE = 200_000;

    /** The longest vector; shorter ones divide it. */
    private static final int PAD = 16;

    private static final ThreadLocal<Scratch> SCRATCH = ThreadLocal.withInitial(Scratch::new);

    private TiledAttention() {}

    /**
     * {@code out[i, h] = softmax(q[i, h] . K[h / group]^T * scale + bias) V}. The n queries are the last n entries of the cache
     * (causal masks go by that order; the window goes by positions). A query that sees no key gets zeros.
     *
     * @param q         [n, heads * headDim], row stride qStride
     * @param positions of the n queries
     * @param out       [n, heads * headDim], row stride outStride; not q
     */
    public static void attend(Kernels kernels, Workers workers, float[] q, int qStride, int n, int heads, int[] positions,
                              KeyValues kv, float scale, AttentionMask mask, float[] out, int outStride) {
        attend(kernels, workers, q, qStride, n, heads, positions, kv, Scoring.of(scale, mask), out, outStride);
    }

    static void attend(Kernels kernels, Workers workers, float[] q, int qStride, int n, int heads, int[] positions,
                       KeyValues kv, Scoring scoring, float[] out, int outStride) {
        if (n <= 0) return;
        Pass pass = Pass.OWN.get();
        pass.begin(kernels, q, qStride, n, heads, positions, kv, scoring);
        pass.out = out;
        pass.outStride = outStride;
        try {
            attend(pass, workers, heads);
        } finally {
            pass.end();
        }
    }

    private static void attend(Pass pass, Workers workers, int heads) {
        int n = pass.n;
        KeyValues kv = pass.kv;
        int kvHeads = kv.heads();
        long work = 2L * n * heads * kv.length() * kv.headDim();
        int threads = work < INLINE ? 1 : workers.threads();
        int rows = n * pass.group;
        if (rows > FEW_ROWS) {
            int chunks = threads == 1 ? 1 : (4 * threads + kvHeads - 1) / kvHeads;
            // chunks are whole panels of a group's queries
            int unit = 1;
            while (unit * pass.group % pass.width != 0) unit++;
            int most = Math.max(unit, QUERY_FLOATS / (pass.group * kv.headDim()) / unit * unit);
            pass.chunk = Math.min(most, Math.ceilDiv(Math.ceilDiv(n, chunks), unit) * unit);
            pass.work = Pass.Work.CHUNKS;
            pass.tile = PACKED_TILE;
            workers.each(threads, kvHeads * pass.chunks(), pass);
        } else {
            // by what is seen and heads only: the order of summation, and with it the result, must not depend on the threads, nor on
            // entries that are out of sight
            pass.pieces = Math.clamp((SPLIT_TASKS + kvHeads - 1L) / kvHeads, 1, Math.max(1, pass.seen() / SPLIT));
            if (pass.pieces == 1) {
                pass.work = Pass.Work.HEADS;
                workers.each(threads, kvHeads, pass);
            } else {
                pass.work = Pass.Work.PIECES;
                pass.partials = SCRATCH.get().partials(kvHeads * pass.pieces * pass.partial());
                workers.each(threads, kvHeads * pass.pieces, pass);
                for (int h = 0; h < kvHeads; h++) pass.merge(h);
            }
        }
    }

    /**
     * Attention probabilities of chosen queries only: [heads, count, kv.length()] for queries first .. first + count - 1 of the n
     * queries in q. Costs in proportion to count. Zero where a key is masked or beyond its head's length.
     */
    public static float[] probabilities(Kernels kernels, Workers workers, float[] q, int qStride, int n, int heads, int[] positions,
                                        KeyValues kv, float scale, AttentionMask mask, int first, int count) {
        return probabilities(kernels, workers, q, qStride, n, heads, positions, kv, Scoring.of(scale, mask), first, count);
    }

    static float[] probabilities(Kernels kernels, Workers workers, float[] q, int qStride, int n, int heads, int[] positions,
                                 KeyValues kv, Scoring scoring, int first, int count) {
        Pass pass = new Pass();
        pass.begin(kernels, q, qStride, n, heads, positions, kv, scoring);
        float[] result = new float[Math.toIntExact((long) heads * count * kv.length())];
        long work = (long) count * heads * kv.length() * kv.headDim();
        workers.each(work < INLINE ? 1 : workers.threads(), heads,
                head -> pass.probabilities(head, first, count, result, head * count * kv.length()));
        return result;
    }

    /**
     * What each key receives from chosen queries: the sum of their probabilities, [heads, kv.length()]. Takes the time of
     * {@link #probabilities} but the memory of one block of rows per thread.
     *
     * @param change what is done to each row before it is added, or null for nothing
     */
    public static float[] received(Kernels kernels, Workers workers, float[] q, int qStride, int n, int heads, int[] positions,
                                   KeyValues kv, float scale, AttentionMask mask, int first, int count, Probe.RowChange change) {
        return received(kernels, workers, q, qStride, n, heads, positions, kv, Scoring.of(scale, mask), first, count, change);
    }

    static float[] received(Kernels kernels, Workers workers, float[] q, int qStride, int n, int heads, int[] positions, KeyValues kv,
                            Scoring scoring, int first, int count, Probe.RowChange change) {
        Pass pass = new Pass();
        pass.begin(kernels, q, qStride, n, heads, positions, kv, scoring);
        int columns = kv.length();
        float[] result = new float[heads * columns];
        long work = (long) count * heads * columns * kv.headDim();
        workers.each(work < INLINE ? 1 : workers.threads(), heads, head -> {
            float[] block = new float[Math.min(count, pass.width) * columns];
            for (int i = 0; i < count; i += pass.width) {
                int rows = Math.min(pass.width, count - i);
                pass.probabilities(head, first + i, rows, block, 0);
                for (int r = 0; r < rows; r++) {
                    if (change != null) change.apply(head, first + i + r, block, r * columns, columns);
                    kernels.addScaled(result, head * columns, block, r * columns, columns, 1f);
                }
            }
        });
        return result;
    }

    /** A row of values whose last vector is whole. */
    private static int padded(int dim) {
        return (dim + PAD - 1) / PAD * PAD;
    }

    /** The arguments of one call, shared by its tasks. One object a thread: decoding makes one such call a layer and token. */
    private static final class Pass implements IntConsumer {
        private static final ThreadLocal<Pass> OWN = ThreadLocal.withInitial(Pass::new);

        /** What a task is: a head's chunk of queries, all of a head's queries, or those against a piece of the context. */
        private enum Work { CHUNKS, HEADS, PIECES }

        private Kernels kernels;
        private float[] q;
        private int qStride;
        private int n;
        private int group;
        private int[] positions;
        private KeyValues kv;
        private float scale;
        private float softcap;
        private RelativePositionBias relative;
        private AttentionMask mask;
        private int[] ends;
        private int dim;
        private int width;
        private int tile;
        private float[] out;
        private int outStride;
        private Work work;
        /** Queries of a chunk. */
        private int chunk;
        /** Of a context. */
        private int pieces;
        private float[] partials;

        void begin(Kernels kernels, float[] q, int qStride, int n, int heads, int[] positions, KeyValues kv, Scoring scoring) {
            if (heads % kv.heads() != 0) {
                throw new IllegalArgumentException(heads + " query heads cannot share " + kv.heads() + " key heads evenly");
            }
            this.kernels = kernels;
            this.q = q;
            this.qStride = qStride;
            this.n = n;
            this.group = heads / kv.heads();
            this.positions = positions;
            this.kv = kv;
            this.scale = scoring.scale();
            this.softcap = scoring.softcap();
            this.relative = scoring.relative();
            this.mask = scoring.mask();
            this.ends = scoring.ends();
            this.dim = kv.headDim();
            this.width = kernels.panelWidth();
            this.tile = STREAMED_PANELS * width;
        }

        /** Lets go of what a call held. */
        void end() {
            q = null;
            positions = null;
            kv = null;
            relative = null;
            ends = null;
            out = null;
            partials = null;
        }

        @Override
        public void accept(int task) {
            switch (work) {
                case CHUNKS -> {
                    // causal chunks get longer towards the end: the longest first
                    int first = (chunks() - 1 - task / kv.heads()) * chunk;
                    chunk(task % kv.heads(), first, Math.min(n, first + chunk));
                }
                case HEADS -> stream(task, 0, kv.length(task), out, task * group * dim, outStride, dim, null, 0);
                case PIECES -> {
                    int h = task / pieces;
                    int s = task % pieces;
                    int start = start(h, 0);
                    long length = kv.length(h) - start;
                    stream(h, start + (int) (length * s / pieces), start + (int) (length * (s + 1) / pieces), partials, task * partial(),
                            group * dim, dim, partials, task * partial() + n * group * dim);
                }
            }
        }

        /** Chunks of the queries. */
        int chunks() {
            return (n + chunk - 1) / chunk;
        }

        /** Floats of a piece's result: [rows, headDim], then the rows' maxima, then their sums. */
        int partial() {
            return n * group * (dim + 2);
        }

        /** Slots from the first that any query sees, in the head with most of them. */
        int seen() {
            int most = 0;
            for (int h = 0; h < kv.heads(); h++) most = Math.max(most, kv.length(h) - start(h, 0));
            return most;
        }

        /** First slot that query i sees. */
        private int start(int h, int i) {
            if (mask.window() == Integer.MAX_VALUE) return 0;
            return kv.firstAfter(h, (long) positions[i] - mask.window());
        }

        /** One past the last slot that query i sees. */
        private int end(int h, int i) {
            int length = kv.length(h);
            if (ends != null) return Math.clamp((long) length - n + ends[i], 0, length);
            return mask.causal() ? Math.clamp((long) length - n + i + 1, 0, length) : length;
        }

        /**
         * Queries from .. to - 1 against all keys of a head. Keys are the rows of the products and queries the columns: what comes
         * out of the first, weighed, is the panel that goes into the second, and the softmax has a query in each lane.
         */
        void chunk(int h, int from, int to) {
            Scratch s = SCRATCH.get();
            int rows = (to - from) * group;
            int blocks = (rows + width - 1) / width;
            s.ready(blocks * width, dim, width, tile, width);
            s.readyForPanels(blocks * width * dim, kernels.packedRows(tile, dim), kernels.packedRows(dim, tile), width);
            int lowest = Integer.MAX_VALUE;
            int highest = 0;
            for (int r = 0; r < rows; r++) {
                s.starts[r] = start(h, from + r / group);
                s.ends[r] = end(h, from + r / group);
                lowest = Math.min(lowest, s.starts[r]);
                highest = Math.max(highest, s.ends[r]);
                System.arraycopy(q, (from + r / group) * qStride + (h * group + r % group) * dim, s.queries, r * dim, dim);
            }
            kernels.scale(s.queries, 0, rows * dim, scale);
            for (int r = 0; r < rows; r += width) {
                kernels.transposePanel(s.queries, r * dim, dim, Math.min(width, rows - r), dim, s.panels, r * dim);
            }
            Arrays.fill(s.gathered, 0, blocks * width * dim, 0f);
            Arrays.fill(s.maxima, 0, blocks * width, Float.NEGATIVE_INFINITY);
            Arrays.fill(s.sums, 0, blocks * width, 0f);
            for (int t = lowest / tile * tile; t < highest; t += tile) {
                int end = Math.min(highest, t + tile);
                keys(s, h, t, end);
                kernels.packRows(s.keys, s.keysOffset, dim, end - t, dim, s.packedKeys, 0);
                values(s, h, t, end);
                kernels.packColumns(s.values, s.valuesOffset, s.valuesStride, dim, end - t, s.packedValues, 0);
                for (int r = 0; r < rows; r += width) gather(s, h, from, r, Math.min(rows, r + width), t, end);
            }
            for (int r = 0; r < rows; r += width) deliver(s, r, Math.min(rows, r + width), from * outStride + h * group * dim);
        }

        /** What rows r .. last - 1, one in each lane, gather from slots t .. end - 1. */
        private void gather(Scratch s, int h, int from, int r, int last, int t, int end) {
            int low = Integer.MAX_VALUE;
            int high = 0;
            for (int i = r; i < last; i++) {
                low = Math.min(low, s.starts[i]);
                high = Math.max(high, s.ends[i]);
            }
            // groups of keys that no query of the block sees are left out
            int c0 = Math.max(0, low - t) / Kernels.ROW_GROUP * Kernels.ROW_GROUP;
            int c1 = Math.min(end, high) - t;
            if (c0 >= c1) return;
            int at = c0 * width;
            int count = c1 - c0;
            kernels.multiplyPanels(s.packedKeys, kernels.packedRows(c0, dim), dim, 0, s.panels, r * dim, s.scores, at, width,
                    count, dim, width, false);
            finishColumns(s, h, from, r, last, t + c0, at, count);
            System.arraycopy(s.maxima, r, s.shrink, 0, width);
            kernels.maxColumns(s.scores, at, count, s.maxima, r);
            boolean grown = false;
            for (int j = 0; j < width; j++) {
                float old = s.shrink[j];
                float max = s.maxima[r + j];
                grown |= old != max && old != Float.NEGATIVE_INFINITY;
                s.shrink[j] = old == max ? 0 : old - max;
                // a query that has seen no key yet: exp(-inf) is zero whatever is taken off
                s.shift[j] = max == Float.NEGATIVE_INFINITY ? 0 : max;
            }
            if (grown) {
                kernels.expMinus(s.shrink, 0, width, 0f);
                kernels.multiply(s.sums, r, s.shrink, 0, width);
                kernels.scaleColumns(s.gathered, r * dim, dim, s.shrink);
            }
            kernels.expMinusColumns(s.scores, at, count, s.shift, s.sums, r);
            kernels.multiplyPanels(s.packedValues, 0, end - t, c0, s.scores, at, s.gathered, r * dim, width, dim, count, width, true);
        }

        /** Softcap, biases and masks of scores, one row of lanes for each key from a slot on. */
        private void finishColumns(Scratch s, int h, int from, int r, int last, int slot, int at, int count) {
            float[] scores = s.scores;
            Softcap.apply(kernels, scores, at, count * width, softcap);
            float[] bias = kv.bias(h);
            if (bias != null) {
                for (int k = 0; k < count; k++) {
                    for (int i = at + k * width; i < at + (k + 1) * width; i++) scores[i] += bias[slot + k];
                }
            }
            for (int i = r; i < last; i++) {
                int column = at + i - r;
                if (relative != null) addRelativeColumn(s, h, i % group, from + i / group, slot, column, count);
                int low = Math.clamp(s.starts[i] - slot, 0, count);
                int high = Math.clamp(s.ends[i] - slot, low, count);
                for (int k = 0; k < low; k++) scores[column + k * width] = Float.NEGATIVE_INFINITY;
                for (int k = high; k < count; k++) scores[column + k * width] = Float.NEGATIVE_INFINITY;
            }
        }

        /** Adds the relative position bias of one query to its column. */
        private void addRelativeColumn(Scratch s, int h, int g, int i, int slot, int column, int count) {
            s.row = Scratch.grown(s.row, tile);
            Arrays.fill(s.row, 0, count, 0f);
            addRelative(h, g, i, s.row, 0, slot, count);
            for (int k = 0; k < count; k++) s.scores[column + k * width] += s.row[k];
        }

        /** What the rows of a block have gathered, divided by their sums, to where it belongs. */
        private void deliver(Scratch s, int r, int last, int outBase) {
            for (int j = 0; j < width; j++) s.shrink[j] = s.sums[r + j] == 0 ? 1 : 1 / s.sums[r + j];
            kernels.scaleColumns(s.gathered, r * dim, dim, s.shrink);
            for (int d = 0; d < dim; d += width) {
                int n = Math.min(width, dim - d);
                kernels.transposePanel(s.gathered, r * dim + d * width, width, n, width, s.turned, 0);
                for (int i = r; i < last; i++) {
                    System.arraycopy(s.turned, (i - r) * width, out, outBase + i / group * outStride + i % group * dim + d, n);
                }
            }
        }

        /**
         * All queries of a head's group against slots from .. to - 1. Keys are the rows of the product and the queries its columns, so
         * that keys are read in place and once.
         *
         * @param state null to divide by the sums, or where to leave the rows' maxima and sums; rows are query by query
         */
        void stream(int h, int from, int to, float[] out, int outBase, int outStride, int headStride, float[] state, int stateOffset) {
            Scratch s = SCRATCH.get();
            int rows = n * group;
            s.ready(rows, dim, width, tile, rows);
            int lowest = to;
            int highest = from;
            for (int i = 0; i < rows; i++) {
                s.starts[i] = Math.max(from, start(h, i / group));
                s.ends[i] = Math.min(to, end(h, i / group));
                lowest = Math.min(lowest, s.starts[i]);
                highest = Math.max(highest, s.ends[i]);
                int at = outBase + i / group * outStride + i % group * headStride;
                Arrays.fill(out, at, at + dim, 0f);
            }
            Arrays.fill(s.maxima, 0, rows, Float.NEGATIVE_INFINITY);
            Arrays.fill(s.sums, 0, rows, 0f);
            for (int r = 0; r < rows; r++) {
                column(s, r / width * width * dim, r % width, r / group * qStride + (h * group + r % group) * dim);
            }

            for (int t = lowest; t < highest; t += tile) {
                int end = Math.min(highest, t + tile);
                int length = end - t;
                keys(s, h, t, end);
                if (!kv.packed()) {
                    s.touched = kernels.touch(s.keys, s.keysOffset, length * dim) + kernels.touch(kv.values(), s.keysOffset, length * dim);
                }
                for (int r = 0; r < rows; r += width) {
                    scores(s, length, Math.min(width, rows - r), r * dim, s.scores, r * tile, tile);
                }
                values(s, h, t, end);
                for (int i = 0; i < rows; i++) {
                    softmax(s, h, i, t, length, out, outBase + i / group * outStride + i % group * headStride);
                }
                if (n == 1 || group == 1) {
                    weigh(s, 0, length, rows, out, outBase, n == 1 ? headStride : outStride);
                } else {
                    for (int i = 0; i < n; i++) weigh(s, i * group * tile, length, group, out, outBase + i * outStride, headStride);
                }
            }
            if (state == null) {
                for (int i = 0; i < rows; i++) divide(out, outBase + i / group * outStride + i % group * headStride, s.sums[i]);
            } else {
                System.arraycopy(s.maxima, 0, state, stateOffset, rows);
                System.arraycopy(s.sums, 0, state, stateOffset + rows, rows);
            }
        }

        /** A scaled query as column j of a panel. */
        private void column(Scratch s, int panelOffset, int j, int at) {
            for (int p = 0; p < dim; p++) s.queries[panelOffset + p * width + j] = q[at + p] * scale;
        }

        /** Scores of a tile of keys against the queries of a panel, one row of target per query. */
        private void scores(Scratch s, int length, int cols, int panelOffset, float[] target, int offset, int stride) {
            kernels.multiplyRows(s.keys, s.keysOffset, dim, s.queries, panelOffset, width, s.byKey, 0, width, length, dim, cols, false);
            for (int j = 0; j < cols; j++) {
                for (int k = 0; k < length; k++) target[offset + j * stride + k] = s.byKey[k * width + j];
            }
        }

        /** Adds the relative position bias to the logits of query i of a head's group against the keys of slots from slot on. */
        private void addRelative(int h, int g, int i, float[] logits, int at, int slot, int count) {
            if (relative != null) relative.add(h * group + g, positions[i], kv.positions(h), slot, count, logits, at);
        }

        /** Softcap and biases of the scores of query i of a head's group against the keys of slots from slot on. */
        private void finishScores(int h, int g, int i, float[] scores, int at, int slot, int count) {
            Softcap.apply(kernels, scores, at, count, softcap);
            float[] bias = kv.bias(h);
            if (bias != null) kernels.addScaled(scores, at, bias, slot, count, 1f);
            addRelative(h, g, i, scores, at, slot, count);
        }

        /**
         * Turns the scores of row r, query r / group of head r % group, against a tile into weights relative to the row's running maximum
         * and rescales what the row has gathered in out.
         *
         * @param slot of the tile's first key
         */
        private void softmax(Scratch s, int h, int r, int slot, int length, float[] out, int at) {
            float[] scores = s.scores;
            int row = r * tile;
            int low = Math.clamp(s.starts[r] - slot, 0, length);
            int high = Math.clamp(s.ends[r] - slot, low, length);
            Arrays.fill(scores, row, row + low, 0f);
            Arrays.fill(scores, row + high, row + length, 0f);
            int count = high - low;
            if (count == 0) return;
            finishScores(h, r % group, r / group, scores, row + low, slot + low, count);
            float old = s.maxima[r];
            float max = Math.max(old, kernels.max(scores, row + low, count));
            float sum = kernels.expMinus(scores, row + low, count, max);
            if (max != old && s.sums[r] != 0) {
                float shrink = (float) Math.exp(old - max);
                s.sums[r] *= shrink;
                kernels.scale(out, at, dim, shrink);
            }
            s.sums[r] += sum;
            s.maxima[r] = max;
        }

        /** Makes a tile's keys readable: in place, or unpacked. */
        private void keys(Scratch s, int h, int from, int to) {
            if (kv.packed()) {
                s.keys = s.unpacked = Scratch.grown(s.unpacked, tile * dim);
                s.keysOffset = 0;
                kv.readKeys(h, from, to, s.unpacked, 0, dim);
            } else {
                s.keys = kv.keys();
                s.keysOffset = kv.offset(h) + from * dim;
            }
        }

        /** Makes a tile's values readable in whole vectors: in place, or copied to padded rows. */
        private void values(Scratch s, int h, int from, int to) {
            int at = kv.offset(h) + from * dim;
            if (kv.packed()) {
                s.values = s.padded;
                s.valuesOffset = 0;
                s.valuesStride = padded(dim);
                kv.readValues(h, from, to, s.padded, 0, s.valuesStride);
            } else if (dim % PAD == 0) {
                s.values = kv.values();
                s.valuesOffset = at;
                s.valuesStride = dim;
            } else {
                s.values = s.padded;
                s.valuesOffset = 0;
                s.valuesStride = padded(dim);
                for (int k = 0; k < to - from; k++) System.arraycopy(kv.values(), at + k * dim, s.padded, k * s.valuesStride, dim);
            }
        }

        /** out[rows, dim] += weights * values of a tile. */
        private void weigh(Scratch s, int scores, int length, int rows, float[] out, int at, int stride) {
            kernels.multiplyRows(s.scores, scores, tile, s.values, s.valuesOffset, s.valuesStride,
                    out, at, stride, rows, length, dim, true);
        }

        private void divide(float[] out, int at, float sum) {
            if (sum != 0) kernels.scale(out, at, dim, 1 / sum);
        }

        /** Combines the partial results of a split context: each counts by its sum, brought to the common maximum. */
        void merge(int h) {
            int rows = n * group;
            int partial = partial();
            int base = h * pieces * partial;
            for (int r = 0; r < rows; r++) {
                int at = r / group * outStride + (h * group + r % group) * dim;
                Arrays.fill(out, at, at + dim, 0f);
                float max = Float.NEGATIVE_INFINITY;
                for (int p = 0; p < pieces; p++) max = Math.max(max, partials[base + p * partial + rows * dim + r]);
                if (max == Float.NEGATIVE_INFINITY) continue;
                float sum = 0;
                for (int p = 0; p < pieces; p++) {
                    int piece = base + p * partial;
                    float share = (float) Math.exp(partials[piece + rows * dim + r] - max);
                    sum += share * partials[piece + rows * dim + rows + r];
                    kernels.addScaled(out, at, partials, piece + r * dim, dim, share);
                }
                divide(out, at, sum);
            }
        }

        /** Two passes over whole rows of one query head. */
        void probabilities(int head, int first, int count, float[] result, int offset) {
            Scratch s = SCRATCH.get();
            s.ready(width, dim, width, tile, 1);
            int h = head / group;
            int length = kv.length(h);
            int stride = kv.length();
            for (int i = 0; i < count; i += width) {
                int cols = Math.min(width, count - i);
                for (int j = 0; j < cols; j++) column(s, 0, j, (first + i + j) * qStride + head * dim);
                for (int t = 0; t < length; t += tile) {
                    keys(s, h, t, Math.min(length, t + tile));
                    scores(s, Math.min(tile, length - t), cols, 0, result, offset + i * stride + t, stride);
                }
            }
            for (int i = 0; i < count; i++) {
                int row = offset + i * stride;
                int low = start(h, first + i);
                int high = Math.max(low, end(h, first + i));
                Arrays.fill(result, row, row + low, 0f);
                Arrays.fill(result, row + high, row + stride, 0f);
                finishScores(h, head % group, first + i, result, row + low, low, high - low);
                float sum = kernels.expMinus(result, row + low, high - low, kernels.max(result, row + low, high - low));
                if (sum != 0) kernels.scale(result, row + low, high - low, 1 / sum);
            }
        }
    }

    /** Working memory of a thread; grows to what its calls need and stays. */
    private static final class Scratch {
        private float[] queries = {};
        private float[] panels = {};
        private float[] packedKeys = {};
        private float[] packedValues = {};
        /** Of each block of rows what they have gathered, channel by channel. */
        private float[] gathered = {};
        private float[] turned = {};
        private float[] shrink = {};
        private float[] shift = {};
        private float[] row = {};
        private float[] scores = {};
        private float[] byKey = {};
        private float[] padded = {};
        private float[] maxima = {};
        private float[] sums = {};
        private float[] partials = {};
        private int[] starts = {};
        private int[] ends = {};
        private float[] unpacked = {};
        private float[] keys;
        private int keysOffset;
        private float[] values;
        private int valuesOffset;
        private int valuesStride;
        /** Where the results of {@link Kernels#touch} go. */
        private float touched;

        /**
         * @param rows  query rows, rounded up to what the panels of queries hold
         * @param block rows of scores
         */
        void ready(int rows, int dim, int width, int tile, int block) {
            queries = grown(queries, (rows + width - 1) / width * width * dim);
            scores = grown(scores, block * tile);
            byKey = grown(byKey, tile * width);
            padded = grown(padded, tile * padded(dim));
            maxima = grown(maxima, rows);
            sums = grown(sums, rows);
            if (starts.length < rows) {
                starts = new int[rows];
                ends = new int[rows];
            }
        }

        void readyForPanels(int floats, int keys, int values, int width) {
            panels = grown(panels, floats);
            gathered = grown(gathered, floats);
            packedKeys = grown(packedKeys, keys);
            packedValues = grown(packedValues, values);
            turned = grown(turned, width * width);
            shrink = grown(shrink, width);
            shift = grown(shift, width);
        }

        float[] partials(int length) {
            return partials = grown(partials, length);
        }

        private static float[] grown(float[] array, int length) {
            return array.length < length ? new float[length] : array;
        }
    }
}
