package dev.winnow.tornado.kernels;

import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The numbers of an attention, and which slots a query sees. In m: 0 queries n, 1 q, 2 its stride by tokens, 3 target, 4 its stride by
 * tokens, 5 keys, 6 values, 7 capacity, 8 bias [kvHeads, bias stride] added to the logits of each slot, or none, 9 bias stride, 10 first
 * slot that each query sees [kvHeads, n], ascending, or none for 0, 11 whether attention is causal, 12 and on the length of each head, the
 * n queries' own entries included.
 */
final class Logits {
    static final int QUERIES = 0;
    static final int Q = 1;
    static final int Q_STRIDE = 2;
    static final int TARGET = 3;
    static final int TARGET_STRIDE = 4;
    static final int KEYS = 5;
    static final int VALUES = 6;
    static final int CAPACITY = 7;
    static final int BIAS = 8;
    static final int BIAS_STRIDE = 9;
    static final int STARTS = 10;
    static final int CAUSAL = 11;
    static final int LENGTHS = 12;

    private Logits() {}

    /** First slot that a query sees. */
    static int start(IntArray m, int at, FloatArray a, int kvHead, int query) {
        int starts = m.get(at + STARTS);
        return starts < 0 ? 0 : (int) a.get(starts + kvHead * m.get(at + QUERIES) + query);
    }

    /** One past the last slot that a query sees; 0 for one beyond the queries there are. */
    static int end(IntArray m, int at, int kvHead, int query) {
        int n = m.get(at + QUERIES);
        int length = m.get(at + LENGTHS + kvHead);
        int end = m.get(at + CAUSAL) == 1 ? length - n + query + 1 : length;
        return query < n && end > 0 ? end : 0;
    }

    /** The bias of a slot. */
    static float bias(IntArray m, int at, FloatArray a, int kvHead, int slot) {
        int bias = m.get(at + BIAS);
        return bias < 0 ? 0f : a.get(bias + kvHead * m.get(at + BIAS_STRIDE) + slot);
    }
}
