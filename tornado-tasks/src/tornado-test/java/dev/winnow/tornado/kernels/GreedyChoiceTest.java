package dev.winnow.tornado.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.winnow.reduction.primitives.CosineSimilarity;
import dev.winnow.reduction.primitives.FarthestPoint;
import dev.winnow.reduction.primitives.MaxSumDiversity;
import dev.winnow.reduction.primitives.NonMaximumSuppression;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Cosines of tokens and the greedy choices that follow from them, against those of the processor. */
@Tag("kernels")
class GreedyChoiceTest {
    private static final int WIDTH = 37;
    private static final int[] COUNTS = {1, 2, 37, 300};

    /** Rows of length 1, two of them alike and one of zeros where there are so many. */
    private static float[] units(int n) {
        float[] x = Operands.random(new Random(n), n * WIDTH);
        if (n > 9) {
            System.arraycopy(x, 3 * WIDTH, x, 8 * WIDTH, WIDTH);
            Arrays.fill(x, 5 * WIDTH, 6 * WIDTH, 0f);
        }
        return CosineSimilarity.normalised(x, n, WIDTH);
    }

    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void cosinesAndTheLoneliest(Machine machine) {
        for (int n : new int[] {1, 2, 37, 70}) {
            float[] units = units(n);
            Operands o = new Operands(n * WIDTH + n * n + n + 20);
            int rows = o.put(units);
            int matrix = o.room(n * n);
            int lonely = o.room(n);
            o.numbers(n, rows, matrix);
            machine.run(CosineMatrix.groups(n), CosineMatrix.LOCAL, o, CosineMatrix::products, WIDTH);
            double[] expected = new double[n * n];
            for (int i = 0; i < expected.length; i++) {
                for (int c = 0; c < WIDTH; c++) expected[i] += (double) units[i / n * WIDTH + c] * units[i % n * WIDTH + c];
            }
            Closeness.close(o.get(matrix, n * n), expected);
            assertThat(o.a.get(matrix + n * n)).as("behind the matrix").isNaN();

            o.again().numbers(n, matrix, n, lonely);
            machine.run(CosineMatrix.rowGroups(n), CosineMatrix.LOCAL, o, CosineMatrix::loneliness);
            float[] cosines = o.get(matrix, n * n);
            for (int i = 0; i < n; i++) {
                float most = Scores.NEVER;
                for (int j = 0; j < n; j++) if (j != i) most = Math.max(most, cosines[i * n + j]);
                assertThat(o.a.get(lonely + i)).isEqualTo(-most);
            }
        }
    }

    /**
     * A choice by a matrix of which it uses a part.
     *
     * @param start scores that decide who is first, or null
     */
    private static int[] chosen(Machine machine, float[] cosines, int n, int how, float[] start, int first, float threshold, int k) {
        int stride = n + 1;
        float[] matrix = new float[stride * stride];
        Arrays.fill(matrix, Float.NaN);
        for (int i = 0; i < n; i++) System.arraycopy(cosines, i * n, matrix, i * stride, n);
        Operands o = new Operands(matrix.length + 3 * n + k + 40);
        int at = o.put(matrix);
        int scores = start == null ? Offsets.NONE : o.put(start);
        int limit = how == GreedyChoice.DISTINCT ? o.put(threshold) : Offsets.NONE;
        int gains = o.room(n);
        int target = o.room(k);
        o.numbers(n, at, stride, how, scores, first, limit, k, gains, target);
        machine.run(GreedyChoice.groups(), GreedyChoice.LOCAL, o, GreedyChoice::choose);
        assertThat(o.a.get(gains + n)).as("behind the gains").isNaN();
        assertThat(o.a.get(target + k)).as("behind the places").isNaN();
        return o.indices(target, k);
    }

    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void choosesAsTheProcessor(Machine machine) {
        for (int n : COUNTS) {
            float[] units = units(n);
            float[] cosines = CosineSimilarity.products(units, n, units, n, WIDTH);
            float[] lonely = new float[n];
            Arrays.fill(lonely, Float.NEGATIVE_INFINITY);
            lonely[FarthestPoint.loneliest(cosines, n)] = 2f;
            for (int k : new int[] {1, (n + 1) / 2, n}) {
                assertThat(chosen(machine, cosines, n, GreedyChoice.FARTHEST, lonely, 0, 0f, k)).as("%d of %d", k, n)
                        .isEqualTo(FarthestPoint.select(cosines, n, FarthestPoint.loneliest(cosines, n), k));
                assertThat(chosen(machine, cosines, n, GreedyChoice.LEAST_ALIKE, null, n / 3, 0f, k)).as("%d of %d", k, n)
                        .isEqualTo(MaxSumDiversity.select(cosines, n, n / 3, k));
                float[] scores = Operands.random(new Random(k), n);
                if (n > 5) scores[5] = scores[1];
                int[] expected = NonMaximumSuppression.select(scores, cosines, 0.1, k);
                int[] actual = chosen(machine, cosines, n, GreedyChoice.DISTINCT, scores, 0, 0.1f, k);
                assertThat(Arrays.copyOf(actual, expected.length)).as("%d of %d", k, n).isEqualTo(expected);
                assertThat(Arrays.stream(actual, expected.length, k)).as("none is left").allMatch(place -> place == -1);
            }
        }
    }

    /** Where all are alike the lower places come first. */
    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void ofEqualsTheFirst(Machine machine) {
        int n = 20;
        float[] alike = new float[n * n];
        Arrays.fill(alike, 1f);
        float[] same = new float[n];
        int[] inOrder = {0, 1, 2, 3};
        assertThat(chosen(machine, alike, n, GreedyChoice.FARTHEST, same, 0, 0f, 4)).isEqualTo(inOrder);
        assertThat(chosen(machine, alike, n, GreedyChoice.LEAST_ALIKE, null, 0, 0f, 4)).isEqualTo(inOrder);
        assertThat(chosen(machine, alike, n, GreedyChoice.DISTINCT, same, 0, 1f, 4)).isEqualTo(inOrder);
        assertThat(chosen(machine, alike, n, GreedyChoice.DISTINCT, same, 0, 0.9f, 3)).isEqualTo(new int[] {0, -1, -1});
    }
}
