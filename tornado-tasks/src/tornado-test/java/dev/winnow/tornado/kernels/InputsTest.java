package dev.winnow.tornado.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What goes into the first layer: patches of pictures, rows of the embedding table; and lengths of rows. */
class InputsTest {
    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void patchesInTheOrderOfAConvolution(Machine machine) {
        int channels = 3;
        int side = 4;
        int height = 9;
        int width = 14;
        int patches = height / side * (width / side);
        float[] pixels = Operands.random(new Random(1), channels * height * width);
        Operands o = new Operands(1500);
        int numbers = channels * side * side;
        int to = o.room(patches * numbers);
        o.numbers(patches, o.put(pixels), to, height, width);
        machine.run(Patches.groups(patches, channels, side), Patches.LOCAL, o,
                Patches::gather, channels, side);
        float[] expected = new float[patches * numbers];
        int at = 0;
        for (int patch = 0; patch < patches; patch++) {
            for (int channel = 0; channel < channels; channel++) {
                for (int y = 0; y < side; y++) {
                    for (int x = 0; x < side; x++) {
                        int line = patch / (width / side) * side + y;
                        int column = patch % (width / side) * side + x;
                        expected[at++] = pixels[(channel * height + line) * width + column];
                    }
                }
            }
        }
        assertThat(o.get(to, expected.length)).isEqualTo(expected);
    }

    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void embeddingRows(Machine machine) {
        int width = 35;
        float[] w = Operands.random(new Random(2), 11 * width);
        int[] halves = new int[w.length / 2 + 1];
        for (int i = 0; i < w.length; i++) halves[i / 2] |= (Float.floatToFloat16(w[i]) & 0xffff) << 16 * (i % 2);
        int[] ids = {10, 0, 10, 3};
        for (int format : new int[] {WeightFormat.F32, WeightFormat.F16}) {
            Operands o = new Operands(1000, 1000, halves.length);
            int to = o.room(ids.length * width);
            int floats = o.parameter(w);
            int words = o.word(halves);
            o.numbers(ids.length, o.put(ids), to, format == WeightFormat.F32 ? floats : words, Offsets.NONE);
            machine.run(EmbeddingRows.groups(ids.length), EmbeddingRows.LOCAL, o,
                    EmbeddingRows::gather, o.p, o.p, o.words, format, width, 2f);
            double[] expected = new double[ids.length * width];
            for (int i = 0; i < expected.length; i++) {
                float stored = w[ids[i / width] * width + i % width];
                expected[i] = 2 * (format == WeightFormat.F32 ? stored : Float.float16ToFloat(Float.floatToFloat16(stored)));
            }
            Closeness.close(o.get(to, expected.length), expected, 1e-7);
            assertThat(o.a.get(to + expected.length)).as("behind the last row").isNaN();
        }
    }

    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void lengthsOfRows(Machine machine) {
        int width = 150;
        float[] x = Operands.random(new Random(3), 3 * width);
        for (int c = 0; c < width; c++) x[width + c] = 0;
        Operands o = new Operands(2000);
        int from = o.put(x);
        int lengths = o.room(3);
        o.numbers(3, from, width, lengths);
        machine.run(RowLengths.groups(3), RowLengths.LOCAL, o, RowLengths::lengths, width);
        double[] expected = new double[3];
        for (int i = 0; i < x.length; i++) expected[i / width] += (double) x[i] * x[i];
        for (int r = 0; r < 3; r++) expected[r] = Math.sqrt(expected[r]);
        Closeness.close(o.get(lengths, 3), expected);

        int unit = o.room(x.length);
        o.again().numbers(3, from, width, unit, unit + width, 2 * width);
        machine.run(RowLengths.groups(3), RowLengths.LOCAL, o, RowLengths::normalise, width);
        double[] rows = new double[x.length];
        for (int i = 0; i < x.length; i++) rows[i] = expected[i / width] == 0 ? 0 : x[i] / expected[i / width];
        Closeness.close(o.get(unit, x.length), rows);
    }
}
