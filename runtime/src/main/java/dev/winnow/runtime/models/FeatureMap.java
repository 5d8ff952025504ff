package dev.winnow.runtime.models;

import dev.winnow.layers.Workers;
import dev.winnow.reduction.Grid;

/**
 * Features on a grid.
 *
 * @param values [grid.cells(), channels], perhaps in an array that is longer
 */
record FeatureMap(float[] values, Grid grid, int channels) {
    /** A picture [channels, height, width] from offset on, one cell a pixel. */
    static FeatureMap ofPixels(float[] pixels, int offset, int channels, int height, int width) {
        int n = height * width;
        float[] values = new float[n * channels];
        for (int c = 0; c < channels; c++) {
            for (int i = 0; i < n; i++) values[i * channels + c] = pixels[offset + c * n + i];
        }
        return new FeatureMap(values, new Grid(height, width), channels);
    }

    /** The grid of windows of size x size cells, stride apart, over a grid with so many empty cells around it. */
    static Grid windows(Grid grid, int size, int stride, int padding) {
        return new Grid(windows(grid.height(), size, stride, padding), windows(grid.width(), size, stride, padding));
    }

    private static int windows(int side, int size, int stride, int padding) {
        int spare = side + 2 * padding - size;
        return spare < 0 ? 0 : spare / stride + 1;
    }

    /**
     * The contents of all windows, each in a row: channel by channel and in each line by line, as kernels of convolutions are stored.
     * What lies outside the grid is zero.
     *
     * @return [windows, channels * size * size]
     */
    float[] unfold(int size, int stride, int padding) {
        Grid to = windows(grid, size, stride, padding);
        int length = channels * size * size;
        float[] rows = new float[to.cells() * length];
        Workers.shared().each(to.height(), y -> {
            for (int x = 0; x < to.width(); x++) {
                copyWindow(y * stride - padding, x * stride - padding, size, rows, (y * to.width() + x) * length);
            }
        });
        return rows;
    }

    private void copyWindow(int top, int left, int size, float[] rows, int at) {
        for (int ky = 0; ky < size; ky++) {
            int y = top + ky;
            if (y < 0 || y >= grid.height()) continue;
            for (int kx = 0; kx < size; kx++) {
                int x = left + kx;
                if (x < 0 || x >= grid.width()) continue;
                int from = (y * grid.width() + x) * channels;
                for (int c = 0, i = at + ky * size + kx; c < channels; c++, i += size * size) rows[i] = values[from + c];
            }
        }
    }
}
