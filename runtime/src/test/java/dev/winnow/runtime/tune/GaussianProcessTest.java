package dev.winnow.runtime.tune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.winnow.runtime.tune.GaussianProcess.Belief;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class GaussianProcessTest {
    @Test
    void twoMeasurementsByHand() {
        // values 1 and 3: mean 2, spread 1, so -1 and 1; one length apart, noise 0.1
        double[][] x = {{0}, {0.5}};
        GaussianProcess process = GaussianProcess.of(x, new double[] {1, 3}, 0.5, 0.1);
        double k = Math.exp(-0.5);
        double halfway = Math.exp(-0.125);
        // the inverse of [[1.1, k], [k, 1.1]] times [-1, 1] is [-1, 1] / (1.1 - k); halfway both weigh alike
        assertThat(process.at(new double[] {0.25}).mean()).isCloseTo(2, within(1e-12));
        assertThat(process.at(new double[] {0}).mean()).isCloseTo(2 + (k - 1) / (1.1 - k), within(1e-12));
        // 1 - k' K^-1 k with k = (h, h), whose eigenvalue is 1.1 + k
        assertThat(process.at(new double[] {0.25}).deviation()).isCloseTo(Math.sqrt(1 - 2 * halfway * halfway / (1.1 + k)), within(1e-12));
        double determinant = 1.1 * 1.1 - k * k;
        assertThat(process.likelihood())
                .isCloseTo(-0.5 * 2 / (1.1 - k) - 0.5 * Math.log(determinant) - Math.log(2 * Math.PI), within(1e-12));
    }

    @Test
    void farAwayItKnowsTheMeanOnly() {
        Belief belief = GaussianProcess.of(new double[][] {{0}, {0.1}}, new double[] {1, 3}, 0.05, 1e-4).at(new double[] {5});
        assertThat(belief.mean()).isCloseTo(2, within(1e-9));
        assertThat(belief.deviation()).isCloseTo(1, within(1e-9));
    }

    @Test
    void fitsTheNoiseOfWhatItIsGiven() {
        SplittableRandom random = new SplittableRandom(1);
        double[][] x = IntStream.range(0, 40).mapToObj(i -> new double[] {i / 40.0}).toArray(double[][]::new);
        double[] smooth = Arrays.stream(x).mapToDouble(p -> Math.sin(4 * p[0])).toArray();
        double[] noisy = Arrays.stream(smooth).map(v -> v + 0.5 * random.nextGaussian()).toArray();
        double[] place = {0.5125};
        assertThat(GaussianProcess.fitted(x, smooth).at(place).mean()).isCloseTo(Math.sin(2.05), within(0.01));
        assertThat(GaussianProcess.fitted(x, noisy).at(place).mean()).isCloseTo(Math.sin(2.05), within(0.35));
        assertThat(GaussianProcess.fitted(x, noisy).at(x[20]).deviation())
                .isGreaterThan(5 * GaussianProcess.fitted(x, smooth).at(x[20]).deviation());
    }

    @Test
    void equalMeasurementsAreNoTrouble() {
        Belief belief = GaussianProcess.fitted(new double[][] {{0, 0}, {1, 1}, {0, 0}}, new double[] {2, 2, 2}).at(new double[] {0.5, 0.5});
        assertThat(belief.mean()).isCloseTo(2, within(1e-6));
    }

    @Test
    void expectedImprovementByHand() {
        // z = 0: the deviation times the density at 0
        assertThat(BayesianOptimisation.expectedImprovement(new Belief(1, 2), 1)).isCloseTo(2 / Math.sqrt(2 * Math.PI), within(1e-6));
        // z = 1: 1 * 0.8413447 + 1 * 0.2419707
        assertThat(BayesianOptimisation.expectedImprovement(new Belief(2, 1), 1)).isCloseTo(1.0833155, within(1e-6));
        assertThat(BayesianOptimisation.expectedImprovement(new Belief(0.5, 0), 1)).isZero();
        assertThat(BayesianOptimisation.expectedImprovement(new Belief(3, 0), 1)).isEqualTo(2);
    }

    @Test
    void normalSharesAsInTables() {
        assertThat(Normal.below(0)).isCloseTo(0.5, within(1e-7));
        assertThat(Normal.below(1.96)).isCloseTo(0.9750021, within(2e-7));
        assertThat(Normal.below(-1)).isCloseTo(0.1586553, within(2e-7));
    }
}
