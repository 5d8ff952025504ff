package dev.winnow.tornado.kernels;

import dev.winnow.weights.DType;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Weights as the device holds them: F32 in a {@link FloatArray}, all other formats as their stored bytes in an {@link IntArray},
 * little-endian, so that a work-item reads four bytes at a time whatever the format: two halves, four codes of Q8_0 or eight of Q4_0.
 * Scales of the block formats are widened and kept apart. A kernel takes both arrays and the number of the format; the one that is not
 * used has a single element. Elements are widened in registers.
 *
 * <p>Half floats: the device code has no way from bits to a float, so sign and exponent pick a power of two from a table in local memory
 * and the mantissa is multiplied by it, which is exact. Making the table costs a few instructions per work-item. Kernels
 * fill and read it in their own bodies (see the package's notes). Infinities and NaN
 * do not occur in weights and are not kept; BF16 numbers below 1e-36 may
 * become zero.
 */
public final class WeightFormat {
    /** Elements of a block that shares a scale. */
    public static final int BLOCK = 32;
    public static final int F32 = 0;
    public static final int F16 = 1;
    public static final int BF16 = 2;
    /** As {@link DType#Q8_0}. */
    public static final int Q8_0 = 3;
    /** As {@link DType#Q4_0}. */
    public static final int Q4_0 = 4;

    /** Floats of local memory that a table takes: signs and exponents of BF16. */
    static final int TABLE = 512;
    private static final int F16_ENTRIES = 64;

    private WeightFormat() {}

    /**
     * The number of a type.
     *
     * @throws IllegalArgumentException for types that kernels do not read
     */
    public static int of(DType dtype) {
        return switch (dtype) {
            case F32 -> F32;
            case F16 -> F16;
            case BF16 -> BF16;
            case Q8_0 -> Q8_0;
            case Q4_0 -> Q4_0;
            default -> throw new IllegalArgumentException("weights stored as " + dtype + " cannot be computed with on the device; F32, F16,"
                    + " BF16, Q8_0 and Q4_0 can");
        };
    }

    /** Entries of the table that a format of half floats needs. */
    static int entries(int format) {
        return format == BF16 ? TABLE : F16_ENTRIES;
    }

    /** Entry i of a format's table: what a mantissa with this sign and exponent is multiplied by. */
    static float power(int format, int i) {
        int exponents = format == BF16 ? 256 : 32;
        int bias = format == BF16 ? 134 : 25;
        int exponent = i % exponents == 0 ? 1 : i % exponents;
        float step = exponent < bias ? 0.5f : 2f;
        float power = i < exponents ? 1f : -1f;
        // never negative: device code may take a difference of small numbers for a byte
        int left = exponent < bias ? bias - exponent : exponent - bias;
        while (left > 0) {
            if (left % 2 == 1) power *= step;
            step *= step;
            left = left / 2;
        }
        return power;
    }

    /** Which entry of the table 16 bits go with: their sign and exponent. */
    static int entry(int format, int bits) {
        return format == BF16 ? (bits >> 7) & 511 : (bits >> 10) & 63;
    }

    /** The mantissa of 16 bits as a whole number, with its leading one where there is one. */
    static float mantissa(int format, int bits) {
        int stored = format == BF16 ? bits & 127 : bits & 1023;
        int exponent = format == BF16 ? (bits >> 7) & 255 : (bits >> 10) & 31;
        float mantissa = stored;
        if (exponent > 0) mantissa += format == BF16 ? 128f : 1024f;
        return mantissa;
    }

    /** The lower (0) or upper (1) 16 bits of a word. */
    static int bits(int word, int part) {
        return (word >> (16 * part)) & 0xffff;
    }

    /** A code of Q8_0: byte 0..3 of a word with its sign. */
    static float code8(int word, int part) {
        return (word << (24 - 8 * part)) >> 24;
    }

    /** A code of Q4_0: half byte 0..7 of a word, before 8 is subtracted. */
    static float code4(int word, int part) {
        return (word >> (4 * part)) & 15;
    }

    /**
     * One element of a weight that needs no table: F32 or a block format.
     *
     * @param base   of the weight: in elements of floats, or in words
     * @param p      holds the scales
     * @param scales of the weight in p, one for 32 elements
     * @param index  of the element in the weight
     */
    static float element(FloatArray floats, IntArray words, FloatArray p, int format, int base, int scales, int index) {
        float value;
        if (format == F32) {
            value = floats.get(base + index);
        } else if (format == Q8_0) {
            value = p.get(scales + index / BLOCK) * code8(words.get(base + index / 4), index & 3);
        } else {
            int place = index & 15;
            int word = words.get(base + (index / BLOCK) * 4 + place / 4);
            value = p.get(scales + index / BLOCK) * (code4(word, (place & 3) * 2 + ((index & 16) >> 4)) - 8f);
        }
        return value;
    }
}
