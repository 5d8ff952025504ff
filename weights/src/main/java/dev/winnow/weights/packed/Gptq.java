package dev.winnow.weights.packed;

import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.DType;
import dev.winnow.weights.Settings;
import dev.winnow.weights.Tensor;
import java.util.Arrays;
import java.util.Optional;

/**
 * GPTQ (Frantar et al. 2022) as AutoGPTQ and GPTQModel store it: {@code qweight} [in / codes per word, out], {@code scales} [groups, out],
 * {@code qzeros} [groups, out / codes per word], and {@code g_idx} [in] with the group of each input. The first version of the format
 * stores zero points less one, {@code gptq_v2} as they are.
 *
 * @param lessOne whether stored zero points are less one
 */
record Gptq(boolean lessOne) implements Layout {
    static Gptq of(Settings c) {
        String format = c.string("checkpoint_format", "gptq");
        if (c.flag("is_marlin_format", false) || !format.equals("gptq") && !format.equals("gptq_v2")) {
            throw new CheckpointException("config.json: quantization_config has the GPTQ checkpoint_format '" + format
                    + "', an order of codes made for one GPU kernel; gptq and gptq_v2 can be read");
        }
        return new Gptq(format.equals("gptq"));
    }

    @Override
    public boolean packs(Parts parts) {
        return parts.has("qweight");
    }

    @Override
    public PackedMatrix read(Parts parts, int out, int in) {
        Tensor stored = parts.any("qweight");
        int bits = bits(parts, stored, out, in);
        Words words = new Words(stored, bits);
        Tensor scales = parts.scales("scales");
        if (scales.shape().length != 2 || scales.shape()[1] != out || scales.shape()[0] < 1) {
            throw parts.bad("scales", "has shape " + Arrays.toString(scales.shape()) + ", but GPTQ asks for [groups, " + out + "]");
        }
        int groups = scales.dim(0);
        Optional<Tensor> order = parts.optional("g_idx");
        if (order.isEmpty() && in % groups != 0) {
            throw parts.bad("scales", "has " + groups + " groups, which do not divide " + in + " inputs");
        }
        ScaleGrid grid = new ScaleGrid(Turned.floats(scales.toFloats(), groups, out), groups, 1,
                ScaleGrid.stretches(in, Math.ceilDiv(in, groups)));
        if (order.isPresent()) grid = grid.grouped(order.get());
        Words zeros = new Words(parts.tensor("qzeros", DType.I32, "GPTQ", groups, Math.ceilDiv(out, words.each())), bits);
        String layout = "GPTQ, " + bits + " bits, " + Layout.groups(grid, in, order);
        return new PackedIntegers(out, in, parts.names(), layout, bits, codes(words, in), grid, zeros(zeros, groups, out));
    }

    private static int bits(Parts parts, Tensor stored, int out, int in) {
        for (int bits : new int[] {2, 4, 8}) {
            boolean fits = (long) in * bits % Integer.SIZE == 0
                    && Arrays.equals(stored.shape(), new long[] {(long) in * bits / Integer.SIZE, out});
            if (fits && stored.dtype() == DType.I32) return bits;
        }
        throw parts.bad("qweight", "is " + stored.dtype() + Arrays.toString(stored.shape()) + ", which holds no matrix [" + out + ", " + in
                + "] of 2, 4 or 8 bits as GPTQ stores it");
    }

    /** A word holds neighbours of a column: a band of rows is read word row by word row, each a stretch of memory. */
    private static PackedIntegers.Codes codes(Words words, int in) {
        return (from, count, target) -> {
            for (int w = 0; w < in / words.each(); w++) {
                for (int r = 0; r < count; r++) {
                    int word = words.word(w, from + r);
                    for (int i = 0; i < words.each(); i++) target[r * in + w * words.each() + i] = words.code(word, i);
                }
            }
        };
    }

    private int[] zeros(Words words, int groups, int out) {
        int[] zeros = new int[out * groups];
        int mask = (1 << words.bits()) - 1;
        for (int g = 0; g < groups; g++) {
            for (int r = 0; r < out; r++) {
                int stored = words.code(words.word(g, r / words.each()), r % words.each());
                // the sum wraps, as a zero point of 0 does when one is taken off
                zeros[r * groups + g] = lessOne ? stored + 1 & mask : stored;
            }
        }
        return zeros;
    }
}
