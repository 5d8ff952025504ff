package dev.winnow.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The slots of the k lowest scores of each head in ascending order, as {@link CacheEntries#keep} takes them: stream compaction by a prefix
 * sum (Blelloch 1990). A work-group takes one head. It halves the interval between the lowest and the highest score until the k-th lowest
 * is found, marks what is lower and as many of its equals as are wanted, and adds up the marks to the places that slots go to.
 */
public final class LowestSlots {
    public static final int LOCAL = 256;

    private static final int SCORES = 0;
    private static final int SCORE_STRIDE = 1;
    private static final int SLOTS = 2;
    private static final int SLOT_STRIDE = 3;
    private static final int HEADS = 4;
    private static final int COUNTS = 5;

    private LowestSlots() {}

    public static int groups(int kvHeads) {
        return kvHeads;
    }

    /**
     * Of equal scores the first; -1 in the places for which scores that have an order are too few.
     *
     * @param m at: 0 scores, 1 how far apart those of heads are, 2 target, 3 how far apart slots of heads are, 4 kvHeads, 5 and on the
     *          scores of each head, behind them how many of each are wanted
     */
    public static void compact(KernelContext context, IntArray m, int at, FloatArray a) {
        float[] lows = context.allocateFloatLocalArray(LOCAL);
        float[] highs = context.allocateFloatLocalArray(LOCAL);
        int[] counts = context.allocateIntLocalArray(LOCAL);
        int[] ties = context.allocateIntLocalArray(LOCAL);
        int lane = context.localIdx;
        int head = context.groupIdx;
        int scores = m.get(at + SCORES) + head * m.get(at + SCORE_STRIDE);
        int slots = m.get(at + SLOTS) + head * m.get(at + SLOT_STRIDE);
        int count = m.get(at + COUNTS + head);
        int k = m.get(at + COUNTS + m.get(at + HEADS) + head);

        // the k-th lowest score is in low .. high, both of which are scores
        float low = 0f - Scores.FAR;
        float high = Scores.FAR;
        float middle = 0f - Scores.FAR;
        while (low < high) {
            float below = 0f - Scores.FAR;
            float above = Scores.FAR;
            int most = 0;
            for (int i = lane; i < count; i += LOCAL) {
                float score = a.get(scores + i);
                if (score <= middle) {
                    most++;
                    if (score > below) below = score;
                }
                if (score > middle) {
                    if (score < above) above = score;
                }
            }
            highs[lane] = below;
            lows[lane] = above;
            counts[lane] = most;
            context.localBarrier();
            for (int step = LOCAL / 2; step > 0; step = step / 2) {
                if (lane < step) {
                    counts[lane] = counts[lane] + counts[lane + step];
                    if (highs[lane + step] > highs[lane]) highs[lane] = highs[lane + step];
                    if (lows[lane + step] < lows[lane]) lows[lane] = lows[lane + step];
                }
                context.localBarrier();
            }
            int lower = counts[0];
            float highest = highs[0];
            float lowest = lows[0];
            context.localBarrier();
            if (lower >= k) high = highest;
            if (lower < k) low = lowest;
            middle = low + (high - low) * 0.5f;
            if (middle >= high) middle = low;
        }

        // each work-item takes neighbours: what is lower than that score first, then its equals, of which some may be too many
        int each = (count + LOCAL - 1) / LOCAL;
        int first = lane * each;
        int last = first + each;
        if (last > count) last = count;
        int own = 0;
        int equals = 0;
        for (int i = first; i < last; i++) {
            float score = a.get(scores + i);
            if (score < low) own++;
            if (score == low) equals++;
        }
        counts[lane] = own;
        ties[lane] = equals;
        context.localBarrier();
        for (int step = 1; step < LOCAL; step = step * 2) {
            int sum = counts[lane];
            int tied = ties[lane];
            if (lane >= step) {
                sum += counts[lane - step];
                tied += ties[lane - step];
            }
            context.localBarrier();
            counts[lane] = sum;
            ties[lane] = tied;
            context.localBarrier();
        }
        // equals are taken in order, so work-items before this one take all of theirs or as many as are wanted
        int wanted = k - counts[LOCAL - 1];
        int before = ties[lane] - equals;
        int taken = wanted - before;
        if (taken < 0) taken = 0;
        if (before > wanted) before = wanted;
        int place = counts[lane] - own + before;
        int all = k - wanted + ties[LOCAL - 1];
        if (all > k) all = k;
        for (int i = first; i < last; i++) {
            float score = a.get(scores + i);
            int marked = 0;
            if (score < low) marked = 1;
            if (score == low) {
                if (taken > 0) marked = 1;
                taken--;
            }
            if (marked > 0) {
                a.set(slots + place, i);
                place++;
            }
        }
        for (int i = all + lane; i < k; i += LOCAL) a.set(slots + i, -1f);
    }
}
