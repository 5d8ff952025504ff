package dev.winnow.tornado.kernels;

import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Tag("kernels")
class NormsTest {
    private enum Kind { RMS, LAYER, FACTORS }

    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void rowsAndHeads(Machine machine) {
        for (Kind kind : Kind.values()) {
            check(machine, kind, 3, 1, 300, 300, false);
            check(machine, kind, 1, 1, 7, 9, true);
            check(machine, kind, 2, 3, 40, 140, true);
        }
    }

    private static void check(Machine machine, Kind kind, int tokens, int perToken, int width, int stride, boolean inPlace) {
        Random random = new Random(width);
        float[] x = Operands.random(random, tokens * stride);
        for (int i = 0; i < x.length; i++) x[i] += 3;
        float[] weight = Operands.random(random, width);
        float[] bias = Operands.random(random, width);
        Operands o = new Operands(2 * x.length + 100);
        int from = o.put(x);
        int to = inPlace ? from : o.put(new float[x.length]);
        o.numbers(tokens * perToken, perToken, from, stride, to, stride, o.parameter(weight), o.parameter(bias));
        int groups = Norms.groups(tokens * perToken);
        switch (kind) {
            case RMS -> machine.run(groups, Norms.LOCAL, o, Norms::rms, o.p, width, 1e-5f);
            case LAYER -> machine.run(groups, Norms.LOCAL, o, Norms::layer, o.p, width, 1e-5f);
            case FACTORS -> machine.run(groups, Norms.LOCAL, o, Norms::factors, o.p, width);
        }
        double[] expected = new double[x.length];
        for (int i = 0; i < x.length; i++) expected[i] = inPlace ? x[i] : 0;
        for (int r = 0; r < tokens * perToken; r++) {
            int at = r / perToken * stride + r % perToken * width;
            double mean = 0;
            double squares = 0;
            for (int c = 0; c < width; c++) mean += x[at + c] / (double) width;
            double shift = kind == Kind.LAYER ? mean : 0;
            for (int c = 0; c < width; c++) squares += Math.pow(x[at + c] - shift, 2) / width;
            double factor = kind == Kind.FACTORS ? 1 : 1 / Math.sqrt(squares + 1e-5);
            for (int c = 0; c < width; c++) {
                expected[at + c] = (x[at + c] - shift) * factor * weight[c] + (kind == Kind.LAYER ? bias[c] : 0);
            }
        }
        Closeness.close(o.get(to, x.length), expected);
    }
}
