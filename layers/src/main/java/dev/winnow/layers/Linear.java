package dev.winnow.layers;

import dev.winnow.weights.Tensor;

/**
 * An affine map y = W x + b. The weight stays as it is stored (F32, F16, BF16), or rounded to blocks (Q8_0, Q4_0).
 *
 * @param weight shape [out, in]; trailing dimensions of a convolution kernel count as "in"
 * @param bias   length out, or null
 */
public record Linear(Tensor weight, float[] bias) {
    public int out() {
        return Math.toIntExact(weight.shape()[0]);
    }

    public int in() {
        return Math.toIntExact(weight.elements() / weight.shape()[0]);
    }
}
