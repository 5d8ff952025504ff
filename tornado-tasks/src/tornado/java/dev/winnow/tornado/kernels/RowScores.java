package dev.winnow.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Rows of attention turned into one score per token: one work-item a column. */
public final class RowScores {
    public static final int LOCAL = 128;

    private static final int COLUMNS = 0;
    private static final int ROWS = 1;
    private static final int COUNT = 2;
    private static final int FIRST = 3;
    private static final int TARGET = 4;
    private static final int TAKEN = 5;

    private RowScores() {}

    public static int groups(int columns) {
        return Offsets.pieces(columns, LOCAL);
    }

    /**
     * The mean over heads, and over some rows: of one row what the class token or the last query sees, of all what tokens receive.
     *
     * @param m at: 0 columns, 1 rows [heads, count, columns], 2 count, 3 first row taken, 4 target [columns], 5 how many rows are taken
     */
    public static void mean(KernelContext context, IntArray m, int at, FloatArray a, int heads) {
        int j = context.globalIdx;
        int columns = m.get(at + COLUMNS);
        if (j < columns) {
            int count = m.get(at + COUNT);
            int first = m.get(at + FIRST);
            int taken = m.get(at + TAKEN);
            float sum = 0f;
            for (int h = 0; h < heads; h++) {
                for (int r = first; r < first + taken; r++) sum += a.get(m.get(at + ROWS) + (h * count + r) * columns + j);
            }
            a.set(m.get(at + TARGET) + j, sum / (heads * taken));
        }
    }
}
