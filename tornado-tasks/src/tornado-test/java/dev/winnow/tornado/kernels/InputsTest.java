package dev.winnow.tornado.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What goes into the first layer: patches of pictures, rows of the embedding table; and lengths of rows. */
@Tag("kernels")
class InputsTest {

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
}
