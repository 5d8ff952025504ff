package dev.winnow.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The selection of tokens: for each score how many come before it, higher ones and equal ones of lower index. That is the order of
 * {@code TopK.descending} for any number of tokens in one launch; n^2 comparisons of tokens, not of a vocabulary, are nothing to a GPU.
 * A work-item ranks one score; scores pass by through local memory.
 */
public final class Ranks {
    public static final int LOCAL = 128;

    private static final int COUNT = 0;
    private static final int SCORES = 1;
    private static final int ORDER = 2;
    private static final int RANK = 3;

    private static final int LIMIT = 2;
    private static final int BELOW = 3;
    private static final int OTHERS = 4;

    private Ranks() {}

    public static int groups(int count) {
        return Offsets.pieces(count, LOCAL);
    }

    /**
     * Sorts by falling score, equal ones by rising index.
     *
     * @param m at: 0 count, 1 scores, 2 order: indices, highest first, or none, 3 rank of each index, or none
     */
    public static void descending(KernelContext context, IntArray m, int at, FloatArray a) {
        float[] tile = context.allocateFloatLocalArray(LOCAL);
        int lane = context.localIdx;
        int count = m.get(at + COUNT);
        int scores = m.get(at + SCORES);
        int own = context.globalIdx;
        float score = 0f;
        if (own < count) score = a.get(scores + own);
        int rank = 0;
        for (int first = 0; first < count; first += LOCAL) {
            if (first + lane < count) tile[lane] = a.get(scores + first + lane);
            context.localBarrier();
            int live = count - first < LOCAL ? count - first : LOCAL;
            for (int j = 0; j < live; j++) {
                float other = tile[j];
                if (other > score || (other == score && first + j < own)) rank++;
            }
            context.localBarrier();
        }
        if (own < count) {
            int order = m.get(at + ORDER);
            int ranks = m.get(at + RANK);
            if (order >= 0) a.set(order + rank, own);
            if (ranks >= 0) a.set(ranks + own, rank);
        }
    }

    /** Groups of {@link #compact}. */
    public static int compactGroups() {
        return 1;
    }

    /**
     * Indices whose value is below a limit, ascending, and the others, ascending: with ranks and k, the k highest scores in order and those
     * that go. One work-group walks over the values with prefix sums.
     *
     * @param m at: 0 count, 1 values, 2 limit, 3 indices below it, 4 the others, or none, 5 where to say how many are below, or none
     */
    public static void compact(KernelContext context, IntArray m, int at, FloatArray a) {
        int[] scratch = context.allocateIntLocalArray(LOCAL);
        int lane = context.localIdx;
        int count = m.get(at + COUNT);
        int limit = m.get(at + LIMIT);
        int below = m.get(at + BELOW);
        int others = m.get(at + OTHERS);
        int taken = 0;
        if (context.groupIdx == 0) {
            for (int first = 0; first < count; first += LOCAL) {
                int i = first + lane;
                int chosen = 0;
                if (i < count && a.get(m.get(at + SCORES) + i) < limit) chosen = 1;
                context.localBarrier();
                scratch[lane] = chosen;
                context.localBarrier();
                for (int stride = 1; stride < LOCAL; stride = stride * 2) {
                    int before = 0;
                    if (lane >= stride) before = scratch[lane - stride];
                    context.localBarrier();
                    scratch[lane] = scratch[lane] + before;
                    context.localBarrier();
                }
                int upTo = scratch[lane];
                if (chosen == 1) a.set(below + taken + upTo - 1, i);
                if (chosen == 0 && i < count && others >= 0) a.set(others + i - taken - upTo, i);
                taken += scratch[LOCAL - 1];
            }
            int told = m.get(at + 5);
            if (lane == 0 && told >= 0) a.set(told, taken);
        }
    }
}
