package dev.winnow.tornado.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.winnow.reduction.TokenMap;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Tag("kernels")
class TokenRowsTest {
    private static final int WIDTH = 137;

    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void mergesAsATokenMap(Machine machine) {
        int[][] index = {{4}, {0, 2, 1}, {3, 0}};
        float[][] weight = {{1f}, {0.5f, 0.25f, 0.25f}, {2f, -1f}};
        float[] x = Operands.random(new Random(5), 5 * WIDTH);
        Operands o = new Operands(3000);
        int to = o.room(3 * WIDTH);
        int weights = o.put(1f, 0.5f, 0.25f, 0.25f, 2f, -1f);
        int from = o.put(x);
        int indices = o.put(4, 0, 2, 1, 3, 0);
        int start = o.put(0, 1, 4, 6);
        o.numbers(3, from, to, indices, start, weights);
        machine.run(TokenRows.groups(3), TokenRows.LOCAL, o, TokenRows::merge, WIDTH);
        float[] y = new float[3 * WIDTH];
        TokenMap.of(5, index, weight).apply(x, WIDTH, y);
        Closeness.close(o.get(to, y.length), doubles(y), 1e-6);

        o.again().numbers(3, o.put(2f, 1f, 1f, 5f, 3f), to, indices, start, Offsets.NONE);
        machine.run(TokenRows.groups(3), TokenRows.LOCAL, o, TokenRows::merge, 1);
        assertThat(o.get(to, 3)).containsExactly(3f, 4f, 7f);
    }

    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void gathersAndScatters(Machine machine) {
        float[] x = Operands.random(new Random(5), 6 * WIDTH);
        float[] left = Operands.random(new Random(6), 2 * WIDTH);
        int[] places = {5, 1};
        for (boolean weighed : new boolean[] {false, true}) {
            Operands o = new Operands(4000);
            int at = o.put(x);
            int index = o.put(places);
            int entered = o.room(2 * WIDTH);
            o.numbers(2, at, entered, index);
            machine.run(TokenRows.groups(2), TokenRows.LOCAL, o, TokenRows::gather, WIDTH);
            float[] expectedRows = new float[2 * WIDTH];
            for (int i = 0; i < 2; i++) System.arraycopy(x, places[i] * WIDTH, expectedRows, i * WIDTH, WIDTH);
            assertThat(o.get(entered, 2 * WIDTH)).isEqualTo(expectedRows);

            o.again().numbers(2, o.put(left), at, index, weighed ? o.put(0.3f, -2f) : Offsets.NONE);
            machine.run(TokenRows.groups(2), TokenRows.LOCAL, o, TokenRows::scatter, WIDTH);
            double[] expected = doubles(x);
            for (int i = 0; i < 2 * WIDTH; i++) {
                int to = places[i / WIDTH] * WIDTH + i % WIDTH;
                double factor = i < WIDTH ? 0.3 : -2;
                expected[to] = weighed ? x[to] + factor * (left[i] - x[to]) : left[i];
            }
            Closeness.close(o.get(at, x.length), expected);
        }
    }

    private static double[] doubles(float[] x) {
        double[] d = new double[x.length];
        for (int i = 0; i < x.length; i++) d[i] = x[i];
        return d;
    }
}
