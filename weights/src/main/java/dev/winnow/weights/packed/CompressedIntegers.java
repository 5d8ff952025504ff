package dev.winnow.weights.packed;

import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Optional;

/**
 * Signed integers of compressed-tensors: {@code weight} of bytes, or {@code weight_packed} [out, ceil(in / codes per word)] of words whose
 * codes are raised by half their range; {@code weight_scale}; {@code weight_zero_point}, of bytes, or of words packed along the outputs;
 * {@code weight_g_idx} where groups are not in order.
 *
 * @param rectangle height and width of the rectangles that share a scale, or null
 */
record CompressedIntegers(int[] rectangle) implements Layout {
    @Override
    public boolean packs(Parts parts) {
        return parts.has("weight_packed") || parts.has("weight") && parts.has("weight_scale") && parts.any("weight").dtype() == DType.I8;
    }

    @Override
    public PackedMatrix read(Parts parts, int out, int in) {
        boolean packed = parts.has("weight_packed");
        int bits = packed ? bits(parts, out, in) : 8;
        PackedIntegers.Codes codes = packed ? words(new Words(parts.any("weight_packed"), bits), in)
                : bytes(parts.tensor("weight", DType.I8, "compressed-tensors", out, in), in);
        ScaleGrid grid = ScaleGrid.of(parts.scales("weight_scale"), out, in, rectangle);
        Optional<Tensor> order = parts.optional("weight_g_idx").filter(t -> !allNegative(t));
        if (order.isPresent()) grid = grid.grouped(order.get());
        int[] zeros = zeros(parts, grid, bits, out);
        String layout = "compressed-tensors, " + bits + " bits, " + Layout.groups(grid, in, order);
        return new PackedIntegers(out, in, parts.names(), layout, bits, codes, grid, zeros);
    }

    /** A list of -1 stands for groups in order. */
    private static boolean allNegative(Tensor indices) {
        return Arrays.stream(indices.toLongs()).allMatch(i -> i < 0);
    }

    private static int bits(Parts parts, int out, int in) {
        Tensor shape = parts.any("weight_shape");
        if (!Arrays.equals(shape.toLongs(), new long[] {out, in})) {
            throw parts.bad("weight_shape", "says " + Arrays.toString(shape.toLongs()) + ", but the configuration asks for [" + out + ", "
                    + in + "]");
        }
        Tensor stored = parts.any("weight_packed");
        for (int bits : new int[] {4, 8}) {
            boolean fits = Arrays.equals(stored.shape(), new long[] {out, Math.ceilDiv(in, Integer.SIZE / bits)});
            if (fits && stored.dtype() == DType.I32) return bits;
        }
        throw parts.bad("weight_packed", "is " + stored.dtype() + Arrays.toString(stored.shape()) + ", which holds no matrix [" + out + ", "
                + in + "] of 4 or 8 bits as compressed-tensors packs it");
    }

    private static PackedIntegers.Codes words(Words words, int in) {
        return (from, count, target) -> {
            for (int r = 0; r < count; r++) {
                for (int c = 0; c < in; c++) target[r * in + c] = words.code(words.word(from + r, c / words.each()), c % words.each());
            }
        };
    }

    private static PackedIntegers.Codes bytes(Tensor stored, int in) {
        return (from, count, target) -> {
            long start = (long) from * in;
            for (int i = 0; i < count * in; i++) target[i] = stored.data().get(ValueLayout.JAVA_BYTE, start + i) + 128;
        };
    }

    /** Half the range where nothing is stored: codes are raised by it. */
    private static int[] zeros(Parts parts, ScaleGrid grid, int bits, int out) {
        int half = 1 << bits - 1;
        int[] zeros = new int[grid.values().length];
        Arrays.fill(zeros, half);
        Optional<Tensor> stored = parts.optional("weight_zero_point");
        if (stored.isEmpty()) return zeros;
        Tensor t = stored.get();
        if (t.dtype() == DType.I32) {
            Words words = new Words(t, bits);
            long[] shape = {Math.ceilDiv(out, words.each()), grid.columns()};
            if (zeros.length != out * grid.columns() || !Arrays.equals(t.shape(), shape)) throw wrong(parts, t, grid);
            for (int i = 0; i < zeros.length; i++) {
                int row = i / grid.columns();
                zeros[i] = words.code(words.word(row / words.each(), i % grid.columns()), row % words.each());
            }
            return zeros;
        }
        if (t.dtype() != DType.I8 || t.elements() != zeros.length) throw wrong(parts, t, grid);
        for (int i = 0; i < zeros.length; i++) zeros[i] = t.data().get(ValueLayout.JAVA_BYTE, i) + half;
        return zeros;
    }

    private static CheckpointException wrong(Parts parts, Tensor t, ScaleGrid grid) {
        return parts.bad("weight_zero_point", "is " + t.dtype() + Arrays.toString(t.shape()) + ", which are no zero points for "
                + grid.values().length + " scales");
    }
}
