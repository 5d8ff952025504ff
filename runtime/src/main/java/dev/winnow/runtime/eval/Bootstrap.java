package dev.winnow.runtime.eval;

import dev.winnow.runtime.bench.Rounds;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Percentile bootstrap (Efron 1979, <i>Bootstrap Methods: Another Look at the Jackknife</i>) of means over questions: questions are drawn
 * with replacement, as many as there are, and the middle 95% of the means are the interval. The draws come from a fixed seed, and are
 * the same for every plan, so that differences are paired.
 */
public final class Bootstrap {
    private static final int DRAWS = 10_000;
    private static final long SEED = 20261121;

    private Bootstrap() {}

    /** The mean of some values with its interval; all NaN for none. */
    public static Interval mean(double[] values) {
        if (values.length == 0) return new Interval(Double.NaN, Double.NaN, Double.NaN);
        double[] means = new double[DRAWS];
        SplittableRandom random = new SplittableRandom(SEED);
        for (int d = 0; d < DRAWS; d++) {
            double sum = 0;
            for (int i = 0; i < values.length; i++) sum += values[random.nextInt(values.length)];
            means[d] = sum / values.length;
        }
        double mean = Arrays.stream(values).sum() / values.length;
        return new Interval(mean, Rounds.quantile(means, 0.025), Rounds.quantile(means, 0.975));
    }

    /** The mean of {@code a - b}, question by question, with its interval. */
    public static Interval difference(double[] a, double[] b) {
        if (a.length != b.length) throw new IllegalArgumentException(a.length + " and " + b.length + " values make no pairs");
        return mean(IntStream.range(0, a.length).mapToDouble(i -> a[i] - b[i]).toArray());
    }
}
