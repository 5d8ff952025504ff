package dev.winnow.layers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.winnow.weights.DType;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class BlockProductsTest {
    private final Kernels kernels = new PanamaKernels();

    /** Bytes are multiplied with x as it is; half bytes with what it is rounded to, where rows are a whole group. */
    @Property(tries = 400)
    void multipliesRowsOfGroupsAndOthers(@ForAll boolean bytes, @ForAll @IntRange(min = 1, max = 12) int blocks,
                                         @ForAll @IntRange(min = 1, max = 70) int rows, @ForAll @IntRange(max = 34) int first,
                                         @ForAll @IntRange(max = 20) int behind, @ForAll @IntRange(min = 1, max = 5) int count,
                                         @ForAll boolean extreme, @ForAll long seed) {
        Random random = new Random(seed);
        DType dtype = bytes ? DType.Q8_0 : DType.Q4_0;
        int in = 32 * blocks;
        int all = first + rows + behind;
        float[] w = Stored.random(random, all * in);
        float[] x = Stored.random(random, count * in);
        // all codes as far from zero as they get, where sums of shorts come closest to overflowing
        for (int i = 0; i < w.length && extreme; i++) w[i] = random.nextInt(8) == 0 ? 1 : -1;
        for (int i = 0; i < x.length && extreme; i++) x[i] = random.nextInt(8) == 0 ? -1 : 1;
        MemorySegment data = Stored.unaligned(w, dtype, in);
        w = Stored.rounded(w, dtype);
        float[] rounded = Stored.roundedVector(x);
        float[] y = new float[count * rows];
        FewVectors vectors = Stored.prepared(kernels, dtype, in, rows, x, 0, in, count);
        new BlockProducts().dot(kernels, data, dtype, in, first, rows, vectors, y, 0, rows);
        for (int i = 0; i < count; i++) {
            for (int j = 0; j < rows; j++) {
                int group = (first + j) / 16 * 16;
                boolean whole = group >= first && group + 16 <= first + rows;
                float[] factor = whole && !bytes ? rounded : x;
                double sum = 0;
                for (int p = 0; p < in; p++) sum += (double) w[(first + j) * in + p] * factor[i * in + p];
                assertThat((double) y[i * rows + j]).isCloseTo(sum, within(1e-4 + 1e-6 * in));
            }
        }
    }

    /** Sizes of x that differ widely within a word, whose bytes are told apart by differences. */
    @Property(tries = 200)
    void bytesOfAWordAreToldApart(@ForAll @IntRange(max = 3) int large, @ForAll @IntRange(min = -20, max = 20) int exponent,
                                  @ForAll long seed) {
        Random random = new Random(seed);
        float[] w = Stored.random(random, 16 * 64);
        float[] x = Stored.random(random, 64);
        for (int i = large; i < x.length; i += 4) x[i] *= (float) Math.pow(2, exponent);
        float[] y = new float[16];
        FewVectors vectors = Stored.prepared(kernels, DType.Q8_0, 64, 16, x, 0, 64, 1);
        new BlockProducts().dot(kernels, Stored.heap(w, DType.Q8_0, 64), DType.Q8_0, 64, 0, 16, vectors, y, 0, 16);
        w = Stored.rounded(w, DType.Q8_0);
        for (int j = 0; j < 16; j++) {
            double sum = 0;
            double size = 0;
            for (int p = 0; p < 64; p++) {
                sum += (double) w[j * 64 + p] * x[p];
                size += Math.abs(3 * x[p]);
            }
            assertThat((double) y[j]).isCloseTo(sum, within(1e-6 * size));
        }
    }
}
