package dev.winnow.tornado.kernels;

import dev.winnow.layers.Activation;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Tag("kernels")
class ElementWiseTest {
    /** The functions from their definitions, in double precision. */
    static double reference(Activation f, double x) {
        return switch (f) {
            case NONE -> x;
            case SILU -> x / (1 + Math.exp(-x));
            case GELU -> x * normalDistribution(x);
            case GELU_TANH -> 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
            case QUICK_GELU -> x / (1 + Math.exp(-1.702 * x));
            case RELU -> Math.max(0, x);
            case RELU_SQUARED -> Math.max(0, x) * Math.max(0, x);
            case TANH -> Math.tanh(x);
        };
    }

    /** Simpson's rule over the density, from far left. */
    private static double normalDistribution(double x) {
        if (x < -12) return 0;
        if (x > 12) return 1;
        int steps = 4000;
        double h = (x + 12) / steps;
        double sum = 0;
        for (int i = 0; i <= steps; i++) {
            double t = -12 + i * h;
            sum += Math.exp(-t * t / 2) * (i == 0 || i == steps ? 1 : i % 2 == 1 ? 4 : 2);
        }
        return sum * h / 3 / Math.sqrt(2 * Math.PI);
    }

    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void functions(Machine machine) {
        float[] x = {0f, -0f, 1f, -1f, 0.3f, -2.7f, 5f, -6f, 11f, -13f, 40f, -40f, 90f, -90f};
        for (Activation f : Activation.values()) {
            for (float factor : new float[] {1f, 0.01f}) {
                float[] scaled = new float[x.length];
                for (int i = 0; i < x.length; i++) scaled[i] = x[i] * factor;
                Operands o = new Operands(200);
                int from = o.put(scaled);
                int to = o.room(x.length);
                // rides along with a product, here by a single 1
                o.numbers(x.length, from, 1, to, 1, o.parameter(1f), Offsets.NONE, 0, Offsets.NONE, 1, 1);
                int kind = f.ordinal();
                machine.run(RowProducts.groups(x.length, 1), RowProducts.LOCAL, o, RowProducts::multiply, o.p, o.p, o.words,
                        WeightFormat.F32, 1, kind);
                double[] expected = new double[x.length];
                for (int i = 0; i < x.length; i++) expected[i] = reference(f, scaled[i]);
                Closeness.close(o.get(to, x.length), expected, 1e-6);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void sums(Machine machine) {
        Random random = new Random(4);
        float[] x = Operands.random(random, 213);
        float[] y = Operands.random(random, x.length);
        Operands o = new Operands(2000);
        int from = o.put(x);
        int to = o.put(y);
        o.numbers(y.length, from, to);
        machine.run(ElementWise.groups(y.length), ElementWise.LOCAL, o, ElementWise::addScaled, 0.25f);
        double[] sums = new double[y.length];
        for (int i = 0; i < y.length; i++) sums[i] = y[i] + 0.25 * x[i];
        Closeness.close(o.get(to, y.length), sums);
    }
}
