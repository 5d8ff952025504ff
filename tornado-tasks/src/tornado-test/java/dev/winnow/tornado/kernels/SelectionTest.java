package dev.winnow.tornado.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.winnow.layers.Activation;
import dev.winnow.reduction.primitives.AttentionScores;
import dev.winnow.reduction.primitives.TopK;
import dev.winnow.reduction.primitives.VisualScope;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Tag("kernels")
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

    /** Of three rows of five heads the second, at columns in no certain order and at neighbours; few, all, and many equal ones. */
    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void tokensByWhatTheyReceive(Machine machine) {
        int heads = 5;
        int rows = 3;
        for (int n : new int[] {1, 300}) {
            float[] map = scores(heads * rows * n);
            int[] apart = IntStream.range(0, n).map(i -> (7 * i + 2) % n).toArray();
            for (int[] columns : new int[][] {apart, IntStream.range(0, n).toArray()}) {
                boolean consecutive = columns != apart;
                float[] expected = VisualScope.pick(AttentionScores.headMean(map, heads, rows, 1, n), columns);
                Operands o = new Operands(20_000);
                int at = o.put(map) + n;
                int index = consecutive ? Offsets.NONE : o.put(columns);
                int means = o.room(n);
                o.numbers(n, at, heads, rows * n, index, 0, means);
                machine.run(TokenScores.groups(n), TokenScores.LOCAL, o, TokenScores::headMean);
                for (int i = 0; i < n; i++) assertThat(o.a.get(means + i)).isEqualTo(expected[i]);
                for (int k : new int[] {1, (n + 1) / 2, n}) {
                    int places = o.room(k);
                    o.again().numbers(n, means, k, places);
                    machine.run(TokenScores.groups(n), TokenScores.LOCAL, o, TokenScores::highest);
                    assertThat(o.indices(places, k)).isEqualTo(TopK.highest(expected, k));
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void tokensByVectors(Machine machine) {
        int width = 131;
        int number = 2;
        for (int n : new int[] {1, 5}) {
            float[] x = Operands.random(new Random(n), n * width);
            float[] vectors = Operands.random(new Random(9), number * width);
            Operands o = new Operands(2000);
            int target = o.room(n * number);
            o.numbers(n, o.put(x), o.put(vectors), o.put(0.5f, -3f), number, Activation.TANH.ordinal(), target);
            machine.run(TokenScores.productGroups(n, number), TokenScores.LOCAL, o, TokenScores::products, width);
            for (int i = 0; i < n * number; i++) {
                double sum = i % number == 0 ? 0.5 : -3;
                for (int c = 0; c < width; c++) sum += (double) x[i / number * width + c] * vectors[i % number * width + c];
                assertThat(o.a.get(target + i)).isCloseTo((float) Math.tanh(sum), within(1e-4f));
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
}
