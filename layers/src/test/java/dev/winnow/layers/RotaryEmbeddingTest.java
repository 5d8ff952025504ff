package dev.winnow.layers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class RotaryEmbeddingTest {
    private static final int DIM = 16;

    private static RotaryEmbedding plain() {
        return new RotaryEmbedding(DIM, 10000, new RopeScaling.None());
    }

    private static float[] rotated(float[] x, int position, RotaryEmbedding embedding) {
        RotaryEmbedding.Table table = embedding.table(new int[] {position}, 1);
        float[] y = x.clone();
        new ScalarKernels().rotate(y, 0, table.cos(), table.sin(), 0, DIM / 2);
        return y;
    }

    private static float[] random(long seed) {
        Random random = new Random(seed);
        float[] x = new float[DIM];
        for (int i = 0; i < DIM; i++) x[i] = (float) random.nextGaussian();
        return x;
    }

    private static double dot(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) sum += (double) a[i] * b[i];
        return sum;
    }

    @Property(tries = 200)
    void logitsDependOnDistanceOnly(@ForAll @IntRange(max = 500) int q, @ForAll @IntRange(max = 500) int k, @ForAll @IntRange(max = 500) int shift) {
        float[] x = random(1);
        float[] y = random(2);
        double here = dot(rotated(x, q, plain()), rotated(y, k, plain()));
        double there = dot(rotated(x, q + shift, plain()), rotated(y, k + shift, plain()));
        assertThat(there).isCloseTo(here, within(1e-3));
    }

    @Property(tries = 100)
    void rotationsAdd(@ForAll @IntRange(max = 300) int p, @ForAll @IntRange(max = 300) int delta) {
        float[] twice = rotated(rotated(random(3), p, plain()), delta, plain());
        float[] once = rotated(random(3), p + delta, plain());
        for (int i = 0; i < DIM; i++) assertThat(twice[i]).isCloseTo(once[i], within(1e-3f));
    }

    @Test
    void linearScalingDividesPositions() {
        RotaryEmbedding scaled = new RotaryEmbedding(DIM, 10000, new RopeScaling.Linear(4));
        assertThat(rotated(random(4), 40, scaled)).usingComparatorWithPrecision(1e-5f).containsExactly(rotated(random(4), 10, plain()));
    }

    @Test
    void dynamicScalingWaitsForTheTrainedLength() {
        RotaryEmbedding dynamic = new RotaryEmbedding(DIM, 10000, new RopeScaling.Dynamic(2, 64));
        assertThat(dynamic.frequencies(64)).isEqualTo(plain().frequencies(64));
        assertThat(dynamic.frequencies(65)[DIM / 2 - 1]).isLessThan(plain().frequencies(65)[DIM / 2 - 1]);
        assertThat(dynamic.frequencies(65)[0]).isEqualTo(1f);
    }

    @Test
    void longRopeDividesEachFrequencyByItsFactorForTheLength() {
        List<Double> shorter = List.of(1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5);
        List<Double> longer = shorter.stream().map(f -> 10 * f).toList();
        double attention = RopeScaling.LongRope.recommendedAttentionFactor(4, 32);
        RotaryEmbedding scaled = new RotaryEmbedding(DIM, 10000, new RopeScaling.LongRope(shorter, longer, 32, attention));
        float[] base = plain().frequencies(1);
        for (int d = 0; d < DIM / 2; d++) {
            assertThat(scaled.frequencies(32)[d]).isCloseTo((float) (base[d] / shorter.get(d)), within(1e-7f));
            assertThat(scaled.frequencies(33)[d]).isCloseTo((float) (base[d] / longer.get(d)), within(1e-7f));
        }
        assertThat(scaled.table(new int[] {0}, 1).cos()[0]).isCloseTo((float) Math.sqrt(1 + Math.log(4) / Math.log(32)), within(1e-6f));
        assertThat(RopeScaling.LongRope.recommendedAttentionFactor(1, 32)).isEqualTo(1);
    }

    @Test
    void tablesOfTwoEmbeddingsLiveSideBySide() {
        Workspace workspace = new Workspace();
        RotaryEmbedding other = new RotaryEmbedding(DIM, 100, new RopeScaling.None());
        int[] positions = {3, 4};
        RotaryEmbedding.Table first = workspace.rotation(plain(), positions, 2);
        assertThat(workspace.rotation(other, positions, 2).cos()).isNotEqualTo(first.cos());
        assertThat(workspace.rotation(plain(), positions, 2)).isSameAs(first);
        positions[1] = 9;
        assertThat(workspace.rotation(plain(), positions, 2).cos()).isEqualTo(plain().table(positions, 2).cos());
    }

    @Test
    void llama3ScalingKeepsHighFrequenciesAndDividesLowOnes() {
        RotaryEmbedding scaled = new RotaryEmbedding(128, 500000, new RopeScaling.Llama3(8, 1, 4, 8192));
        float[] f = scaled.frequencies(1);
        float[] base = new RotaryEmbedding(128, 500000, new RopeScaling.None()).frequencies(1);
        assertThat(f[0]).isEqualTo(base[0]);
        assertThat(f[63]).isCloseTo(base[63] / 8, within(1e-12f));
        for (int d = 1; d < 64; d++) assertThat(f[d]).isBetween(base[d] / 8 - 1e-12f, base[d]);
    }

    @Test
    void yarnKeepsHighFrequenciesDividesLowOnesAndWarmsAttention() {
        double attention = RopeScaling.Yarn.recommendedAttentionFactor(4);
        RotaryEmbedding scaled = new RotaryEmbedding(DIM, 10000, new RopeScaling.Yarn(4, 32, 1, 2048, attention));
        float[] f = scaled.frequencies(1);
        float[] base = plain().frequencies(1);
        assertThat(f[0]).isEqualTo(base[0]);
        assertThat(f[DIM / 2 - 1]).isCloseTo(base[DIM / 2 - 1] / 4, within(1e-9f));
        assertThat(scaled.table(new int[] {0}, 1).cos()[0]).isCloseTo((float) (0.1 * Math.log(4) + 1), within(1e-6f));
    }
}
