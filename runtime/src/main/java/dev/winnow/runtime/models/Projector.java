package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Backend;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Norm;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.Grid;
import java.util.List;

/** From the features of a tower to embeddings of a language model. */
public sealed interface Projector {
    /** Side of the squares of patches that become one token; 1 where each patch is one. */
    int side();

    /** @param features [n, width] of a tower; where patches are joined, all of a picture in raster order */
    float[] project(Backend backend, float[] features, int n, Grid grid, Workspace workspace);

    /** Layers one after the other, an activation between them: of LLaVA two, of PaliGemma one. */
    record Layers(List<Linear> linears, Activation activation) implements Projector {
        @Override
        public int side() {
            return 1;
        }

        @Override
        public float[] project(Backend backend, float[] features, int n, Grid grid, Workspace workspace) {
            float[] x = features;
            for (Linear l : linears) {
                float[] y = new float[n * l.out()];
                backend.linear(l, x, n, y, l == linears.getLast() ? Activation.NONE : activation, workspace.work());
                x = y;
            }
            return x;
        }
    }

    /** The patches of a square side by side, row by row, through layers (pixel shuffle, Idefics3; Laurencon et al. 2024). */
    record Shuffled(int side, Layers layers) implements Projector {
        @Override
        public float[] project(Backend backend, float[] features, int n, Grid grid, Workspace workspace) {
            int width = features.length / n;
            int squares = n / (side * side);
            float[] joined = new float[n * width];
            for (int cell = 0; cell < n; cell++) {
                int square = square(grid, side, cell);
                int inside = grid.row(cell) % side * side + grid.column(cell) % side;
                System.arraycopy(features, cell * width, joined, (square * side * side + inside) * width, width);
            }
            return layers.project(backend, joined, squares, grid, workspace);
        }
    }

    /** A norm, then patches that come square by square are joined and go through layers (Qwen2-VL's merger; Wang et al. 2024). */
    record Merged(int side, Norm norm, Layers layers) implements Projector {
        @Override
        public float[] project(Backend backend, float[] features, int n, Grid grid, Workspace workspace) {
            float[] normed = new float[features.length];
            backend.normalise(norm, features, n, features.length / n, normed);
            return layers.project(backend, normed, n / (side * side), grid, workspace);
        }
    }

    /** The mean of each square, a norm and a layer (Gemma 3). */
    record Pooled(int side, Norm norm, Linear linear) implements Projector {
        @Override
        public float[] project(Backend backend, float[] features, int n, Grid grid, Workspace workspace) {
            int width = features.length / n;
            int squares = n / (side * side);
            float[] means = new float[squares * width];
            for (int cell = 0; cell < n; cell++) {
                int square = square(grid, side, cell) * width;
                for (int c = 0; c < width; c++) means[square + c] += features[cell * width + c];
            }
            for (int i = 0; i < means.length; i++) means[i] /= side * side;
            backend.normalise(norm, means, squares, width, means);
            float[] projected = new float[squares * linear.out()];
            backend.linear(linear, means, squares, projected, Activation.NONE, workspace.work());
            return projected;
        }
    }

    /** The square that a patch is in, counted row by row. */
    private static int square(Grid grid, int side, int cell) {
        return grid.row(cell) / side * (grid.width() / side) + grid.column(cell) / side;
    }

    /** Two layers with LLaVA's names. */
    static Layers twoLayers(WeightScope p, int in, int out, boolean bias, Activation activation) {
        return new Layers(List.of(p.linear("linear_1", out, in, bias), p.linear("linear_2", out, out, bias)), activation);
    }
}
