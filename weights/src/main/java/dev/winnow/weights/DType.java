package dev.winnow.weights;

/**
 * Element types: those of the safetensors format, and two block formats that weights are rounded to, by the rules of GGML's formats of
 * these names. In a block format 32 neighbours of a row share a scale, an f16. {@link BlockMatrix} says where codes and scales lie.
 */
public enum DType {
    F64(8), F32(4), F16(2), BF16(2), F8_E4M3(1), F8_E5M2(1),
    I64(8), I32(4), I16(2), I8(1), U64(8), U32(4), U16(2), U8(1), BOOL(1),
    /** Codes are signed bytes: an element is its code times the scale. */
    Q8_0(32, 34),
    /**
     * Codes are half bytes, elements i and i + 16 of a block the low and the high half of byte i of its 16: an element is its code less 8,
     * times the scale.
     */
    Q4_0(32, 18);

    /** Bytes of the scale of a block. */
    public static final int SCALE_BYTES = 2;

    private final int elements;
    private final int bytes;

    DType(int bytes) {
        this(1, bytes);
    }

    DType(int elements, int bytes) {
        this.elements = elements;
        this.bytes = bytes;
    }

    /** Elements that are stored together: 1, or 32 in a block format. */
    public int blockElements() {
        return elements;
    }

    /** Bytes of what is stored together: per element, or per block. */
    public int blockBytes() {
        return bytes;
    }

    public boolean isBlocked() {
        return elements > 1;
    }

    /**
     * Bytes that so many elements take.
     *
     * @throws IllegalArgumentException when they are not whole blocks
     * @throws ArithmeticException      when the number overflows
     */
    public long bytes(long n) {
        if (n % elements != 0) throw new IllegalArgumentException(n + " elements are no whole blocks of " + this);
        return Math.multiplyExact(n / elements, (long) bytes);
    }
}
