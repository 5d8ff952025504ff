package dev.winnow.layers;

import dev.winnow.weights.Tensor;
import java.util.Arrays;

/**
 * An affine map y = W x + b. The weight stays where and as it is stored (F32, F16 or BF16).
 *
 * @param weight shape [out, in]; trailing dimensions of a convolution kernel count as "in"
 * @param bias   length out, or null
 */
public record Linear(Tensor weight, float[] bias) {
    /** Some consecutive outputs, as a view of the weight. */
    public Linear rows(int from, int count) {
        return new Linear(weight.rows(from, count), bias == null ? null : Arrays.copyOfRange(bias, from, from + count));
    }

    /** The outputs in another order, output i being order[i] of this map; a copy. */
    public Linear gathered(int[] order) {
        float[] moved = bias == null ? null : new float[order.length];
        for (int i = 0; moved != null && i < order.length; i++) moved[i] = bias[order[i]];
        return new Linear(weight.gathered(order), moved);
    }

    public int out() {
        return Math.toIntExact(weight.shape()[0]);
    }

    public int in() {
        return Math.toIntExact(weight.elements() / weight.shape()[0]);
    }
}
