package dev.winnow.weights.packed;

import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * Eight-bit floats: an element is its float times its scale.
 *
 * @param floats [out, in]
 */
record ScaledFloats(Tensor floats, List<String> tensors, String layout, ScaleGrid scales) implements PackedMatrix {
    @Override
    public int out() {
        return floats.dim(0);
    }

    @Override
    public int in() {
        return floats.dim(1);
    }

    @Override
    public void rows(int from, int count, float[] target) {
        float[] read = floats.rows(from, count).toFloats();
        int in = in();
        for (int r = 0; r < count; r++) {
            int row = scales.row(from + r);
            for (int c = 0; c < in; c++) target[r * in + c] = read[r * in + c] * scales.values()[row + scales.columnOf()[c]];
        }
    }

    /** Steps between floats are uneven; blocks of integers hold none of them. */
    @Override
    public Optional<DType> exact() {
        return Optional.empty();
    }

    @Override
    public void blocks(DType format, int from, int count, MemorySegment target) {
        throw new IllegalStateException("no block format holds " + layout);
    }
}
