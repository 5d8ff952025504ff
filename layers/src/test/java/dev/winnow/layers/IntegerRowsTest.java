package dev.winnow.layers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.winnow.weights.DType;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class IntegerRowsTest {
    private final Kernels kernels = new PanamaKernels();

    @Property(tries = 300)
    void multipliesWhatBothWereRoundedTo(@ForAll boolean bytes, @ForAll @IntRange(min = 4, max = 20) int blocks,
                                         @ForAll @IntRange(min = 1, max = 7) int rows, @ForAll @IntRange(min = 1, max = 4) int count,
                                         @ForAll boolean extreme, @ForAll long seed) {
        Random random = new Random(seed);
        DType dtype = bytes ? DType.Q8_0 : DType.Q4_0;
        int in = 32 * blocks;
        float[] w = Stored.random(random, rows * in);
        float[] x = Stored.random(random, count * in);
        // all codes as far from zero as they get, where sums of shorts come closest to overflowing
        for (int i = 0; i < w.length && extreme; i++) w[i] = random.nextInt(8) == 0 ? 1 : -1;
        for (int i = 0; i < x.length && extreme; i++) x[i] = random.nextInt(8) == 0 ? -1 : 1;
        MemorySegment data = Stored.unaligned(w, dtype);
        w = Stored.rounded(w, dtype);
        float[] rounded = Stored.roundedVector(x);
        float[] y = new float[count * rows];
        new IntegerRows().dot(kernels, data, dtype, in, 0, rows, x, 0, in, count, y, 0, rows);
        for (int i = 0; i < count; i++) {
            for (int j = 0; j < rows; j++) {
                double sum = 0;
                for (int p = 0; p < in; p++) sum += (double) w[j * in + p] * rounded[i * in + p];
                assertThat((double) y[i * rows + j]).isCloseTo(sum, within(1e-4 + 1e-6 * in));
            }
        }
    }
}
