package dev.winnow.weights.packed;

import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.DType;
import dev.winnow.weights.Settings;
import dev.winnow.weights.Tensor;
import java.util.Arrays;
import java.util.Optional;

/**
 * AWQ (Lin et al. 2023) as AutoAWQ's GEMM version stores it: {@code qweight} [in, out / 8], {@code qzeros} [groups, out / 8] and
 * {@code scales} [groups, out]. The eight codes of a word belong to eight neighbouring outputs, even ones first.
 */
record Awq() implements Layout {
    private static final int BITS = 4;
    /** The place in a word of each of eight neighbours: 0, 2, 4 and 6 come first, then 1, 3, 5 and 7. */
    private static final int[] PLACE = {0, 4, 1, 5, 2, 6, 3, 7};

    static Awq of(Settings c) {
        String version = c.string("version", "gemm");
        if (!version.equalsIgnoreCase("gemm")) {
            throw new CheckpointException("config.json: quantization_config has the AWQ version '" + version
                    + "', an order of codes made for another kernel; gemm can be read");
        }
        int bits = c.integer("bits", c.integer("w_bit", BITS));
        if (bits != BITS) throw new CheckpointException("config.json: quantization_config has AWQ in " + bits + " bits; 4 can be read");
        return new Awq();
    }

    @Override
    public boolean packs(Parts parts) {
        return parts.has("qweight");
    }

    @Override
    public PackedMatrix read(Parts parts, int out, int in) {
        if (out % 8 != 0) throw parts.bad("qweight", "cannot hold " + out + " outputs: AWQ packs eight to a word");
        Words words = new Words(parts.tensor("qweight", DType.I32, "AWQ", in, out / 8), BITS);
        Tensor scales = parts.scales("scales");
        int groups = scales.shape().length == 2 && scales.shape()[1] == out ? scales.dim(0) : 0;
        if (groups < 1 || in % groups != 0) {
            throw parts.bad("scales", "has shape " + Arrays.toString(scales.shape()) + ", but AWQ asks for [groups that divide " + in + ", "
                    + out + "]");
        }
        ScaleGrid grid = new ScaleGrid(Turned.floats(scales.toFloats(), groups, out), groups, 1, ScaleGrid.stretches(in, in / groups));
        int[] zeros = new int[out * groups];
        Words stored = new Words(parts.tensor("qzeros", DType.I32, "AWQ", groups, out / 8), BITS);
        for (int g = 0; g < groups; g++) {
            for (int r = 0; r < out; r++) zeros[r * groups + g] = code(stored, g, r);
        }
        String layout = "AWQ, 4 bits, " + Layout.groups(grid, in, Optional.empty());
        return new PackedIntegers(out, in, parts.names(), layout, BITS, (from, count, target) -> {
            for (int c = 0; c < in; c++) {
                for (int r = 0; r < count; r++) target[r * in + c] = code(words, c, from + r);
            }
        }, grid, zeros);
    }

    private static int code(Words words, int row, int output) {
        return words.code(words.word(row, output / 8), PLACE[output % 8]);
    }
}
