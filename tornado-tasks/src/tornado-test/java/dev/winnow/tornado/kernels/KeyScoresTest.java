package dev.winnow.tornado.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.winnow.reduction.primitives.TopK;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Scores of cached keys, and the slots of the lowest in order. */
@Tag("kernels")
class KeyScoresTest {
    private static final int DIM = 20;
    private static final int CAPACITY = 310;

    /** Heads of many keys, of one, and of none; one key is zero. */
    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void lengthsAndLikeness(Machine machine) {
        int[] counts = {300, 1, 0};
        int heads = counts.length;
        int most = 300;
        float[] keys = Operands.random(new Random(1), heads * CAPACITY * DIM);
        Arrays.fill(keys, 7 * DIM, 8 * DIM, 0f);
        Operands o = new Operands(keys.length + heads * (most + DIM) + 40);
        int at = o.put(keys);
        int scores = o.room(heads * most);
        int means = o.room(heads * DIM);
        o.numbers(most, at, CAPACITY * DIM, scores, most, means).numbers(counts);
        machine.run(KeyScores.groups(most, heads), KeyScores.LOCAL, o, KeyScores::lengths, DIM);
        for (int h = 0; h < heads; h++) Closeness.close(o.get(scores + h * most, counts[h]), lengths(keys, h, counts[h]));
        assertThat(o.a.get(scores + most + 1)).as("behind the one of a head").isNaN();

        machine.run(KeyScores.headGroups(heads), KeyScores.LOCAL, o, KeyScores::means, DIM);
        machine.run(KeyScores.groups(most, heads), KeyScores.LOCAL, o, KeyScores::likeness, DIM);
        for (int h = 0; h < heads; h++) Closeness.close(o.get(scores + h * most, counts[h]), likeness(keys, h, counts[h]));
    }

    private static double[] lengths(float[] keys, int head, int count) {
        double[] lengths = new double[count];
        for (int i = 0; i < count; i++) {
            for (int c = 0; c < DIM; c++) lengths[i] += Math.pow(keys[(head * CAPACITY + i) * DIM + c], 2);
            lengths[i] = Math.sqrt(lengths[i]);
        }
        return lengths;
    }

    private static double[] likeness(float[] keys, int head, int count) {
        double[] lengths = lengths(keys, head, count);
        double[] mean = new double[DIM];
        for (int i = 0; i < count; i++) {
            for (int c = 0; c < DIM && lengths[i] > 0; c++) mean[c] += keys[(head * CAPACITY + i) * DIM + c] / lengths[i];
        }
        double length = Math.sqrt(Arrays.stream(mean).map(v -> v * v).sum());
        double[] likeness = new double[count];
        for (int i = 0; i < count; i++) {
            for (int c = 0; c < DIM && lengths[i] > 0; c++) {
                likeness[i] += keys[(head * CAPACITY + i) * DIM + c] * mean[c] / lengths[i] / length;
            }
        }
        return likeness;
    }

    /** Many equal scores, none equal, all equal, and of very different sizes; none, some and all wanted. */
    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void slotsOfTheLowestInOrder(Machine machine) {
        Random random = new Random(5);
        for (int n : new int[] {1, 37, 600}) {
            float[][] scores = {new float[n], Operands.random(random, n), new float[n], new float[n]};
            for (int i = 0; i < n; i++) {
                scores[0][i] = random.nextInt(n / 4 + 1) - 3;
                scores[3][i] = (float) Math.pow(10, random.nextInt(36) - 18);
            }
            for (int k : new int[] {0, 1, n / 2, n - 1, n}) {
                int[] counts = {n, n, Math.max(k, n / 2), n};
                int[] kept = {k, Math.max(0, k - 1), k, k};
                Operands o = new Operands(8 * n + 40);
                int at = o.put(flat(scores));
                int slots = o.room(4 * n);
                o.numbers(at, n, slots, n, 4).numbers(counts).numbers(kept);
                machine.run(LowestSlots.groups(4), LowestSlots.LOCAL, o, LowestSlots::compact);
                for (int h = 0; h < 4; h++) {
                    float[] negated = new float[counts[h]];
                    for (int i = 0; i < negated.length; i++) negated[i] = -scores[h][i];
                    assertThat(o.indices(slots + h * n, kept[h])).as("head %d, %d of %d", h, kept[h], counts[h])
                            .isEqualTo(TopK.highestInOrder(negated, kept[h]));
                    if (kept[h] < n) assertThat(o.a.get(slots + h * n + kept[h])).as("behind them").isNaN();
                }
            }
        }
    }

    private static float[] flat(float[][] rows) {
        float[] flat = new float[rows.length * rows[0].length];
        for (int i = 0; i < rows.length; i++) System.arraycopy(rows[i], 0, flat, i * rows[0].length, rows[0].length);
        return flat;
    }

    /** What is not a number has no order, and is not among the lowest. */
    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void scoresWithoutAnOrderFillNoPlace(Machine machine) {
        Operands o = new Operands(40);
        int at = o.put(2f, Float.NaN, 1f, Float.NaN);
        int slots = o.room(4);
        o.numbers(at, 4, slots, 4, 1, 4, 3);
        machine.run(LowestSlots.groups(1), LowestSlots.LOCAL, o, LowestSlots::compact);
        assertThat(o.get(slots, 3)).contains(2f, -1f).doesNotContain(1f, 3f);
    }
}
