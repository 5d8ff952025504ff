package dev.winnow.weights;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * A matrix in a block format, Q8_0 or Q4_0, and where it has what: the codes of all rows come first, as words of four bytes, then the f16
 * scales of all blocks. Sixteen rows are a group, of which the first word of each row comes first, then the second of each, and so on; the
 * scales likewise. So a vector of words holds as many rows, and a product keeps each of them in a lane of its own. Rows that fill no group
 * come last, one after the other. Rows count from 0 to {@code rows() - 1}, the elements of one to {@code in - 1}, its blocks to
 * {@code in / 32 - 1} and its words to {@code words() - 1}. That is not checked: beyond it lie other rows, or nothing
 * ({@link IndexOutOfBoundsException}).
 *
 * @param data   all of the matrix
 * @param format a block format; any other is an {@link IllegalArgumentException}
 * @param in     elements of a row; an {@link IllegalArgumentException} where they are no whole blocks
 */
public record BlockMatrix(MemorySegment data, DType format, int in) {
    /** Rows of a group. */
    public static final int GROUP = 16;
    /** Elements of a block. */
    public static final int BLOCK = 32;

    /** A word of codes, or of two bf16, at any address. */
    public static final ValueLayout.OfInt WORDS = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort HALVES = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    public BlockMatrix {
        if (!format.isBlocked()) throw new IllegalArgumentException(format + " is no block format");
        if (in < 0 || in % BLOCK != 0) throw new IllegalArgumentException("rows of " + in + " elements are no whole blocks of " + format);
    }

    /** Of a tensor, whose rows run over its last dimension. */
    public static BlockMatrix of(Tensor t) {
        return new BlockMatrix(t.data(), t.dtype(), t.dim(-1));
    }

    /** As many rows as there are bytes for; none where a row has no elements. */
    public long rows() {
        return data.byteSize() / Math.max(1, format.bytes(in));
    }

    /** Rows in groups: those from it on lie one after the other. */
    public long grouped() {
        return rows() / GROUP * GROUP;
    }

    /** Words of a row. */
    public int words() {
        return wordsOfBlock() * (in / BLOCK);
    }

    /** Words of the codes of a block. */
    public int wordsOfBlock() {
        return codeBytes(format) / Integer.BYTES;
    }

    /** Bytes of the codes of a block. */
    public static int codeBytes(DType format) {
        return format.blockBytes() - DType.SCALE_BYTES;
    }

    /** Where a word of a row is, in bytes. */
    public long wordAt(long row, int word) {
        return Integer.BYTES * place(row, words(), word);
    }

    /** Where the scale of a block of a row is, in bytes. */
    public long scaleAt(long row, int block) {
        return rows() * words() * Integer.BYTES + DType.SCALE_BYTES * place(row, in / BLOCK, block);
    }

    private long place(long row, int units, int unit) {
        return row < grouped() ? (row / GROUP * units + unit) * GROUP + row % GROUP : row * units + unit;
    }

    /** One element: its code times the scale of its block. */
    public float element(long row, int i) {
        int wordsOfBlock = wordsOfBlock();
        int block = i / BLOCK;
        int inBlock = i % BLOCK;
        float scale = Float.float16ToFloat(data.get(HALVES, scaleAt(row, block)));
        if (format == DType.Q8_0) return scale * (byte) (data.get(WORDS, wordAt(row, block * wordsOfBlock + inBlock / 4)) >> i % 4 * 8);
        // the second half of a block is in the upper halves of its bytes
        int half = inBlock % (BLOCK / 2);
        int word = data.get(WORDS, wordAt(row, block * wordsOfBlock + half / 4));
        return scale * ((word >> half % 4 * 8 + (inBlock < BLOCK / 2 ? 0 : 4) & 15) - 8);
    }

    /** Writes the elements of a row to target from an offset on, where there is room for {@code in} of them. */
    public void widen(long row, float[] target, int offset) {
        long step = step(row);
        long word = wordAt(row, 0);
        long scale = scaleAt(row, 0);
        int wordsOfBlock = wordsOfBlock();
        for (int b = 0; b < in / BLOCK; b++) {
            float s = Float.float16ToFloat(data.get(HALVES, scale + DType.SCALE_BYTES * step * b));
            int to = offset + b * BLOCK;
            for (int w = 0; w < wordsOfBlock; w++, to += 4) {
                int codes = data.get(WORDS, word + Integer.BYTES * step * (b * wordsOfBlock + w));
                for (int i = 0; i < 4; i++, codes >>= 8) {
                    if (format == DType.Q8_0) {
                        target[to + i] = s * (byte) codes;
                    } else {
                        target[to + i] = s * ((codes & 15) - 8);
                        target[to + BLOCK / 2 + i] = s * ((codes >> 4 & 15) - 8);
                    }
                }
            }
        }
    }

    /**
     * Reads the codes of a row in the order of its elements.
     *
     * @param codes room for {@code words()} words
     */
    public void readCodes(long row, int[] codes) {
        long step = step(row);
        long word = wordAt(row, 0);
        for (int w = 0; w < words(); w++) codes[w] = data.get(WORDS, word + Integer.BYTES * step * w);
    }

    /**
     * Reads the scales of a row.
     *
     * @param scales room for {@code in / 32} of f16
     */
    public void readScales(long row, short[] scales) {
        long step = step(row);
        long scale = scaleAt(row, 0);
        for (int b = 0; b < in / BLOCK; b++) scales[b] = data.get(HALVES, scale + DType.SCALE_BYTES * step * b);
    }

    /** How far a row's units lie apart. */
    private long step(long row) {
        return row < grouped() ? GROUP : 1;
    }

    /** Writes a row, as {@link #readCodes} and {@link #readScales} read it. */
    public void write(long row, int[] codes, short[] scales) {
        long step = step(row);
        long word = wordAt(row, 0);
        for (int w = 0; w < words(); w++) data.set(WORDS, word + Integer.BYTES * step * w, codes[w]);
        long scale = scaleAt(row, 0);
        for (int b = 0; b < in / BLOCK; b++) data.set(HALVES, scale + DType.SCALE_BYTES * step * b, scales[b]);
    }
}
