package dev.winnow.tornado.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.winnow.reduction.primitives.TopK;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class SelectionTest {
    /** Scores with many equal ones. */
    private static float[] scores(int n) {
        Random random = new Random(n);
        float[] s = new float[n];
        for (int i = 0; i < n; i++) s[i] = random.nextInt(Math.max(2, n / 3)) - n / 8f;
        return s;
    }

    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void ranksAndKeptIndicesAreThoseOfTheProcessor(Machine machine) {
        for (int n : new int[] {1, 300}) {
            for (float[] s : new float[][] {scores(n), new float[n]}) {
                Operands o = new Operands(4000);
                int order = o.room(n);
                int rank = o.room(n);
                o.numbers(n, o.put(s), order, rank);
                machine.run(Ranks.groups(n), Ranks.LOCAL, o, Ranks::descending);
                int[] expected = TopK.descending(s);
                assertThat(o.indices(order, n)).isEqualTo(expected);
                for (int i = 0; i < n; i++) assertThat(o.a.get(rank + expected[i])).isEqualTo(i);
                for (int k : new int[] {0, n / 2, n}) {
                    int kept = o.room(n);
                    int gone = o.room(n);
                    int told = o.room(1);
                    o.again().numbers(n, rank, k, kept, gone, told);
                    machine.run(Ranks.compactGroups(), Ranks.LOCAL, o, Ranks::compact);
                    int[] chosen = TopK.highestInOrder(s, k);
                    assertThat(o.a.get(told)).isEqualTo(chosen.length);
                    assertThat(o.indices(kept, chosen.length)).isEqualTo(chosen);
                    assertThat(o.indices(gone, n - chosen.length)).isEqualTo(TopK.complement(chosen, n));
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void highestOfAVocabulary(Machine machine) {
        for (int n : new int[] {2500, 60}) {
            int k = Math.min(n, 50);
            for (float[] s : new float[][] {scores(n), new float[n]}) {
                Operands o = new Operands(4000);
                int values = o.put(s);
                int indices = Offsets.NONE;
                int count = n;
                while (count > k || indices == Offsets.NONE) {
                    int passed = BitonicTopK.passedOn(count, k);
                    int topValues = o.room(passed);
                    int topIndices = o.room(passed);
                    o.again().numbers(count, values, indices, k, topValues, topIndices);
                    machine.run(BitonicTopK.groups(count), BitonicTopK.LOCAL, o, BitonicTopK::blocks);
                    values = topValues;
                    indices = topIndices;
                    count = passed;
                }
                int[] expected = TopK.highest(s, k);
                assertThat(o.indices(indices, k)).isEqualTo(expected);
                for (int i = 0; i < k; i++) assertThat(o.a.get(values + i)).isEqualTo(s[expected[i]]);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void largestAndFirstOfEquals(Machine machine) {
        for (int n : new int[] {1, 9000}) {
            for (float[] s : new float[][] {scores(n), new float[n]}) {
                Operands o = new Operands(10_000);
                int groups = ArgMax.groups(n);
                int values = o.room(groups);
                int indices = o.room(groups);
                int value = o.room(1);
                int index = o.room(1);
                o.numbers(n, o.put(s), Offsets.NONE, values, indices);
                machine.run(groups, ArgMax.LOCAL, o, ArgMax::blocks);
                o.again().numbers(groups, values, indices, value, index);
                machine.run(1, ArgMax.LOCAL, o, ArgMax::blocks);
                int best = IntStream.range(0, n).reduce(0, (i, j) -> s[j] > s[i] ? j : i);
                assertThat((int) o.a.get(index)).isEqualTo(best);
                assertThat(o.a.get(value)).isEqualTo(s[best]);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void meansOverHeadsAndRows(Machine machine) {
        int heads = 3;
        int count = 4;
        int columns = 130;
        float[] rows = Operands.random(new Random(8), heads * count * columns);
        Operands o = new Operands(3000);
        int from = o.put(rows);
        int target = o.room(columns);
        for (int[] taken : new int[][] {{0, 1}, {3, 1}, {0, 4}}) {
            o.again().numbers(columns, from, count, taken[0], target, taken[1]);
            machine.run(RowScores.groups(columns), RowScores.LOCAL, o, RowScores::mean, heads);
            double[] expected = new double[columns];
            for (int i = 0; i < rows.length; i++) {
                int row = i / columns % count;
                if (row >= taken[0] && row < taken[0] + taken[1]) expected[i % columns] += rows[i] / (double) (heads * taken[1]);
            }
            Closeness.close(o.get(target, columns), expected);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void drawsByProbability(Machine machine) {
        // probabilities 0.5, 0.25, 0.125, 0.125 at temperature 2
        float[] logits = {(float) (2 * Math.log(4)), (float) (2 * Math.log(2)), 0f, 0f};
        int[] ids = {7, 40_000, 3, 9};
        float[][] options = {{2f, 1f, 0f, 0.49f}, {2f, 1f, 0f, 0.51f}, {2f, 1f, 0f, 0.8f}, {2f, 1f, 0f, 0.999f}, {2f, 0.7f, 0f, 0.65f},
            {2f, 0.7f, 0f, 0.68f}, {2f, 1f, 0.3f, 0.999f}, {2f, 0.4f, 0f, 0.999f}};
        int[] expected = {7, 40_000, 3, 9, 7, 40_000, 40_000, 7};
        for (int i = 0; i < options.length; i++) {
            Operands o = new Operands(100);
            int target = o.room(1);
            o.numbers(logits.length, o.put(logits), o.put(ids), o.put(options[i]), target);
            machine.run(TokenDraw.groups(), TokenDraw.LOCAL, o, TokenDraw::draw);
            assertThat((int) o.a.get(target)).as("draw %d", i).isEqualTo(expected[i]);
        }
    }
}
