package dev.winnow.weights;

/** The two eight-bit floating-point formats, widened by table: index with {@code b & 0xff}. */
final class Float8 {
    /** Four exponent bits (bias 7), three of mantissa, no infinities; the largest value is 448 and only 0x7f and 0xff are NaN. */
    static final float[] E4M3 = new float[256];
    /** The upper half of an IEEE half-precision number, infinities and NaNs included. */
    static final float[] E5M2 = new float[256];

    static {
        for (int b = 0; b < 256; b++) {
            E4M3[b] = e4m3(b);
            E5M2[b] = Float.float16ToFloat((short) (b << 8));
        }
    }

    private Float8() {}

    private static float e4m3(int b) {
        int exponent = b >> 3 & 15;
        int mantissa = b & 7;
        if (exponent == 15 && mantissa == 7) return Float.NaN;
        float magnitude = exponent == 0 ? Math.scalb((float) mantissa, -9) : Math.scalb(8f + mantissa, exponent - 10);
        return b < 128 ? magnitude : -magnitude;
    }
}
