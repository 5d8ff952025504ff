package dev.winnow.runtime.models;

import dev.winnow.layers.Backend;
import dev.winnow.layers.Norm;

/** A norm of the features on a grid. */
sealed interface GridNorm {
    /** y = norm(x) for n cells; x and y may be the same array. */
    void apply(Backend backend, float[] x, int n, float[] y);

    /** Cell by cell. */
    record Cells(Norm norm) implements GridNorm {
        @Override
        public void apply(Backend backend, float[] x, int n, float[] y) {
            backend.normalise(norm, x, n, norm.width(), y);
        }
    }

    /** Mean and variance of all cells and channels together: group norm with one group (Wu and He 2018). */
    record Whole(float[] weight, float[] bias, float epsilon) implements GridNorm {
        @Override
        public void apply(Backend backend, float[] x, int n, float[] y) {
            int width = weight.length;
            Statistics s = statistics(x, n * width);
            for (int i = 0; i < n; i++) {
                for (int c = 0; c < width; c++) {
                    int at = i * width + c;
                    y[at] = (x[at] - s.mean) * s.scale * weight[c] + bias[c];
                }
            }
        }

        /** The mean and one by the deviation of so many values. */
        Statistics statistics(float[] x, int count) {
            double sum = 0;
            for (int i = 0; i < count; i++) sum += x[i];
            double mean = sum / count;
            double squares = 0;
            for (int i = 0; i < count; i++) squares += (x[i] - mean) * (x[i] - mean);
            return new Statistics((float) mean, (float) (1 / Math.sqrt(squares / count + epsilon)));
        }
    }

    /** What values are shifted and scaled by. */
    record Statistics(float mean, float scale) {}
}
