package dev.winnow.tornado.kernels;

import dev.winnow.layers.RopeScaling;
import dev.winnow.layers.RotaryEmbedding;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class RotaryTest {
    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void turnsPairsByTheTable(Machine machine) {
        check(machine, 3, 2, 10, 4, new int[] {5, 77, 4000});
        check(machine, 1, 1, 2, 1, new int[] {9});
    }

    private static void check(Machine machine, int tokens, int heads, int headDim, int half, int[] positions) {
        int stride = heads * headDim + 3;
        float[] x = Operands.random(new Random(2), tokens * stride);
        RotaryEmbedding.Table table = new RotaryEmbedding(2 * half, 10000, new RopeScaling.None()).table(positions, tokens);
        Operands o = new Operands(1000);
        int at = o.put(x);
        o.numbers(tokens, at, stride, o.put(table.cos()), o.put(table.sin()));
        machine.run(Rotary.groups(tokens, heads, half), Rotary.LOCAL, o,
                Rotary::turn, heads, headDim, half);
        double[] expected = new double[x.length];
        for (int i = 0; i < x.length; i++) expected[i] = x[i];
        for (int t = 0; t < tokens; t++) {
            for (int h = 0; h < heads; h++) {
                for (int d = 0; d < half; d++) {
                    int i = t * stride + h * headDim + d;
                    double cos = table.cos()[t * half + d];
                    double sin = table.sin()[t * half + d];
                    expected[i] = x[i] * cos - x[i + half] * sin;
                    expected[i + half] = x[i + half] * cos + x[i] * sin;
                }
            }
        }
        Closeness.close(o.get(at, x.length), expected);
    }
}
