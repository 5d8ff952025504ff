package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Backend;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Workers;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.Grid;
import java.util.Arrays;
import java.util.Map;

/**
 * What brings tokens together in a block that needs their grid (Yu et al. 2022, arXiv 2111.11418 and 2210.13452). Attention is another
 * such mixer, which needs no grid.
 */
sealed interface TokenMixer {
    /**
     * y = mixer(x).
     *
     * @param x [cells, channels]
     * @param y as x; another array
     */
    void mix(FeatureMap x, float[] y, Backend backend, Workspace workspace);

    /** Floating-point operations over a grid. */
    long flops(Grid grid, int channels);

    /** What it does, in a word or two. */
    String act();

    /** Most values of a cell that it holds on the way. */
    default int inner() {
        return 0;
    }

    default Map<String, Linear> linears() {
        return Map.of();
    }

    /** Nothing (IdentityFormer). */
    record Identity() implements TokenMixer {
        @Override
        public String act() {
            return "nothing";
        }

        @Override
        public void mix(FeatureMap x, float[] y, Backend backend, Workspace workspace) {
            System.arraycopy(x.values(), 0, y, 0, x.grid().cells() * x.channels());
        }

        @Override
        public long flops(Grid grid, int channels) {
            return 0;
        }
    }

    /**
     * The mean of the neighbours less the token itself, which the residual adds; cells outside the grid do not count (PoolFormer).
     *
     * @param size of the square of neighbours, odd
     */
    record Pooling(int size) implements TokenMixer {
        @Override
        public String act() {
            return "pooling";
        }

        @Override
        public void mix(FeatureMap x, float[] y, Backend backend, Workspace workspace) {
            Grid grid = x.grid();
            Workers.shared().each(grid.height(), row -> {
                for (int column = 0; column < grid.width(); column++) pool(x, row, column, y);
            });
            workspace.work().product(taps(grid, size), x.channels(), 1);
        }

        private void pool(FeatureMap x, int row, int column, float[] y) {
            Grid grid = x.grid();
            int channels = x.channels();
            int at = (row * grid.width() + column) * channels;
            Arrays.fill(y, at, at + channels, 0f);
            int top = Math.max(0, row - size / 2);
            int bottom = Math.min(grid.height() - 1, row + size / 2);
            int left = Math.max(0, column - size / 2);
            int right = Math.min(grid.width() - 1, column + size / 2);
            for (int r = top; r <= bottom; r++) {
                for (int from = (r * grid.width() + left) * channels; from <= (r * grid.width() + right) * channels; from += channels) {
                    for (int c = 0; c < channels; c++) y[at + c] += x.values()[from + c];
                }
            }
            float share = 1f / ((bottom - top + 1) * (right - left + 1));
            for (int c = 0; c < channels; c++) y[at + c] = y[at + c] * share - x.values()[at + c];
        }

        @Override
        public long flops(Grid grid, int channels) {
            return 2 * taps(grid, size) * channels;
        }
    }

    /**
     * An inverted separable convolution (Sandler et al. 2018): to more channels, StarReLU, one window for each channel, and back
     * (ConvFormer).
     *
     * @param factor and
     * @param shift  of StarReLU, {@code factor max(x, 0)^2 + shift}
     * @param taps   [size * size, channels]
     */
    record SeparableConvolution(Linear widen, float factor, float shift, int size, float[] taps, Linear narrow) implements TokenMixer {
        @Override
        public String act() {
            return "separable convolution";
        }

        @Override
        public void mix(FeatureMap x, float[] y, Backend backend, Workspace workspace) {
            Grid grid = x.grid();
            int n = grid.cells();
            int inner = widen.out();
            float[] wide = workspace.buffer(Workspace.Slot.HIDDEN, n * inner);
            backend.linear(widen, x.values(), n, wide, Activation.RELU_SQUARED, workspace.work());
            for (int i = 0; i < n * inner; i++) wide[i] = factor * wide[i] + shift;
            float[] convolved = workspace.buffer(Workspace.Slot.GATED, n * inner);
            FeatureMap map = new FeatureMap(wide, grid, inner);
            Workers.shared().each(grid.height(), row -> {
                for (int column = 0; column < grid.width(); column++) convolve(map, row, column, convolved);
            });
            workspace.work().product(TokenMixer.taps(grid, size), inner, 1);
            backend.linear(narrow, convolved, n, y, Activation.NONE, workspace.work());
        }

        private void convolve(FeatureMap x, int row, int column, float[] y) {
            Grid grid = x.grid();
            int channels = x.channels();
            int at = (row * grid.width() + column) * channels;
            Arrays.fill(y, at, at + channels, 0f);
            for (int k = 0; k < size * size; k++) {
                int r = row + k / size - size / 2;
                int c = column + k % size - size / 2;
                if (r < 0 || r >= grid.height() || c < 0 || c >= grid.width()) continue;
                int from = (r * grid.width() + c) * channels;
                for (int i = 0; i < channels; i++) y[at + i] += taps[k * channels + i] * x.values()[from + i];
            }
        }

        @Override
        public long flops(Grid grid, int channels) {
            return grid.cells() * (ComputeCost.product(widen) + ComputeCost.product(narrow))
                    + 2 * TokenMixer.taps(grid, size) * widen.out();
        }

        @Override
        public int inner() {
            return 2 * widen.out();
        }

        @Override
        public Map<String, Linear> linears() {
            return Map.of("pointwise in", widen, "pointwise out", narrow);
        }
    }

    /**
     * A matrix that was drawn once and never trained (RandFormer).
     *
     * @param matrix [cells, cells]
     */
    record RandomMixing(Linear matrix) implements TokenMixer {
        @Override
        public String act() {
            return "random mixing";
        }

        @Override
        public void mix(FeatureMap x, float[] y, Backend backend, Workspace workspace) {
            int n = x.grid().cells();
            int channels = x.channels();
            float[] turned = workspace.buffer(Workspace.Slot.HIDDEN, n * channels);
            float[] mixed = workspace.buffer(Workspace.Slot.GATED, n * channels);
            for (int i = 0; i < n * channels; i++) turned[i % channels * n + i / channels] = x.values()[i];
            backend.linear(matrix, turned, channels, mixed, Activation.NONE, workspace.work());
            for (int i = 0; i < n * channels; i++) y[i] = mixed[i % channels * n + i / channels];
        }

        @Override
        public long flops(Grid grid, int channels) {
            return channels * ComputeCost.product(matrix);
        }

        @Override
        public Map<String, Linear> linears() {
            return Map.of("mixing", matrix);
        }
    }

    /** (cell, neighbour) pairs within a grid, for squares of odd size around each cell. */
    private static long taps(Grid grid, int size) {
        return within(grid.height(), size) * within(grid.width(), size);
    }

    private static long within(int side, int size) {
        long pairs = 0;
        for (int i = 0; i < side; i++) pairs += Math.min(side - 1, i + size / 2) - Math.max(0, i - size / 2) + 1;
        return pairs;
    }
}
