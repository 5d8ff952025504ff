package dev.winnow.runtime.models;

import dev.winnow.reduction.Grid;

/**
 * Cubic convolution (Keys 1981) of a square table of vectors to another number of rows and columns; corners are not aligned.
 *
 * @param sharpness  the parameter a of the kernel
 * @param antialias  whether the kernel widens when the table shrinks, and what of it lies outside the table is left out, not repeated
 */
record Bicubic(double sharpness, boolean antialias) {
    /** As {@code interpolate} of PyTorch does it. */
    static final Bicubic PLAIN = new Bicubic(-0.75, false);
    /** As {@code interpolate} does it with antialiasing. */
    static final Bicubic ANTIALIASED = new Bicubic(-0.5, true);

    /** [side, side, width] to [grid.height(), grid.width(), width]. */
    float[] resample(float[] table, int side, Grid grid, int width) {
        double[][] down = weights(side, grid.height());
        double[][] across = weights(side, grid.width());
        float[] rows = new float[side * grid.width() * width];
        for (int y = 0; y < side; y++) {
            for (int x = 0; x < grid.width(); x++) {
                int at = (y * grid.width() + x) * width;
                for (int i = 0; i < side; i++) addScaled(rows, at, table, (y * side + i) * width, width, across[x][i]);
            }
        }
        float[] resampled = new float[grid.cells() * width];
        int row = grid.width() * width;
        for (int y = 0; y < grid.height(); y++) {
            for (int i = 0; i < side; i++) addScaled(resampled, y * row, rows, i * row, row, down[y][i]);
        }
        return resampled;
    }

    private static void addScaled(float[] to, int at, float[] from, int offset, int n, double weight) {
        if (weight == 0) return;
        for (int c = 0; c < n; c++) to[at + c] += (float) weight * from[offset + c];
    }

    /** For each of the new places the share of each old one. */
    private double[][] weights(int from, int to) {
        double[][] weights = new double[to][from];
        double scale = (double) from / to;
        double widened = antialias ? Math.max(1, scale) : 1;
        for (int i = 0; i < to; i++) {
            double centre = (i + 0.5) * scale - 0.5;
            double total = 0;
            for (int k = (int) Math.floor(centre - 2 * widened); k <= Math.ceil(centre + 2 * widened); k++) {
                if (antialias && (k < 0 || k >= from)) continue;
                double weight = kernel((k - centre) / widened);
                weights[i][Math.clamp(k, 0, from - 1)] += weight;
                total += weight;
            }
            for (int k = 0; antialias && k < from; k++) weights[i][k] /= total;
        }
        return weights;
    }

    private double kernel(double distance) {
        double a = sharpness;
        double x = Math.abs(distance);
        if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
        return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
    }
}
