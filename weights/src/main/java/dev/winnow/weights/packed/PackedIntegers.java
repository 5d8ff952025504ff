package dev.winnow.weights.packed;

import dev.winnow.weights.BlockMatrix;
import dev.winnow.weights.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Small integers: an element is (code - zero point) * scale.
 *
 * @param bits  of a code, which is unsigned
 * @param zeros zero points of the scales' places
 */
record PackedIntegers(int out, int in, List<String> tensors, String layout, int bits, Codes codes, ScaleGrid scales, int[] zeros)
        implements PackedMatrix {
    private static final int BLOCK = BlockMatrix.BLOCK;

    /** Where the codes are. */
    interface Codes {
        /** Writes the codes of rows to target [count, in]. */
        void read(int from, int count, int[] target);
    }

    @Override
    public void rows(int from, int count, float[] target) {
        int[] read = new int[count * in];
        codes.read(from, count, read);
        for (int r = 0; r < count; r++) {
            int row = scales.row(from + r);
            for (int c = 0; c < in; c++) {
                int place = row + scales.columnOf()[c];
                target[r * in + c] = (read[r * in + c] - zeros[place]) * scales.values()[place];
            }
        }
    }

    /**
     * Blocks of ours hold (code - 8) * scale in 4 bits and code * scale in 8, the scale an f16: what has f16 scales, shared by whole
     * blocks, fits where no zero point takes a difference out of the range.
     */
    @Override
    public Optional<DType> exact() {
        if (in % BLOCK != 0 || !scales.sharedBy(BLOCK) || !scales.halves()) return Optional.empty();
        int lowest = 0;
        int highest = -1 << bits;
        for (int zero : zeros) {
            lowest = Math.min(lowest, -zero);
            highest = Math.max(highest, (1 << bits) - 1 - zero);
        }
        if (lowest >= -8 && highest <= 7) return Optional.of(DType.Q4_0);
        return lowest >= Byte.MIN_VALUE && highest <= Byte.MAX_VALUE ? Optional.of(DType.Q8_0) : Optional.empty();
    }

    @Override
    public void blocks(DType format, int from, int count, MemorySegment target) {
        BlockMatrix matrix = new BlockMatrix(target, format, in);
        boolean wide = format == DType.Q8_0;
        int[] read = new int[count * in];
        codes.read(from, count, read);
        int[] words = new int[matrix.words()];
        short[] halves = new short[in / BLOCK];
        for (int r = 0; r < count; r++) {
            int row = scales.row(from + r);
            Arrays.fill(words, 0);
            for (int c = 0; c < in; c++) {
                int code = read[r * in + c] - zeros[row + scales.columnOf()[c]];
                int half = c % (BLOCK / 2);
                if (wide) words[c / 4] |= (code & 0xff) << c % 4 * 8;
                else words[c / BLOCK * 4 + half / 4] |= code + 8 << half % 4 * 8 + (c % BLOCK < BLOCK / 2 ? 0 : 4);
            }
            for (int b = 0; b < halves.length; b++) {
                halves[b] = Float.floatToFloat16(scales.values()[row + scales.columnOf()[b * BLOCK]]);
            }
            matrix.write(from + r, words, halves);
        }
    }
}
