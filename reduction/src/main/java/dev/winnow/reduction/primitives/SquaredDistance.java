package dev.winnow.reduction.primitives;

/** Squared Euclidean distance. */
public final class SquaredDistance {
    private SquaredDistance() {}

    /** Between two rows that begin at offsets. Four sums side by side, which the processor overlaps. */
    public static double between(float[] a, int atA, float[] b, int atB, int width) {
        float s0 = 0;
        float s1 = 0;
        float s2 = 0;
        float s3 = 0;
        int k = 0;
        for (; k + 3 < width; k += 4) {
            float d0 = a[atA + k] - b[atB + k];
            float d1 = a[atA + k + 1] - b[atB + k + 1];
            float d2 = a[atA + k + 2] - b[atB + k + 2];
            float d3 = a[atA + k + 3] - b[atB + k + 3];
            s0 += d0 * d0;
            s1 += d1 * d1;
            s2 += d2 * d2;
            s3 += d3 * d3;
        }
        for (; k < width; k++) s0 += (a[atA + k] - b[atB + k]) * (a[atA + k] - b[atB + k]);
        return s0 + s1 + s2 + s3;
    }
}
