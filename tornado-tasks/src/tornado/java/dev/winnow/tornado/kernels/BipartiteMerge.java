package dev.winnow.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Bipartite soft matching (Bolya et al. 2022, arXiv 2210.09461): tokens at even places each find the most similar one at an odd place, and
 * the r best pairs merge. In order: {@link RowLengths#normalise} parts even and odd rows, {@link TiledProducts} multiplies them,
 * {@link #partners} finds each best, {@link Ranks#descending} orders them, {@link #map} writes the merge as rows of sources and weights,
 * and {@link TokenRows#merge} carries it out, on tokens, sizes or whatever else goes along.
 */
public final class BipartiteMerge {
    public static final int LOCAL = 128;

    private static final int FROM = 0;
    private static final int INTO = 1;
    private static final int SIMILARITY = 2;
    private static final int GUARDED = 3;
    private static final int PARTNER = 4;
    private static final int BEST = 5;

    private static final int TOKENS = 0;
    private static final int PAIRS = 1;
    private static final int MAP_GUARDED = 2;
    private static final int ORDER = 3;
    private static final int RANK = 4;
    private static final int MAP_PARTNER = 5;
    private static final int SIZES = 6;
    private static final int START = 7;
    private static final int INDEX = 8;
    private static final int WEIGHT = 9;

    private BipartiteMerge() {}

    /** Groups of {@link #partners}. */
    public static int groups(int from) {
        return from;
    }

    /**
     * For each even token the most similar odd one, the first of equals, and how similar; {@link Scores#NEVER} for a guarded token and
     * where all others are guarded. A work-group takes one token.
     *
     * @param m at: 0 even tokens, 1 odd tokens, 2 similarity [even, odd], 3 guarded [tokens], 1 for those that neither merge nor take
     *          others in, or none, 4 partner [even], 5 best [even]
     */
    public static void partners(KernelContext context, IntArray m, int at, FloatArray a) {
        float[] values = context.allocateFloatLocalArray(LOCAL);
        int[] indices = context.allocateIntLocalArray(LOCAL);
        int lane = context.localIdx;
        int i = context.groupIdx;
        if (i < m.get(at + FROM)) {
            int into = m.get(at + INTO);
            int guarded = m.get(at + GUARDED);
            int row = m.get(at + SIMILARITY) + i * into;
            float best = Scores.NEVER;
            int partner = into;
            for (int j = lane; j < into; j += LOCAL) {
                float score = a.get(row + j);
                if (guarded >= 0 && a.get(guarded + 2 * j + 1) + a.get(guarded + 2 * i) > 0.5f) score = Scores.NEVER;
                if (score > best || partner == into) {
                    best = score;
                    partner = j;
                }
            }
            values[lane] = best;
            indices[lane] = partner;
            context.localBarrier();
            for (int stride = LOCAL / 2; stride > 0; stride = stride / 2) {
                if (lane < stride) {
                    float other = values[lane + stride];
                    int index = indices[lane + stride];
                    if (other > values[lane] || (other == values[lane] && index < indices[lane])) {
                        values[lane] = other;
                        indices[lane] = index;
                    }
                }
                context.localBarrier();
            }
            if (lane == 0) {
                a.set(m.get(at + PARTNER) + i, indices[0]);
                a.set(m.get(at + BEST) + i, values[0]);
            }
        }
    }

    /** Groups of {@link #map}. */
    public static int mapGroups() {
        return 1;
    }

    /**
     * The merge as a sparse matrix of tokens - pairs rows: first the guarded tokens, then the even ones that stay, then the odd ones, each
     * with those it takes in behind it, best first; weights are shares of the sizes. Even tokens that stay keep their order where one of
     * them is guarded, else they come by falling similarity, as in the authors' code. One work-group; rows find their places by prefix
     * sums.
     *
     * @param m      at: 0 tokens, 1 pairs, at least one (a merge of none must
     *               not move any token) and no more than even tokens with a best above {@link Scores#NEVER}, 2 guarded [tokens], or none,
     *               3 order and 4 rank of the even tokens by best, 5 partner, 6 sizes [tokens], or none for 1, 7 start [rows + 1],
     *               8 index [tokens], 9 weight [tokens]
     * @param inOrder 1 where an even token is guarded
     */
    public static void map(KernelContext context, IntArray m, int at, FloatArray a, int inOrder) {
        int[] scratch = context.allocateIntLocalArray(LOCAL);
        int lane = context.localIdx;
        int n = m.get(at + TOKENS);
        int pairs = m.get(at + PAIRS);
        int guarded = m.get(at + MAP_GUARDED);
        int order = m.get(at + ORDER);
        int rank = m.get(at + RANK);
        int partner = m.get(at + MAP_PARTNER);
        int start = m.get(at + START);
        int index = m.get(at + INDEX);
        int from = (n + 1) / 2;
        int into = n / 2;
        int rows = 0;
        if (context.groupIdx == 0) {
            for (int first = 0; first < n; first += LOCAL) {
                int t = first + lane;
                int own = 0;
                if (t < n) own = flag(a, guarded, t);
                context.localBarrier();
                scratch[lane] = own;
                context.localBarrier();
                for (int stride = 1; stride < LOCAL; stride = stride * 2) {
                    int before = 0;
                    if (lane >= stride) before = scratch[lane - stride];
                    context.localBarrier();
                    scratch[lane] = scratch[lane] + before;
                    context.localBarrier();
                }
                int upTo = scratch[lane];
                if (own == 1) {
                    a.set(start + rows + upTo - 1, rows + upTo - 1);
                    a.set(index + rows + upTo - 1, t);
                }
                rows += scratch[LOCAL - 1];
            }
            for (int first = 0; first < from; first += LOCAL) {
                int i = first + lane;
                int own = 0;
                int even = i;
                if (i < from) {
                    if (inOrder == 1) {
                        if (a.get(rank + i) > pairs - 0.5f) own = 1;
                    } else {
                        even = (int) a.get(order + i);
                        if (i >= pairs) own = 1;
                    }
                    if (flag(a, guarded, 2 * even) == 1) own = 0;
                }
                context.localBarrier();
                scratch[lane] = own;
                context.localBarrier();
                for (int stride = 1; stride < LOCAL; stride = stride * 2) {
                    int before = 0;
                    if (lane >= stride) before = scratch[lane - stride];
                    context.localBarrier();
                    scratch[lane] = scratch[lane] + before;
                    context.localBarrier();
                }
                int upTo = scratch[lane];
                if (own == 1) {
                    a.set(start + rows + upTo - 1, rows + upTo - 1);
                    a.set(index + rows + upTo - 1, 2 * even);
                }
                rows += scratch[LOCAL - 1];
            }
            int entries = rows;
            for (int first = 0; first < into; first += LOCAL) {
                int j = first + lane;
                int own = 0;
                int taken = 0;
                if (j < into && flag(a, guarded, 2 * j + 1) == 0) {
                    own = 1;
                    for (int q = 0; q < pairs; q++) {
                        if ((int) a.get(partner + (int) a.get(order + q)) == j) taken++;
                    }
                }
                context.localBarrier();
                scratch[lane] = own;
                context.localBarrier();
                for (int stride = 1; stride < LOCAL; stride = stride * 2) {
                    int before = 0;
                    if (lane >= stride) before = scratch[lane - stride];
                    context.localBarrier();
                    scratch[lane] = scratch[lane] + before;
                    context.localBarrier();
                }
                int upTo = scratch[lane];
                int row = rows + upTo - 1;
                rows += scratch[LOCAL - 1];
                context.localBarrier();
                scratch[lane] = own + taken;
                context.localBarrier();
                for (int stride = 1; stride < LOCAL; stride = stride * 2) {
                    int before = 0;
                    if (lane >= stride) before = scratch[lane - stride];
                    context.localBarrier();
                    scratch[lane] = scratch[lane] + before;
                    context.localBarrier();
                }
                int through = scratch[lane];
                int end = entries + through;
                entries += scratch[LOCAL - 1];
                if (own == 1) {
                    int entry = end - taken - 1;
                    a.set(start + row, entry);
                    a.set(index + entry, 2 * j + 1);
                    for (int q = 0; q < pairs; q++) {
                        int i = (int) a.get(order + q);
                        if ((int) a.get(partner + i) == j) {
                            entry++;
                            a.set(index + entry, 2 * i);
                        }
                    }
                }
            }
            if (lane == 0) a.set(start + rows, entries);
            context.globalBarrier();
            int sizes = m.get(at + SIZES);
            int weight = m.get(at + WEIGHT);
            for (int row = lane; row < rows; row += LOCAL) {
                int first = (int) a.get(start + row);
                int last = (int) a.get(start + row + 1);
                float sum = 0f;
                for (int e = first; e < last; e++) sum += size(a, sizes, (int) a.get(index + e));
                for (int e = first; e < last; e++) a.set(weight + e, size(a, sizes, (int) a.get(index + e)) / sum);
            }
        }
    }

    private static int flag(FloatArray a, int guarded, int token) {
        int flag = 0;
        if (guarded >= 0 && a.get(guarded + token) > 0.5f) flag = 1;
        return flag;
    }

    private static float size(FloatArray a, int sizes, int token) {
        float size = 1f;
        if (sizes >= 0) size = a.get(sizes + token);
        return size;
    }
}
