package dev.winnow.examples.bench;

import java.nio.ByteBuffer;

/**
 * Element types of ggml. Rows are encoded by the rules of its reference code, so that llama.cpp computes with the very blocks that its own
 * tool would have written.
 */
enum GgmlType {
    F32(0, 1, 4, 0), Q4_0(2, 32, 18, 2), Q8_0(8, 32, 34, 7), BF16(30, 1, 2, 32);

    private final int code;
    private final int block;
    private final int blockBytes;
    private final int fileType;

    GgmlType(int code, int block, int blockBytes, int fileType) {
        this.code = code;
        this.block = block;
        this.blockBytes = blockBytes;
        this.fileType = fileType;
    }

    /** As in a tensor's entry. */
    int code() {
        return code;
    }

    /** As in {@code general.file_type}. */
    int fileType() {
        return fileType;
    }

    /** Bytes of a row, which has whole blocks. */
    int rowBytes(int elements) {
        if (elements % block != 0) throw new IllegalArgumentException(this + " needs rows of a multiple of " + block + ", not " + elements);
        return Math.multiplyExact(elements / block, blockBytes);
    }

    /** Appends a row to a little-endian buffer. */
    void encode(float[] row, ByteBuffer to) {
        switch (this) {
            case F32 -> {
                for (float v : row) to.putFloat(v);
            }
            case BF16 -> {
                for (float v : row) to.putShort(bfloat(v));
            }
            case Q8_0 -> {
                for (int i = 0; i < row.length; i += block) q8(row, i, to);
            }
            case Q4_0 -> {
                for (int i = 0; i < row.length; i += block) q4(row, i, to);
            }
        }
    }

    /** Nearest, ties to even; exact for what was bf16 before. */
    private static short bfloat(float v) {
        int bits = Float.floatToRawIntBits(v);
        return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
    }

    /** A half-precision scale d = max |x| / 127 and 32 bytes round(x / d), halves away from zero. */
    private void q8(float[] x, int from, ByteBuffer to) {
        float most = 0;
        for (int i = 0; i < block; i++) most = Math.max(most, Math.abs(x[from + i]));
        float scale = most / 127;
        float inverse = scale == 0 ? 0 : 1 / scale;
        to.putShort(Float.floatToFloat16(scale));
        for (int i = 0; i < block; i++) {
            float v = x[from + i] * inverse;
            int whole = (int) v;
            to.put((byte) (Math.abs(v - whole) >= 0.5f ? whole + (int) Math.signum(v) : whole));
        }
    }

    /**
     * A half-precision scale d, with which the element of greatest magnitude becomes -8, and 32 values of 4 bits, x / d + 8 rounded; a byte
     * has element i low and element i + 16 high.
     */
    private void q4(float[] x, int from, ByteBuffer to) {
        float furthest = 0;
        for (int i = 0; i < block; i++) if (Math.abs(x[from + i]) > Math.abs(furthest)) furthest = x[from + i];
        float scale = furthest / -8;
        float inverse = scale == 0 ? 0 : 1 / scale;
        to.putShort(Float.floatToFloat16(scale));
        int half = block / 2;
        for (int i = 0; i < half; i++) to.put((byte) (nibble(x[from + i] * inverse) | nibble(x[from + half + i] * inverse) << 4));
    }

    private static int nibble(float v) {
        return Math.min(15, (int) (v + 8.5f));
    }
}
