package dev.winnow.tornado.kernels;

import dev.winnow.layers.Activation;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

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
                o.numbers(x.length, from, to);
                int kind = f.ordinal();
                machine.run(ElementWise.groups(x.length), ElementWise.LOCAL, o, ElementWise::plain, kind);
                double[] expected = new double[x.length];
                for (int i = 0; i < x.length; i++) expected[i] = reference(f, scaled[i]);
                Closeness.close(o.get(to, x.length), expected, 1e-6);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void gatesAndSums(Machine machine) {
        int rows = 3;
        int inner = 71;
        Random random = new Random(4);
        float[] x = Operands.random(random, rows * 2 * inner);
        float[] y = Operands.random(random, rows * inner);
        Operands o = new Operands(2000);
        int from = o.put(x);
        int gated = o.room(rows * inner);
        o.numbers(rows * inner, from, gated);
        int kind = Activation.SILU.ordinal();
        machine.run(ElementWise.groups(rows * inner), ElementWise.LOCAL, o, ElementWise::gated, kind, inner);
        double[] expected = new double[rows * inner];
        for (int i = 0; i < expected.length; i++) {
            int at = i / inner * 2 * inner + i % inner;
            expected[i] = reference(Activation.SILU, x[at]) * x[at + inner];
        }
        Closeness.close(o.get(gated, expected.length), expected);

        int to = o.put(y);
        o.again().numbers(y.length, from, to);
        machine.run(ElementWise.groups(y.length), ElementWise.LOCAL, o, ElementWise::addScaled, 0.25f);
        double[] sums = new double[y.length];
        for (int i = 0; i < y.length; i++) sums[i] = y[i] + 0.25 * x[i];
        Closeness.close(o.get(to, y.length), sums);
    }
}
