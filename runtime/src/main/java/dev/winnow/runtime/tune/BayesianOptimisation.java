package dev.winnow.runtime.tune;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Looks for the highest value of a function of a few numbers from 0 to 1 that is dear to measure: a few places spread evenly, then
 * always the place where the expected improvement over the best value believed so far is largest (Jones et al. 1998).
 */
final class BayesianOptimisation {
    private static final int DRAWS = 512;
    private static final int STEPS = 64;

    private final int dimensions;
    private final int spread;
    private final SplittableRandom random;
    private final List<double[]> places = new ArrayList<>();

    BayesianOptimisation(int dimensions, long seed) {
        this.dimensions = dimensions;
        this.spread = 4 * dimensions;
        this.random = new SplittableRandom(seed);
    }

    /** What to measure next, given what was measured at all places proposed before, in their order. */
    double[] next(double[] values) {
        if (values.length != places.size()) throw new IllegalArgumentException(values.length + " values of " + places.size() + " places");
        double[] place = values.length < spread ? halton(values.length + 1) : likeliest(values);
        places.add(place);
        return place;
    }

    /** Places proposed so far. */
    List<double[]> places() {
        return places;
    }

    /** Where the expected improvement is largest, of many places drawn and of steps away from the best of them. */
    private double[] likeliest(double[] values) {
        double[][] x = places.toArray(double[][]::new);
        GaussianProcess process = GaussianProcess.fitted(x, values);
        // of noisy measurements the highest is the luckiest: what is believed of the places counts
        double best = places.stream().mapToDouble(p -> process.at(p).mean()).max().orElseThrow();
        double[] place = null;
        double most = -1;
        for (int i = 0; i < DRAWS + STEPS; i++) {
            double[] tried = i < DRAWS ? random.doubles(dimensions).toArray() : near(place);
            double improvement = expectedImprovement(process.at(tried), best);
            if (improvement > most) {
                most = improvement;
                place = tried;
            }
        }
        return place;
    }

    /** By how much a value of this belief lies above the best in the mean, counting 0 where it lies below. */
    static double expectedImprovement(GaussianProcess.Belief belief, double best) {
        double above = belief.mean() - best;
        if (belief.deviation() == 0) return Math.max(0, above);
        double z = above / belief.deviation();
        return above * Normal.below(z) + belief.deviation() * Normal.density(z);
    }

    private double[] near(double[] place) {
        return Arrays.stream(place).map(v -> Math.clamp(v + 0.05 * random.nextGaussian(), 0, 1)).toArray();
    }

    /** The n-th place of Halton's sequence, from 1 on: even whatever their number. */
    private double[] halton(int n) {
        int[] primes = {2, 3, 5, 7, 11, 13};
        double[] place = new double[dimensions];
        for (int d = 0; d < dimensions; d++) {
            double share = 1;
            for (int i = n; i > 0; i /= primes[d]) {
                share /= primes[d];
                place[d] += share * (i % primes[d]);
            }
        }
        return place;
    }
}
