package dev.winnow.weights.packed;

import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import java.util.Arrays;

/**
 * Eight-bit floats (Micikevicius et al. 2022): {@code weight} of F8_E4M3 or F8_E5M2, and what it is multiplied with, in
 * {@code weight_scale} or, the same in spite of its name, {@code weight_scale_inv}: per tensor, per row, or per rectangle (DeepSeek-V3).
 * Without either the floats count as they are.
 *
 * @param rectangle height and width of the rectangles that share a scale
 */
record Float8Matrices(int[] rectangle) implements Layout {
    @Override
    public boolean packs(Parts parts) {
        if (!parts.has("weight")) return false;
        DType dtype = parts.any("weight").dtype();
        return dtype == DType.F8_E4M3 || dtype == DType.F8_E5M2;
    }

    @Override
    public PackedMatrix read(Parts parts, int out, int in) {
        Tensor floats = parts.any("weight");
        if (!Arrays.equals(floats.shape(), new long[] {out, in})) {
            throw parts.bad("weight", "has shape " + Arrays.toString(floats.shape()) + ", but the configuration asks for [" + out + ", "
                    + in + "]");
        }
        String scale = parts.has("weight_scale_inv") ? "weight_scale_inv" : "weight_scale";
        if (!parts.has(scale)) {
            return new ScaledFloats(floats, parts.names(), floats.dtype() + " without a scale",
                    new ScaleGrid(new float[] {1}, 1, Math.max(1, out), new int[in]));
        }
        ScaleGrid grid = ScaleGrid.of(parts.scales(scale), out, in, rectangle);
        int count = grid.values().length;
        String scales = count == 1 ? "one scale" : count == out ? "a scale per row" : count + " scales";
        return new ScaledFloats(floats, parts.names(), floats.dtype() + " with " + scales, grid);
    }
}
