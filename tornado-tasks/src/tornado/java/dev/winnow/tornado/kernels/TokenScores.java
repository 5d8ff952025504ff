package dev.winnow.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Scores of tokens, and which of them are the highest: the decision of methods that keep the tokens which receive most from one row of
 * attention. A token's rank is the number of those before it, so that any number can be kept of any number in one pass; for the logits
 * of a vocabulary, many and of which few are wanted, there is {@link BitonicTopK}.
 */
public final class TokenScores {
    public static final int LOCAL = 128;

    private static final int COUNT = 0;

    private static final int ROWS = 1;
    private static final int HEADS = 2;
    private static final int STRIDE = 3;
    private static final int COLUMNS = 4;
    private static final int FIRST = 5;
    private static final int TARGET = 6;

    private static final int X = 1;
    private static final int VECTORS = 2;
    private static final int BIAS = 3;
    private static final int NUMBER = 4;
    private static final int FUNCTION = 5;
    private static final int PRODUCTS = 6;

    private static final int SCORES = 1;
    private static final int K = 2;
    private static final int PLACES = 3;

    private TokenScores() {}

    public static int groups(int count) {
        return Offsets.pieces(count, LOCAL);
    }

    /**
     * Some columns of a row of probabilities, mean over heads; one work-item a column. Heads are added in order, as on the processor.
     *
     * @param m at: 0 columns, 1 the row of the first head, 2 heads, 3 how far apart their rows are, 4 numbers of the columns, or none where
     *          they follow one another, 5 the first of those, 6 target [columns]
     */
    public static void headMean(KernelContext context, IntArray m, int at, FloatArray a) {
        int i = context.globalIdx;
        if (i < m.get(at + COUNT)) {
            int column = m.get(at + FIRST) + i;
            if (m.get(at + COLUMNS) >= 0) column = (int) a.get(m.get(at + COLUMNS) + i);
            int heads = m.get(at + HEADS);
            float sum = 0f;
            for (int h = 0; h < heads; h++) sum += a.get(m.get(at + ROWS) + h * m.get(at + STRIDE) + column);
            a.set(m.get(at + TARGET) + i, sum / heads);
        }
    }

    /** Groups of {@link #products}. */
    public static int productGroups(int tokens, int vectors) {
        return tokens * vectors;
    }

    /**
     * Products of tokens and few vectors, as routers have them; a work-group makes one.
     *
     * @param m     at: 0 tokens, 1 their states [tokens, width], 2 vectors [number, width], 3 a bias for each, or none, 4 number, 5 ordinal
     *              of the function of the products, 6 target [tokens, number]
     * @param width of states and vectors
     */
    public static void products(KernelContext context, IntArray m, int at, FloatArray a, int width) {
        float[] scratch = context.allocateFloatLocalArray(LOCAL);
        int lane = context.localIdx;
        int number = m.get(at + NUMBER);
        int token = context.groupIdx / number;
        int vector = context.groupIdx % number;
        if (token < m.get(at + COUNT)) {
            int x = m.get(at + X) + token * width;
            int v = m.get(at + VECTORS) + vector * width;
            float sum = 0f;
            for (int c = lane; c < width; c += LOCAL) sum += a.get(x + c) * a.get(v + c);
            scratch[lane] = sum;
            context.localBarrier();
            for (int step = LOCAL / 2; step > 0; step = step / 2) {
                if (lane < step) scratch[lane] = scratch[lane] + scratch[lane + step];
                context.localBarrier();
            }
            if (lane == 0) {
                float product = scratch[0];
                if (m.get(at + BIAS) >= 0) product += a.get(m.get(at + BIAS) + vector);
                a.set(m.get(at + PRODUCTS) + token * number + vector, ElementWise.apply(m.get(at + FUNCTION), product));
            }
        }
    }

    /**
     * Places of the k highest, highest first, equal ones by rising place; one work-item a score.
     *
     * @param m at: 0 scores, 1 where they are, 2 k, 3 target [k]
     */
    public static void highest(KernelContext context, IntArray m, int at, FloatArray a) {
        int i = context.globalIdx;
        int count = m.get(at + COUNT);
        if (i < count) {
            int scores = m.get(at + SCORES);
            float own = a.get(scores + i);
            int rank = 0;
            for (int j = 0; j < count; j++) {
                float other = a.get(scores + j);
                if (other > own) rank++;
                if (other == own && j < i) rank++;
            }
            if (rank < m.get(at + K)) a.set(m.get(at + PLACES) + rank, i);
        }
    }
}
