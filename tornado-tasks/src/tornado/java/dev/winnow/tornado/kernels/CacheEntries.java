package dev.winnow.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The keys and values of a layer in the arena, as {@link dev.winnow.layers.KeyValues} has them: head-major, {@code [kvHeads, capacity,
 * headDim]}. One work-item copies one number, neighbours side by side; compaction in place takes one work-group for each head, so that a
 * barrier orders what is read and what is overwritten.
 */
public final class CacheEntries {
    public static final int LOCAL = 128;

    private static final int TO = 1;
    private static final int COUNT = 2;

    private static final int K = 1;
    private static final int V = 2;
    private static final int STRIDE = 3;
    private static final int KEYS = 4;
    private static final int VALUES = 5;
    private static final int CAPACITY = 6;
    private static final int LENGTHS = 7;

    private static final int Q = 1;
    private static final int TURNED_K = 2;
    private static final int TURNED_V = 3;
    private static final int TURNED_STRIDE = 4;
    private static final int TURNED_KEYS = 5;
    private static final int TURNED_VALUES = 6;
    private static final int TURNED_CAPACITY = 7;
    private static final int COS = 8;
    private static final int SIN = 9;
    private static final int TURNED_LENGTHS = 10;

    private static final int COMPACTED_CAPACITY = 2;
    private static final int COMPACTED_SLOTS = 3;
    private static final int COMPACTED_STRIDE = 4;
    private static final int COMPACTED_FIRST = 5;
    private static final int COMPACTED_COUNTS = 6;
    /** Floats of local memory for entries on their way to another slot: 16 KiB. */
    private static final int ROOM = 4096;

    private CacheEntries() {}

    /** @param numbers to copy */
    public static int groups(int numbers) {
        return Offsets.pieces(numbers, LOCAL);
    }

    /**
     * Appends the keys and values of n tokens to every head.
     *
     * @param m at: 0 n, 1 k, 2 v, 3 their stride by tokens, 4 keys, 5 values, 6 capacity, 7 and on the length of each head before
     */
    public static void append(KernelContext context, IntArray m, int at, FloatArray a, int kvHeads, int headDim) {
        int i = context.globalIdx;
        int width = kvHeads * headDim;
        int token = i / width;
        if (token < m.get(at)) {
            int channel = i % width;
            int head = channel / headDim;
            int from = token * m.get(at + STRIDE) + channel;
            int to = (head * m.get(at + CAPACITY) + m.get(at + LENGTHS + head) + token) * headDim + channel % headDim;
            a.set(m.get(at + KEYS) + to, a.get(m.get(at + K) + from));
            a.set(m.get(at + VALUES) + to, a.get(m.get(at + V) + from));
        }
    }

    /** Groups of {@link #appendTurned}. */
    public static int turnedGroups(int tokens, int heads, int kvHeads, int headDim, int pairs) {
        return Offsets.pieces(tokens * (heads * pairs + kvHeads * headDim), LOCAL);
    }

    /**
     * {@link #append} with the rotary position embedding (Su et al. 2021) of keys and queries in the half-split form, as
     * {@link dev.winnow.layers.RotaryEmbedding} has it: queries turn in place, keys on their way. Cosines and sines come from the host,
     * where angles are rounded as the reference does and reduced exactly: on the device fast trigonometry loses long positions. One
     * work-item turns a pair of channels of a query, or makes a channel of an entry.
     *
     * @param m     at: 0 n, 1 q, 2 k, 3 v, 4 their stride by tokens, 5 keys, 6 values, 7 capacity, 8 cos [n, pairs], 9 sin, 10 and on the
     *              length of each head before
     * @param pairs rotated pairs of a head; channels beyond 2 * pairs stay
     */
    public static void appendTurned(KernelContext context, IntArray m, int at, FloatArray a, int heads, int kvHeads, int headDim,
                                    int pairs) {
        int i = context.globalIdx;
        int turned = heads * pairs;
        int each = turned + kvHeads * headDim;
        int token = i / each;
        if (token < m.get(at)) {
            int place = i % each;
            int first = token * m.get(at + TURNED_STRIDE);
            int cos = m.get(at + COS) + token * pairs;
            int sin = m.get(at + SIN) + token * pairs;
            if (place < turned) {
                int d = place % pairs;
                int x = m.get(at + Q) + first + (place / pairs) * headDim + d;
                float u = a.get(x);
                float v = a.get(x + pairs);
                float c = a.get(cos + d);
                float s = a.get(sin + d);
                a.set(x, u * c - v * s);
                a.set(x + pairs, v * c + u * s);
            } else {
                int channel = place - turned;
                int head = channel / headDim;
                int d = channel % headDim;
                int k = m.get(at + TURNED_K) + first + channel;
                float key = a.get(k);
                if (d < pairs) {
                    key = key * a.get(cos + d) - a.get(k + pairs) * a.get(sin + d);
                } else if (d < 2 * pairs) {
                    key = key * a.get(cos + d - pairs) + a.get(k - pairs) * a.get(sin + d - pairs);
                }
                int to = (head * m.get(at + TURNED_CAPACITY) + m.get(at + TURNED_LENGTHS + head) + token) * headDim + d;
                a.set(m.get(at + TURNED_KEYS) + to, key);
                a.set(m.get(at + TURNED_VALUES) + to, a.get(m.get(at + TURNED_V) + first + channel));
            }
        }
    }

    /**
     * Copies numbers to a place that does not overlap them.
     *
     * @param m at: 0 source, 1 target, 2 count
     */
    public static void copy(KernelContext context, IntArray m, int at, FloatArray a) {
        int i = context.globalIdx;
        if (i < m.get(at + COUNT)) a.set(m.get(at + TO) + i, a.get(m.get(at) + i));
    }

    /**
     * Brings numbers of the host to the arena.
     *
     * @param m at: 0 target, 1 count
     */
    public static void upload(KernelContext context, IntArray m, int at, FloatArray a, FloatArray staging) {
        int i = context.globalIdx;
        if (i < m.get(at + 1)) a.set(m.get(at) + i, staging.get(i));
    }

    /** Work-groups that compact heads. */
    public static int keepGroups(int kvHeads) {
        return kvHeads;
    }

    /**
     * Keeps the rows at the given ascending slots of each head and drops the others, in place: a block of rows is read by all work-items
     * before any of it is written, and no later block reads what an earlier one wrote, since slots ascend.
     *
     * @param m       at: 0 keys, 1 values, 2 capacity, 3 slots, 4 how far apart those of heads are, 5 how many first rows of each head
     *                stay besides, 6 and on how many slots of each head
     * @param headDim at most 4096
     */
    public static void keep(KernelContext context, IntArray m, int at, FloatArray a, int headDim) {
        float[] keys = context.allocateFloatLocalArray(ROOM);
        float[] values = context.allocateFloatLocalArray(ROOM);
        int lane = context.localIdx;
        int head = context.groupIdx;
        int capacity = m.get(at + COMPACTED_CAPACITY);
        int slots = m.get(at + COMPACTED_SLOTS) + head * m.get(at + COMPACTED_STRIDE);
        int count = m.get(at + COMPACTED_COUNTS + head);
        int first = m.get(at + COMPACTED_FIRST);
        int keysBase = m.get(at) + head * capacity * headDim;
        int valuesBase = m.get(at + TO) + head * capacity * headDim;
        int block = ROOM / headDim;
        for (int i = 0; i < count; i += block) {
            int numbers = count - i < block ? (count - i) * headDim : block * headDim;
            for (int e = lane; e < numbers; e += LOCAL) {
                int from = (int) a.get(slots + i + e / headDim) * headDim + e % headDim;
                keys[e] = a.get(keysBase + from);
                values[e] = a.get(valuesBase + from);
            }
            context.globalBarrier();
            for (int e = lane; e < numbers; e += LOCAL) {
                a.set(keysBase + (first + i) * headDim + e, keys[e]);
                a.set(valuesBase + (first + i) * headDim + e, values[e]);
            }
            context.globalBarrier();
        }
    }
}
