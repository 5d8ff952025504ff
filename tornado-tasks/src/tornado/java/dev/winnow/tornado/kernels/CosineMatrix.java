package dev.winnow.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** The cosines of rows among each other, of rows that {@link Partners#units} brought to length 1. */
public final class CosineMatrix {
    /** Rows and columns of a tile, which a work-group makes, one work-item a cosine. */
    private static final int TILE = 16;
    public static final int LOCAL = TILE * TILE;

    private static final int COUNT = 0;
    private static final int ROWS = 1;
    private static final int TARGET = 2;

    private static final int MATRIX = 1;
    private static final int STRIDE = 2;
    private static final int LONELINESS = 3;

    private CosineMatrix() {}

    public static int groups(int count) {
        int tiles = Offsets.pieces(count, TILE);
        return tiles * tiles;
    }

    /**
     * Inner products of all rows.
     *
     * @param m     at: 0 count, 1 rows [count, width], 2 target [count, count]
     * @param width of a row
     */
    public static void products(KernelContext context, IntArray m, int at, FloatArray a, int width) {
        float[] left = context.allocateFloatLocalArray(LOCAL);
        float[] right = context.allocateFloatLocalArray(LOCAL);
        int lane = context.localIdx;
        int count = m.get(at + COUNT);
        int rows = m.get(at + ROWS);
        int tiles = (count + TILE - 1) / TILE;
        int down = lane / TILE;
        int across = lane % TILE;
        int first = (context.groupIdx / tiles) * TILE;
        int second = (context.groupIdx % tiles) * TILE;
        float sum = 0f;
        for (int p = 0; p < width; p += TILE) {
            float u = 0f;
            float v = 0f;
            if (p + across < width) {
                if (first + down < count) u = a.get(rows + (first + down) * width + p + across);
                if (second + down < count) v = a.get(rows + (second + down) * width + p + across);
            }
            left[lane] = u;
            right[lane] = v;
            context.localBarrier();
            for (int c = 0; c < TILE; c++) sum += left[down * TILE + c] * right[across * TILE + c];
            context.localBarrier();
        }
        if (first + down < count) {
            if (second + across < count) a.set(m.get(at + TARGET) + (first + down) * count + second + across, sum);
        }
    }

    /** Groups of {@link #loneliness}. */
    public static int rowGroups(int count) {
        return count;
    }

    /**
     * Minus the highest cosine of each row with another: the least similar to its nearest neighbour has the highest. A work-group takes
     * one row.
     *
     * @param m at: 0 count, 1 cosines, 2 how far apart their rows are, 3 target [count]
     */
    public static void loneliness(KernelContext context, IntArray m, int at, FloatArray a) {
        float[] scratch = context.allocateFloatLocalArray(LOCAL);
        int lane = context.localIdx;
        int row = context.groupIdx;
        int count = m.get(at + COUNT);
        if (row < count) {
            int from = m.get(at + MATRIX) + row * m.get(at + STRIDE);
            float most = Scores.NEVER;
            for (int j = lane; j < count; j += LOCAL) {
                float cosine = a.get(from + j);
                if (j == row) cosine = Scores.NEVER;
                if (cosine > most) most = cosine;
            }
            scratch[lane] = most;
            context.localBarrier();
            for (int step = LOCAL / 2; step > 0; step = step / 2) {
                if (lane < step) {
                    if (scratch[lane + step] > scratch[lane]) scratch[lane] = scratch[lane + step];
                }
                context.localBarrier();
            }
            if (lane == 0) {
                float nearest = scratch[0];
                a.set(m.get(at + LONELINESS) + row, 0f - nearest);
            }
        }
    }
}
