package dev.winnow.runtime.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StatisticsTest {
    /** Sums of binomial coefficients over powers of two, by hand. */
    @ParameterizedTest
    @CsvSource({"0, 0, 1", "1, 0, 1", "5, 5, 1", "6, 0, 0.03125", "10, 2, 0.03857421875", "2, 10, 0.03857421875", "9, 3, 0.1459960938"})
    void mcNemarIsExact(int lost, int gained, double p) {
        assertThat(McNemar.p(lost, gained)).isCloseTo(p, within(1e-9));
    }

    @Test
    void mcNemarOfManyFlipsIsTheNormalTail() {
        // z = (600 - 500 - 1) / sqrt(1100) = 2.985, two tails 0.00284
        assertThat(McNemar.p(600, 500)).isCloseTo(0.00284, within(0.00003));
        assertThat(McNemar.p(20_000, 10_000)).isBetween(0.0, 1e-300);
        assertThatThrownBy(() -> McNemar.p(-1, 0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Property(tries = 200)
    void mcNemarIsAProbabilityAndSymmetric(@ForAll @IntRange(max = 400) int a, @ForAll @IntRange(max = 400) int b) {
        assertThat(McNemar.p(a, b)).isBetween(0.0, 1.0).isEqualTo(McNemar.p(b, a));
    }

    private static double[] scores(int n, int right) {
        double[] scores = new double[n];
        for (int i = 0; i < right; i++) scores[i] = 1;
        return scores;
    }

    @Test
    void bootstrapIntervalsAreThoseOfTheNormalLimit() {
        Interval i = Bootstrap.mean(scores(600, 479));
        assertThat(i.value()).isEqualTo(479.0 / 600);
        // 1.96 standard errors are 0.0321
        assertThat(i.low()).isCloseTo(0.7662, within(0.003));
        assertThat(i.high()).isCloseTo(0.8304, within(0.003));
    }

    @Test
    void bootstrapIsTheSameEveryTime() {
        assertThat(Bootstrap.mean(scores(50, 20))).isEqualTo(Bootstrap.mean(scores(50, 20)));
    }

    @Test
    void pairsThatRarelyDifferHaveANarrowDifference() {
        double[] dense = scores(400, 300);
        double[] plan = dense.clone();
        for (int i = 0; i < 10; i++) plan[i] = 0;
        Interval d = Bootstrap.difference(plan, dense);
        assertThat(d.value()).isCloseTo(-0.025, within(1e-12));
        assertThat(d.high()).isLessThan(0);
        assertThat(d.high() - d.low()).isLessThan(0.04);
        assertThat(d.contains(-0.025)).isTrue();
        assertThat(d.contains(0)).isFalse();
        assertThat(Bootstrap.difference(dense, dense)).isEqualTo(new Interval(0, 0, 0));
    }

    @Test
    void nothingHasNoMean() {
        assertThat(Bootstrap.mean(new double[0]).value()).isNaN();
        assertThatThrownBy(() -> Bootstrap.difference(new double[1], new double[2])).hasMessageContaining("no pairs");
    }

    @Test
    void divergenceOfTwoCoins() {
        float[] fair = {0, 0};
        float[] uneven = {0, (float) Math.log(3)};
        assertThat(Divergence.kl(fair, uneven)).isCloseTo(0.5 * Math.log(2) + 0.5 * Math.log(2.0 / 3), within(1e-7));
        assertThat(Divergence.kl(uneven, fair)).isCloseTo(0.25 * Math.log(0.5) + 0.75 * Math.log(1.5), within(1e-7));
        assertThat(Divergence.kl(uneven, uneven)).isZero();
    }

    @Test
    void divergenceKnowsLogitsOnlyUpToAShiftAndImpossibleTokens() {
        float[] p = {1, 2, Float.NEGATIVE_INFINITY};
        float[] shifted = {101, 102, Float.NEGATIVE_INFINITY};
        assertThat(Divergence.kl(p, shifted)).isCloseTo(0, within(1e-6));
        assertThat(Divergence.kl(p, new float[] {1, 2, 0})).isPositive().isFinite();
        assertThat(Divergence.logSum(new float[] {1000, 1000})).isCloseTo(1000 + Math.log(2), within(1e-9));
        assertThatThrownBy(() -> Divergence.kl(p, new float[2])).isInstanceOf(IllegalArgumentException.class);
    }

    @Property(tries = 200)
    void divergenceIsNeverNegative(@ForAll long seed, @ForAll @IntRange(min = 1, max = 40) int n) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] p = new float[n];
        float[] q = new float[n];
        for (int i = 0; i < n; i++) {
            p[i] = (float) random.nextDouble(-20, 20);
            q[i] = (float) random.nextDouble(-20, 20);
        }
        assertThat(Divergence.kl(p, q)).isGreaterThanOrEqualTo(0).isFinite();
        assertThat(Arrays.equals(p, q) || n == 1 || Divergence.kl(p, q) > 0).isTrue();
    }
}
