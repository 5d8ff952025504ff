package dev.winnow.layers;

/**
 * Polynomials behind the element-wise functions, our own least-maximum-error fits; both kernel sets use the same ones.
 *
 * <ul>
 *   <li>exp: {@code exp(r) = 1 + r + r^2 (E2 + E3 r + ...)} for |r| &lt;= ln(2)/2, relative error 3e-9 before rounding.
 *   <li>erfc: {@code erfc(z) = exp(-z^2) t (C0 + C1 t + ...)}, t = 1 / (1 + 0.38 z), for z &gt;= 0, relative error 3e-8 before
 *       rounding. Going through erfc keeps GELU's left tail, which {@code 1 + erf} would cancel away.
 * </ul>
 */
final class Approximations {
    static final float LOG2E = 1.44269504f;
    /** ln 2 in two parts: the first has few bits, so that its product with a small integer is exact. */
    static final float LN2_HIGH = 0.693359375f;
    static final float LN2_LOW = -2.12194440e-4f;
    /** Adding and subtracting 1.5 * 2^23 rounds to an integer, which is then in the low bits of the sum. */
    static final float ROUNDER = 12582912f;
    /** Below this exp is zero here: results would be subnormal. */
    static final float EXP_LOWEST = -87.33654f;
    /** Above this exp would overflow. */
    static final float EXP_HIGHEST = 88.37f;

    static final float E2 = 0.4999999343f;
    static final float E3 = 0.1666652039f;
    static final float E4 = 0.0416683910f;
    static final float E5 = 0.0083687464f;
    static final float E6 = 0.0013814529f;

    static final float ERFC_P = 0.38f;
    static final float C0 = 0.2144088305f;
    static final float C1 = 0.2139641597f;
    static final float C2 = 0.2035250971f;
    static final float C3 = 0.1403848421f;
    static final float C4 = 0.2253790972f;
    static final float C5 = -0.1539059623f;
    static final float C6 = 0.3565402366f;
    static final float C7 = -0.2583937507f;
    static final float C8 = 0.0580974262f;

    static final float SQRT_HALF = 0.70710678f;
    /** sqrt(2 / pi) of the tanh form of GELU, and its cubic coefficient. */
    static final float GELU_TANH_SCALE = 0.7978845608f;
    static final float GELU_TANH_CUBIC = 0.044715f;
    static final float QUICK_GELU_SCALE = 1.702f;

    private Approximations() {}

    /** {@code erfc(z)} for z &gt;= 0. */
    static double erfc(double z) {
        double t = 1 / (1 + ERFC_P * z);
        double p = C8;
        p = p * t + C7;
        p = p * t + C6;
        p = p * t + C5;
        p = p * t + C4;
        p = p * t + C3;
        p = p * t + C2;
        p = p * t + C1;
        p = p * t + C0;
        return Math.exp(-z * z) * t * p;
    }
}
