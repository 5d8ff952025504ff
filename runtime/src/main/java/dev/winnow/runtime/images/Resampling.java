package dev.winnow.runtime.images;

import dev.winnow.weights.CheckpointException;

/** The resampling filters of Pillow, under the numbers that image processor configurations use. */
public enum Resampling {
    NEAREST(0, 0),
    LANCZOS(1, 3),
    BILINEAR(2, 1),
    BICUBIC(3, 2),
    BOX(4, 0.5),
    HAMMING(5, 1);

    private final int pilCode;
    private final double support;

    Resampling(int pilCode, double support) {
        this.pilCode = pilCode;
        this.support = support;
    }

    /**
     * The filter with Pillow's number.
     *
     * @throws CheckpointException when there is none
     */
    public static Resampling ofPil(int code) {
        for (Resampling filter : values()) if (filter.pilCode == code) return filter;
        throw new CheckpointException("resample " + code + " is no resampling filter; Pillow numbers them 0 to 5");
    }

    /** Distance in source pixels, when not shrinking, from which on the filter is zero. */
    double support() {
        return support;
    }

    /** The filter's weight at a distance from its centre, not normalised. */
    double weight(double distance) {
        double x = Math.abs(distance);
        return switch (this) {
            case NEAREST -> throw new IllegalStateException("nearest is no convolution");
            case LANCZOS -> distance >= -3 && distance < 3 ? sinc(x) * sinc(x / 3) : 0;
            case BILINEAR -> x < 1 ? 1 - x : 0;
            case BICUBIC -> x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
            case BOX -> distance > -0.5 && distance <= 0.5 ? 1 : 0;
            // Pillow keeps the two constants of this window as floats
            case HAMMING -> x == 0 ? 1 : x < 1 ? sinc(x) * (0.54f + 0.46f * Math.cos(x * Math.PI)) : 0;
        };
    }

    private static double sinc(double x) {
        return x == 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
    }
}
