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
