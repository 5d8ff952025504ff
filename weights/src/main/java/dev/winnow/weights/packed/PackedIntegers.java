package dev.winnow.weights.packed;

import dev.winnow.weights.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
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
    private static final ValueLayout.OfShort HALVES = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int BLOCK = 32;

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
        boolean wide = format == DType.Q8_0;
        int[] read = new int[count * in];
        codes.read(from, count, read);
        byte[] coded = new byte[wide ? read.length : read.length / 2];
        for (int r = 0; r < count; r++) {
            int row = scales.row(from + r);
            for (int c = 0; c < in; c++) {
                int i = r * in + c;
                int code = read[i] - zeros[row + scales.columnOf()[c]];
                if (wide) coded[i] = (byte) code;
                else coded[i / BLOCK * (BLOCK / 2) + i % (BLOCK / 2)] |= (byte) (code + 8 << (i % BLOCK < BLOCK / 2 ? 0 : 4));
            }
        }
        long elements = (long) out * in;
        long codesEach = wide ? in : in / 2;
        MemorySegment.copy(coded, 0, target, ValueLayout.JAVA_BYTE, from * codesEach, coded.length);
        long scalesStart = wide ? elements : elements / 2;
        for (int r = from; r < from + count; r++) {
            for (int b = 0; b < in / BLOCK; b++) {
                short half = Float.floatToFloat16(scales.values()[scales.row(r) + scales.columnOf()[b * BLOCK]]);
                target.set(HALVES, scalesStart + DType.SCALE_BYTES * ((long) r * in / BLOCK + b), half);
            }
        }
    }
}
