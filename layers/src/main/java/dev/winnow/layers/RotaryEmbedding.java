package dev.winnow.layers;

import java.util.Arrays;
import java.util.function.IntBinaryOperator;

/**
 * Rotary position embedding (Su et al. 2021) in the half-split form. Frequencies and angles are rounded to f32 where the reference
 * implementation does, so that long positions agree.
 *
 * @param dimensions rotated channels per head, even
 * @param theta      the base of the frequencies
 */
public record RotaryEmbedding(int dimensions, double theta, RopeScaling scaling) {

    /** Cosines and sines, each [positions, dimensions / 2], already times the attention factor. */
    public record Table(float[] cos, float[] sin) {}

    public int half() {
        return dimensions / 2;
    }

    /**
     * The table for n positions of a sequence whose last position is the highest of them.
     *
     * @param positions at least n entries
     */
    public Table table(int[] positions, int n) {
        int highest = 0;
        for (int i = 0; i < n; i++) highest = Math.max(highest, positions[i]);
        return table(n, highest, (i, pair) -> positions[i]);
    }

    /**
     * The table for tokens that stand at several positions at once, where each of as many equal runs of pairs turns by its own.
     *
     * @param positions [tokens][runs]; the number of runs divides that of the pairs
     */
    Table table(int[][] positions) {
        int highest = Arrays.stream(positions).flatMapToInt(Arrays::stream).max().orElse(0);
        int run = half() / positions[0].length;
        return table(positions.length, highest, (i, pair) -> positions[i][pair / run]);
    }

    /** @param position of a token and a pair */
    private Table table(int n, int highest, IntBinaryOperator position) {
        float[] frequencies = frequencies(highest + 1);
        float attention = scaling instanceof RopeScaling.Yarn y ? (float) y.attentionFactor() : 1f;
        int half = half();
        float[] cos = new float[n * half];
        float[] sin = new float[n * half];
        for (int i = 0; i < n; i++) {
            for (int d = 0; d < half; d++) {
                float angle = frequencies[d] * position.applyAsInt(i, d);
                cos[i * half + d] = (float) Math.cos(angle) * attention;
                sin[i * half + d] = (float) Math.sin(angle) * attention;
            }
        }
        return new Table(cos, sin);
    }

    /**
     * Turns rotated rows from their positions to others, in place. With dynamic scaling, whose frequencies depend on the length of the
     * sequence, the frequencies of the highest old position are taken.
     *
     * @param x      rows of the given width from offset on, one for each position in to
     * @param from   at least as many entries as to
     */
    public void shift(float[] x, int offset, int width, int[] from, int[] to) {
        int highest = 0;
        for (int i = 0; i < to.length; i++) highest = Math.max(highest, from[i]);
        float[] frequencies = frequencies(highest + 1);
        int half = half();
        for (int i = 0; i < to.length; i++) {
            if (from[i] == to[i]) continue;
            int row = offset + i * width;
            for (int d = 0; d < half; d++) {
                double angle = (double) frequencies[d] * (to[i] - from[i]);
                float cos = (float) Math.cos(angle);
                float sin = (float) Math.sin(angle);
                float a = x[row + d];
                float b = x[row + half + d];
                x[row + d] = a * cos - b * sin;
                x[row + half + d] = b * cos + a * sin;
            }
        }
    }

    /** Inverse frequencies [dimensions / 2] for a sequence of the given length. */
    float[] frequencies(int length) {
        return switch (scaling) {
            case RopeScaling.None() -> base(theta);
            case RopeScaling.Linear(double factor) -> {
                float[] f = base(theta);
                for (int d = 0; d < f.length; d++) f[d] = (float) (f[d] / factor);
                yield f;
            }
            case RopeScaling.Dynamic(double factor, int trained) -> {
                double stretch = factor * Math.max(length, trained) / trained - (factor - 1);
                yield base(theta * Math.pow(stretch, dimensions / (dimensions - 2.0)));
            }
            case RopeScaling.Llama3 s -> llama3(s);
            case RopeScaling.Yarn s -> yarn(s);
        };
    }

    private float[] base(double base) {
        float[] f = new float[half()];
        for (int d = 0; d < f.length; d++) f[d] = (float) (1 / Math.pow(base, 2.0 * d / dimensions));
        return f;
    }

    private float[] llama3(RopeScaling.Llama3 s) {
        float[] f = base(theta);
        for (int d = 0; d < f.length; d++) {
            double wavelength = 2 * Math.PI / f[d];
            if (wavelength > s.trainedLength() / s.lowFrequencyFactor()) {
                f[d] = (float) (f[d] / s.factor());
            } else if (wavelength >= s.trainedLength() / s.highFrequencyFactor()) {
                double smooth = (s.trainedLength() / wavelength - s.lowFrequencyFactor())
                        / (s.highFrequencyFactor() - s.lowFrequencyFactor());
                f[d] = (float) ((1 - smooth) * f[d] / s.factor() + smooth * f[d]);
            }
        }
        return f;
    }

    private float[] yarn(RopeScaling.Yarn s) {
        double low = Math.max(0, Math.floor(dimensionOfRotations(s.betaFast(), s.trainedLength())));
        double high = Math.min(dimensions - 1, Math.ceil(dimensionOfRotations(s.betaSlow(), s.trainedLength())));
        if (low == high) high += 0.001;
        float[] f = base(theta);
        for (int d = 0; d < f.length; d++) {
            double interpolated = Math.clamp((d - low) / (high - low), 0.0, 1.0);
            f[d] = (float) (f[d] / s.factor() * interpolated + f[d] * (1 - interpolated));
        }
        return f;
    }

    /** The channel pair that turns the given number of times over the trained length. */
    private double dimensionOfRotations(double rotations, int trainedLength) {
        return dimensions * Math.log(trainedLength / (rotations * 2 * Math.PI)) / (2 * Math.log(theta));
    }
}
