package dev.winnow.tornado.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** Compares results with a reference in double precision. */
final class Closeness {
    private Closeness() {}

    /** The largest difference is within 1e-4 of the largest number. */
    static void close(float[] actual, double[] expected) {
        close(actual, expected, 1e-4);
    }

    static void close(float[] actual, double[] expected, double tolerance) {
        assertThat(actual).hasSameSizeAs(expected);
        double largest = 1e-6;
        for (double e : expected) largest = Math.max(largest, Math.abs(e));
        for (int i = 0; i < actual.length; i++) {
            assertThat((double) actual[i]).as("element %d", i).isCloseTo(expected[i], within(tolerance * largest));
        }
    }
}
