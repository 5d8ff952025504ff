package dev.winnow.runtime.tune;

import java.util.Arrays;
import java.util.stream.Stream;

/**
 * What a plan did on some questions, in their order.
 *
 * @param right      1 for a right answer, 0 for a wrong one, NaN for a question that has none
 * @param divergence from the dense model: mean over the dense answer's tokens of the KL divergence of next-token distributions, nats
 * @param usage      of each question
 */
public record Marks(double[] right, double[] divergence, Usage[] usage) {
    public Marks {
        if (right.length != divergence.length || right.length != usage.length) {
            throw new IllegalArgumentException(right.length + " marks, " + divergence.length + " divergences, " + usage.length + " usages");
        }
    }

    public int count() {
        return right.length;
    }

    /** Share of right answers among questions that have any; NaN where none has. */
    public double accuracy() {
        return Arrays.stream(right).filter(r -> !Double.isNaN(r)).average().orElse(Double.NaN);
    }

    public double meanDivergence() {
        return Arrays.stream(divergence).average().orElse(Double.NaN);
    }

    /**
     * How far the plan leads away from the dense model, 0 to 1: mean of 1 - exp(-KL). One question that is quite lost counts 1, where a
     * mean of divergences would be its alone.
     */
    public double drift() {
        return Arrays.stream(divergence).map(d -> 1 - Math.exp(-d)).average().orElse(Double.NaN);
    }

    public Usage meanUsage() {
        return Usage.mean(Arrays.asList(usage));
    }

    /** The first of the questions. */
    Marks first(int n) {
        return new Marks(Arrays.copyOf(right, n), Arrays.copyOf(divergence, n), Arrays.copyOf(usage, n));
    }

    /** All but the first of the questions. */
    Marks from(int n) {
        return new Marks(Arrays.copyOfRange(right, n, count()), Arrays.copyOfRange(divergence, n, count()),
                Arrays.copyOfRange(usage, n, count()));
    }

    /** These and further questions. */
    Marks and(Marks more) {
        return new Marks(concat(right, more.right), concat(divergence, more.divergence),
                Stream.of(usage, more.usage).flatMap(Arrays::stream).toArray(Usage[]::new));
    }

    private static double[] concat(double[] a, double[] b) {
        double[] both = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, both, a.length, b.length);
        return both;
    }
}
