package dev.winnow.runtime.models;

import dev.winnow.reduction.Grid;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The order in which a tower reads the patches of a picture: row by row, or square by square of those that later become one token, the
 * squares row by row or window by window (Bai et al. 2025, arXiv 2502.13923).
 *
 * @param square side of a square in patches; 1 for row by row
 * @param window side of a window in squares; 0 for no windows
 */
record PatchOrder(int square, int window) {
    static final PatchOrder ROWS = new PatchOrder(1, 0);

    boolean byRows() {
        return square == 1;
    }

    /** For each token its patch in raster order, where squares come row by row. */
    int[] patches(Grid grid) {
        return patches(grid, IntStream.range(0, squares(grid).cells()).toArray());
    }

    /** For each token its patch in raster order, in the order of the tower. */
    int[] read(Grid grid) {
        return patches(grid, order(grid));
    }

    private int[] patches(Grid grid, int[] order) {
        int[] patches = new int[grid.cells()];
        int next = 0;
        int across = grid.width() / square;
        for (int s : order) {
            for (int y = 0; y < square; y++) {
                for (int x = 0; x < square; x++) patches[next++] = (s / across * square + y) * grid.width() + s % across * square + x;
            }
        }
        return patches;
    }

    Grid squares(Grid grid) {
        return new Grid(grid.height() / square, grid.width() / square);
    }

    /** The squares in raster order as the tower reads them. */
    int[] order(Grid grid) {
        int[] order = new int[squares(grid).cells()];
        int next = 0;
        for (int[] window : windows(grid)) for (int s : window) order[next++] = s;
        return order;
    }

    /** First token of each window, and the number of tokens. */
    int[] bounds(Grid grid) {
        List<int[]> windows = windows(grid);
        int[] bounds = new int[windows.size() + 1];
        for (int i = 0; i < windows.size(); i++) bounds[i + 1] = bounds[i] + windows.get(i).length * square * square;
        return bounds;
    }

    private List<int[]> windows(Grid grid) {
        Grid squares = squares(grid);
        if (window == 0) return List.of(IntStream.range(0, squares.cells()).toArray());
        List<int[]> windows = new ArrayList<>();
        for (int y = 0; y < squares.height(); y += window) {
            for (int x = 0; x < squares.width(); x += window) {
                int top = y;
                int left = x;
                windows.add(IntStream.range(0, squares.cells())
                        .filter(s -> squares.row(s) / window == top / window && squares.column(s) / window == left / window).toArray());
            }
        }
        return windows;
    }
}
