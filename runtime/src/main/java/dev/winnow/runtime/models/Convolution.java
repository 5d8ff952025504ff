package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Backend;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Work;
import dev.winnow.reduction.Grid;

/**
 * A convolution of square windows, as a product with what is in them.
 *
 * @param kernel  [channels out, channels in, size, size]
 * @param padding empty cells around the grid
 */
record Convolution(Linear kernel, int size, int stride, int padding) {
    int channels() {
        return kernel.in() / (size * size);
    }

    Grid grid(Grid from) {
        return FeatureMap.windows(from, size, stride, padding);
    }

    FeatureMap apply(FeatureMap map, Backend backend, Work work) {
        Grid to = grid(map.grid());
        float[] values = new float[to.cells() * kernel.out()];
        backend.linear(kernel, map.unfold(size, stride, padding), to.cells(), values, Activation.NONE, work);
        return new FeatureMap(values, to, kernel.out());
    }

    long flops(Grid from) {
        return grid(from).cells() * ComputeCost.product(kernel);
    }

    /** Bytes of windows and results. */
    long scratch(Grid from) {
        return (long) Float.BYTES * grid(from).cells() * (kernel.in() + kernel.out());
    }
}
