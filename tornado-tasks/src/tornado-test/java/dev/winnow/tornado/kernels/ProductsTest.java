package dev.winnow.tornado.kernels;

import dev.winnow.layers.Activation;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

@Tag("kernels")
class ProductsTest {
    private static final int[] FORMATS = {WeightFormat.F32, WeightFormat.F16, WeightFormat.BF16, WeightFormat.Q8_0, WeightFormat.Q4_0};

    /** A weight in a format, and what it is in double precision. */
    private record Stored(float[] floats, int[] words, float[] scales, double[] values) {
        static Stored of(int format, float[] w) {
            double[] values = new double[w.length];
            float[] scales = new float[w.length / 32 + 1];
            int[] words = new int[w.length / 2 + 1];
            for (int i = 0; i < w.length; i++) {
                switch (format) {
                    case WeightFormat.F32 -> values[i] = w[i];
                    case WeightFormat.F16 -> {
                        short h = Float.floatToFloat16(w[i]);
                        values[i] = Float.float16ToFloat(h);
                        words[i / 2] |= (h & 0xffff) << 16 * (i % 2);
                    }
                    case WeightFormat.BF16 -> {
                        int h = Float.floatToIntBits(w[i]) >>> 16;
                        values[i] = Float.intBitsToFloat(h << 16);
                        words[i / 2] |= h << 16 * (i % 2);
                    }
                    case WeightFormat.Q8_0 -> {
                        scales[i / 32] = 0.02f + 0.001f * (i / 32 % 7);
                        int code = Math.clamp(Math.round(w[i] / scales[i / 32]), -127, 127);
                        values[i] = (double) code * scales[i / 32];
                        words[i / 4] |= (code & 0xff) << 8 * (i % 4);
                    }
                    default -> {
                        scales[i / 32] = -0.3f + 0.01f * (i / 32 % 7);
                        int code = Math.clamp(Math.round(w[i] / scales[i / 32]), -8, 7);
                        values[i] = (double) code * scales[i / 32];
                        int byteIndex = i / 32 * 16 + i % 16;
                        words[byteIndex / 4] |= (code + 8) << 8 * (byteIndex % 4) + (i % 32 < 16 ? 0 : 4);
                    }
                }
            }
            return new Stored(format == WeightFormat.F32 ? w : new float[1], words, scales, values);
        }
    }

    static Stream<Arguments> machinesAndFormats() {
        return Machine.all().flatMap(machine -> Arrays.stream(FORMATS).mapToObj(f -> Arguments.of(machine, f)));
    }

    @ParameterizedTest
    @MethodSource("machinesAndFormats")
    void manyRows(Machine machine, int format) {
        check(machine, format, true, 67, 96, 70, 0, Activation.NONE);
    }

    @ParameterizedTest
    @MethodSource("machinesAndFormats")
    void fewRows(Machine machine, int format) {
        check(machine, format, false, 1, 416, 19, 0, Activation.NONE);
    }

    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void addedToWhatIsThereOrMultiplied(Machine machine) {
        for (int format : new int[] {WeightFormat.F32, WeightFormat.Q8_0}) {
            check(machine, format, true, 3, 64, 70, 1, Activation.SILU);
            check(machine, format, true, 1, 64, 70, 2, Activation.SILU);
            check(machine, format, false, 3, 32, 1, 1, Activation.GELU);
            check(machine, format, false, 2, 32, 1, 2, Activation.GELU);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void oddWidths(Machine machine) {
        for (int format : new int[] {WeightFormat.F32, WeightFormat.F16}) {
            check(machine, format, true, 5, 37, 65, 0, Activation.NONE);
            check(machine, format, false, 2, 37, 9, 0, Activation.NONE);
        }
    }

    @Tag("sizes")
    @ParameterizedTest
    @MethodSource("machinesAndFormats")
    void otherSizes(Machine machine, int format) {
        check(machine, format, true, 1, 32, 1, 1, Activation.SILU);
        check(machine, format, true, 3, 64, 130, 2, Activation.NONE);
        check(machine, format, false, 3, 32, 1, 1, Activation.GELU);
        check(machine, format, false, 2, 96, 8, 2, Activation.NONE);
        if (format != WeightFormat.BF16) return;
        check(machine, format, true, 5, 37, 65, 0, Activation.NONE);
        check(machine, format, false, 2, 37, 9, 0, Activation.NONE);
    }

    private static void check(Machine machine, int format, boolean tiled, int rows, int in, int out, int meeting, Activation f) {
        Random random = new Random(rows * 31 + in);
        float[] x = Operands.random(random, rows * (in + 5));
        float[] y = Operands.random(random, rows * (out + 2));
        float[] bias = Operands.random(random, out);
        float[] w = Operands.random(random, out * in);
        w[0] = 0f;
        w[1] = 1e-6f;
        Stored stored = Stored.of(format, w);
        int parameters = 4 + bias.length + stored.scales.length + stored.floats.length;
        Operands o = new Operands(x.length + y.length + 64, parameters, stored.words.length);
        int xAt = o.put(x);
        int yAt = o.put(y);
        int floatsAt = o.parameter(stored.floats);
        int wordsAt = o.word(stored.words);
        int weight = format == WeightFormat.F32 ? floatsAt : wordsAt;
        int biasAt = meeting == 0 ? o.parameter(bias) : Offsets.NONE;
        o.numbers(rows, xAt, in + 5, yAt, out + 2, weight, biasAt, meeting, o.parameter(stored.scales), in, out);
        int activation = f.ordinal();
        if (tiled) {
            machine.run(TiledProducts.groups(rows, out), TiledProducts.LOCAL, o,
                    TiledProducts::multiply, o.p, o.p, o.words, format, activation);
        } else {
            machine.run(RowProducts.groups(rows, out), RowProducts.LOCAL, o,
                    RowProducts::multiply, o.p, o.p, o.words, format, in, activation);
        }
        double[] expected = new double[y.length];
        for (int i = 0; i < y.length; i++) expected[i] = y[i];
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < out; c++) {
                double sum = meeting == 0 ? bias[c] : 0;
                for (int k = 0; k < in; k++) sum += x[r * (in + 5) + k] * stored.values[c * in + k];
                double v = ElementWiseTest.reference(f, sum);
                int at = r * (out + 2) + c;
                expected[at] = meeting == 0 ? v : meeting == 1 ? y[at] + v : y[at] * v;
            }
        }
        Closeness.close(o.get(yAt, y.length), expected);
    }
}
