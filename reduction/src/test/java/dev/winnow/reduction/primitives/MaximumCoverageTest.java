package dev.winnow.reduction.primitives;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

class MaximumCoverageTest {
    private static double covered(float[] coverage, int targets, int[] chosen, int count) {
        double sum = 0;
        for (int t = 0; t < targets; t++) {
            double best = 0;
            for (int i = 0; i < count; i++) best = Math.max(best, coverage[chosen[i] * targets + t]);
            sum += best;
        }
        return sum;
    }

    private static double best(float[] coverage, int n, int targets, int k, int from, int[] chosen, int count) {
        if (count == k) return covered(coverage, targets, chosen, k);
        double best = 0;
        for (int i = from; i < n; i++) {
            chosen[count] = i;
            best = Math.max(best, best(coverage, n, targets, k, i + 1, chosen, count + 1));
        }
        return best;
    }

    /** Coverage of a few levels, so that gains are often equal. */
    private static float[] coverage(long seed, int n, int targets, int levels) {
        Random random = new Random(seed);
        float[] coverage = new float[n * targets];
        for (int i = 0; i < coverage.length; i++) coverage[i] = random.nextInt(levels) / (float) levels;
        return coverage;
    }

    /** Invariant 37. */
    @Property(tries = 60)
    void atLeastOneMinusOneOverEOfTheOptimum(@ForAll long seed) {
        float[] coverage = coverage(seed, 11, 14, 1000);
        int[] greedy = MaximumCoverage.select(coverage, 11, 14, 4);
        double optimum = best(coverage, 11, 14, 4, 0, new int[4], 0);
        assertThat(covered(coverage, 14, greedy, 4)).isGreaterThanOrEqualTo((1 - 1 / Math.E) * optimum);
    }

    @Property(tries = 60)
    void boundsDoNotChangeTheGreedyChoice(@ForAll long seed) {
        int n = 30;
        int targets = 20;
        float[] coverage = coverage(seed, n, targets, 4);
        float[] best = new float[targets];
        boolean[] taken = new boolean[n];
        for (int next : MaximumCoverage.select(coverage, n, targets, n)) {
            float most = -1;
            int expected = -1;
            for (int c = 0; c < n; c++) {
                float gain = 0;
                for (int t = 0; t < targets; t++) gain += Math.max(0, coverage[c * targets + t] - best[t]);
                if (!taken[c] && gain > most) {
                    most = gain;
                    expected = c;
                }
            }
            assertThat(next).isEqualTo(expected);
            taken[next] = true;
            for (int t = 0; t < targets; t++) best[t] = Math.max(best[t], coverage[next * targets + t]);
        }
    }

    @Property(tries = 60)
    void aWorthOfTheirOwnIsATargetThatNobodyElseCovers(@ForAll long seed) {
        int n = 12;
        int targets = 9;
        float[] coverage = coverage(seed, n, targets, 4);
        float[] worth = coverage(seed + 1, n, 1, 3);
        float[] wide = new float[n * (targets + n)];
        for (int c = 0; c < n; c++) {
            System.arraycopy(coverage, c * targets, wide, c * (targets + n), targets);
            wide[c * (targets + n) + targets + c] = worth[c];
        }
        // thirds and quarters: sums in another order may differ in the last bit, and so tie in another way
        int[] chosen = MaximumCoverage.select(coverage, worth, targets, 5);
        int[] expected = MaximumCoverage.select(wide, n, targets + n, 5);
        assertThat(covered(wide, targets + n, chosen, 5)).isCloseTo(covered(wide, targets + n, expected, 5), Percentage.withPercentage(3));
        assertThat(chosen[0]).isEqualTo(expected[0]);
    }

    @Test
    void whatIsCoveredCountsOnce() {
        // 0 covers most, 1 nearly the same targets, 2 the one left over
        float[] coverage = {1, 1, 0, 0.9f, 1, 0, 0, 0, 0.5f};
        assertThat(MaximumCoverage.select(coverage, 3, 3, 2)).containsExactly(0, 2);
    }
}
