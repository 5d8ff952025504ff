package dev.winnow.layers;

import java.util.Arrays;
import java.util.List;

/**
 * Rotary position embedding (Su et al. 2021) in the half-split form. Frequencies and angles are rounded to f32 where the reference
 * implementation does, so that long positions agree.
 *
 * @param dimensions rotated channels per head, even
 * @param theta      the base of the frequencies
 * @param axes       what positions are along, or null for one axis
 */
public record RotaryEmbedding(int dimensions, double theta, RopeScaling scaling, RotaryAxes axes) {
    /** Positions along one axis. */
    public RotaryEmbedding(int dimensions, double theta, RopeScaling scaling) {
        this(dimensions, theta, scaling, null);
    }

    /** Cosines and sines, each [positions, dimensions / 2], already times the attention factor. */
    public record Table(float[] cos, float[] sin) {}

    /** Written out: what the JVM makes of a record at its first use as a key takes it milliseconds of a start. */
    @Override
    public int hashCode() {
        return 31 * Double.hashCode(theta) + dimensions;
    }

    public int half() {
        return dimensions / 2;
    }

    /**
     * The table for n positions of a sequence whose last position is the highest of them.
     *
     * @param positions at least n entries
     */
    public Table table(int[] positions, int n) {
        return table(positions, n, null);
    }

    /** @param places as for {@link #angles} */
    Table table(int[] positions, int n, RotaryAxes.Places places) {
        Table table = new Table(new float[n * half()], new float[n * half()]);
        fill(table, frequenciesOf(positions, n), positions, n, places);
        return table;
    }

    /** Writes the table of n positions over another of as many. */
    void fill(Table table, float[] frequencies, int[] positions, int n, RotaryAxes.Places places) {
        writeAngles(frequencies, positions, n, places, table.cos());
        turnInto(table, n * half());
    }

    /**
     * The table for tokens that stand at several positions at once, where each of as many equal runs of pairs turns by its own.
     *
     * @param positions [tokens][runs]; the number of runs divides that of the pairs
     */
    Table table(int[][] positions) {
        float[] frequencies = frequencies(Arrays.stream(positions).flatMapToInt(Arrays::stream).max().orElse(0) + 1);
        int half = half();
        int run = half / positions[0].length;
        float[] angles = new float[positions.length * half];
        for (int i = 0; i < angles.length; i++) angles[i] = frequencies[i % half] * positions[i / half][i % half / run];
        Table table = new Table(angles, new float[angles.length]);
        turnInto(table, angles.length);
        return table;
    }

    /** From angles, which stand where the cosines will, to cosines and sines. */
    private void turnInto(Table table, int n) {
        float attention = attentionFactor();
        for (int i = 0; i < n; i++) {
            float angle = table.cos()[i];
            table.cos()[i] = (float) Math.cos(angle) * attention;
            table.sin()[i] = (float) Math.sin(angle) * attention;
        }
    }

    /**
     * By how much each pair of channels turns at n positions: [n, dimensions / 2].
     *
     * @param places of the positions along the axes, or null where all coordinates are the position itself
     */
    public float[] angles(int[] positions, int n, RotaryAxes.Places places) {
        float[] angles = new float[n * half()];
        writeAngles(frequenciesOf(positions, n), positions, n, places, angles);
        return angles;
    }

    private float[] frequenciesOf(int[] positions, int n) {
        return frequencies(length(positions, n));
    }

    /** The least length of a sequence that has n positions. */
    public static int length(int[] positions, int n) {
        int highest = 0;
        for (int i = 0; i < n; i++) highest = Math.max(highest, positions[i]);
        return highest + 1;
    }

    private void writeAngles(float[] frequencies, int[] positions, int n, RotaryAxes.Places places, float[] angles) {
        int half = half();
        for (int i = 0; i < n; i++) {
            for (int d = 0; d < half; d++) {
                int at = axes == null || places == null ? positions[i] : places.of(axes.axis().get(d), positions[i]);
                angles[i * half + d] = frequencies[d] * at;
            }
        }
    }

    private float attentionFactor() {
        return switch (scaling) {
            case RopeScaling.Yarn s -> (float) s.attentionFactor();
            case RopeScaling.LongRope s -> (float) s.attentionFactor();
            default -> 1f;
        };
    }

    /**
     * Turns rotated rows from their positions to others, in place. With scalings whose frequencies depend on the length of the
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
            for (int d = 0; d < half; d++) turn(x, offset + i * width + d, (double) frequencies[d] * (to[i] - from[i]));
        }
    }

    private void turn(float[] x, int at, double angle) {
        float cos = (float) Math.cos(angle);
        float sin = (float) Math.sin(angle);
        float a = x[at];
        float b = x[at + half()];
        x[at] = a * cos - b * sin;
        x[at + half()] = b * cos + a * sin;
    }

    /** Whether keys of a sequence that grows from one length to another have to be turned to other frequencies. */
    boolean outgrows(int before, int after) {
        return scaling instanceof RopeScaling.LongRope s && before <= s.trainedLength() && after > s.trainedLength();
    }

    /**
     * Turns rows rotated for a sequence of one length to the frequencies of another, in place.
     *
     * @param x rows of the given width from offset on, one for each of n positions
     */
    void retune(float[] x, int offset, int width, int[] positions, int n, int before, int after) {
        float[] old = frequencies(before);
        float[] now = frequencies(after);
        for (int i = 0; i < n; i++) {
            for (int d = 0; d < half(); d++) turn(x, offset + i * width + d, ((double) now[d] - old[d]) * positions[i]);
        }
    }

    /** Lengths of a sequence that have the same frequencies have the same number here. */
    int stretch(int length) {
        return switch (scaling) {
            case RopeScaling.Dynamic s -> Math.max(length, s.trainedLength());
            case RopeScaling.LongRope s -> length > s.trainedLength() ? 1 : 0;
            default -> 0;
        };
    }

    /** Inverse frequencies [dimensions / 2] for a sequence of the given length. */
    float[] frequencies(int length) {
        if (axes != null && axes.restarts()) return axes.restarted(theta);
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
            case RopeScaling.LongRope s -> divided(length > s.trainedLength() ? s.longFactors() : s.shortFactors());
        };
    }

    private float[] base(double base) {
        float[] f = new float[half()];
        for (int d = 0; d < f.length; d++) f[d] = (float) (1 / Math.pow(base, 2.0 * d / dimensions));
        return f;
    }

    private float[] divided(List<Double> factors) {
        float[] f = new float[half()];
        for (int d = 0; d < f.length; d++) f[d] = (float) (1 / (factors.get(d) * Math.pow(theta, 2.0 * d / dimensions)));
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
