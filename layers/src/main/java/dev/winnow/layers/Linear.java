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
    /** The map to outputs from .. to - 1, for projections that a checkpoint stores one under the other; shares the weights. */
    public Linear rows(int from, int to) {
        long[] shape = weight.shape().clone();
        long row = weight.elements() / shape[0] * weight.dtype().bytes();
        shape[0] = to - from;
        Tensor part = new Tensor(weight.name(), weight.dtype(), shape, weight.data().asSlice(from * row, (to - from) * row));
        return new Linear(part, bias == null ? null : Arrays.copyOfRange(bias, from, to));
    }

    public int out() {
        return Math.toIntExact(weight.shape()[0]);
    }

    public int in() {
        return Math.toIntExact(weight.elements() / weight.shape()[0]);
    }
}
