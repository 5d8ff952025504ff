package dev.winnow.layers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import java.lang.ref.WeakReference;
import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GemmTest {
    private static final Workers ONE = new Workers(1);
    private static final Workers THREE = new Workers(3);

    @Provide
    Arbitrary<Kernels> kernels() {
        return Arbitraries.of(new ScalarKernels(), new PanamaKernels());
    }

    @Property(tries = 300)
    void anyShape(@ForAll("kernels") Kernels k, @ForAll @IntRange(min = 1, max = 40) int rows,
                  @ForAll @IntRange(min = 1, max = 120) int in, @ForAll @IntRange(min = 1, max = 120) int out,
                  @ForAll DType dtype, @ForAll Activation f, @ForAll boolean bias, @ForAll boolean add, @ForAll long seed) {
        if (dtype.isBlocked()) in = (in + 31) / 32 * 32;
        DType stored = dtype.isBlocked() || dtype == DType.BF16 || dtype == DType.F16 ? dtype : DType.F32;
        check(k, ONE, rows, in, out, stored, add ? Activation.NONE : f, bias, add, seed);
    }

    @ParameterizedTest
    @CsvSource({"1,768,3000", "2,2048,700", "5,1000,1000", "8,512,512", "9,512,512", "31,1000,100", "197,768,100", "197,300,20",
                "64,5000,96", "3,9000,97", "600,520,33"})
    void threadsAndBlocks(int rows, int in, int out) {
        for (DType dtype : new DType[] {DType.F32, DType.F16, DType.BF16, DType.Q8_0, DType.Q4_0}) {
            if (in % dtype.blockElements() != 0) continue;
            check(new PanamaKernels(), THREE, rows, in, out, dtype, Activation.GELU, true, false, rows);
            check(new PanamaKernels(), THREE, rows, in, out, dtype, Activation.NONE, true, true, rows);
        }
    }

    @Test
    void kernelsOfConvolutionsCountAsMatrices() {
        Random random = new Random(1);
        float[] w = Stored.random(random, 8 * 3 * 4 * 4);
        Linear linear = new Linear(Stored.tensor(w, DType.F32, 8, 3, 4, 4), null);
        float[] x = Stored.random(random, 48);
        float[] y = new float[8];
        Gemm.multiply(new PanamaKernels(), ONE, linear, x, 0, 48, 1, y, 0, 8, Activation.NONE, false);
        for (int j = 0; j < 8; j++) {
            double sum = 0;
            for (int p = 0; p < 48; p++) sum += (double) x[p] * w[j * 48 + p];
            assertThat((double) y[j]).isCloseTo(sum, within(1e-4));
        }
    }

    @Test
    void anActivationOfAResidualIsRefused() {
        Linear linear = new Linear(Stored.tensor(new float[4], DType.F32, 2, 2), null);
        assertThatThrownBy(() -> Gemm.multiply(new ScalarKernels(), ONE, linear, new float[2], 0, 2, 1, new float[2], 0, 2,
                Activation.SILU, true)).isInstanceOf(IllegalArgumentException.class).hasMessageContaining("SILU");
    }

    @ParameterizedTest
    @CsvSource({"197,768,100", "64,2500,96", "40,300,20"})
    void keptPanelsChangeNothing(int rows, int in, int out) {
        Random random = new Random(in);
        long size = 4L * in * Gemm.upTo(out, new PanamaKernels().panelWidth());
        for (DType dtype : new DType[] {DType.F32, DType.BF16}) {
            Linear linear = new Linear(Stored.tensor(Stored.random(random, out * in), dtype, out, in), Stored.random(random, out));
            Linear late = new Linear(Stored.tensor(Stored.random(random, out * in), dtype, out, in), null);
            float[] x = Stored.random(random, rows * in);
            PackedWeights kept = PackedWeights.upTo(size + size / 2);
            for (Linear weight : new Linear[] {linear, late, linear, linear, late, late}) {
                float[] expected = new float[rows * out];
                float[] y = new float[rows * out];
                Gemm.multiply(new PanamaKernels(), THREE, weight, x, 0, in, rows, expected, 0, out, Activation.NONE, false);
                Gemm.multiply(new PanamaKernels(), THREE, kept, weight, x, 0, in, rows, y, 0, out, Activation.NONE, false);
                assertThat(y).isEqualTo(expected);
            }
            // there was room for one
            assertThat(kept.bytes()).isEqualTo(size);
        }
    }

    /** Rows of a narrow output are split among tasks, all of which want the same panel at once. */
    @Test
    void tasksThatShareAKeptPanelReadItWhole() {
        int rows = 256;
        int in = 768;
        int out = 20;
        Random random = new Random(7);
        float[] x = Stored.random(random, rows * in);
        Workers four = new Workers(4);
        for (DType dtype : new DType[] {DType.F32, DType.F16, DType.BF16, DType.Q8_0, DType.Q4_0}) {
            Linear linear = new Linear(Stored.tensor(Stored.random(random, out * in), dtype, out, in), null);
            float[] expected = product(new PanamaKernels(), linear, x, rows, Activation.NONE);
            for (int i = 0; i < 40; i++) {
                PackedWeights kept = PackedWeights.upTo(1 << 20);
                float[] y = new float[rows * out];
                // of the second product panels are kept
                for (int product = 0; product < 2; product++) {
                    Gemm.multiply(new PanamaKernels(), four, kept, linear, x, 0, in, rows, y, 0, out, Activation.NONE, false);
                    assertThat(Arrays.equals(y, expected)).as("%s, time %d", dtype, i).isTrue();
                }
                assertThat(kept.bytes()).isPositive();
            }
        }
    }

    @Test
    void panelsAreKeptFromTheSecondProductOn() {
        PackedWeights floats = PackedWeights.ofFloats();
        for (DType dtype : new DType[] {DType.BF16, DType.F32}) {
            Tensor weight = Stored.tensor(new float[64 * 48], dtype, 48, 64);
            assertThat(floats.of(weight, 64, 48, 24, 64)).isNull();
            assertThat(floats.bytes()).isZero();
            assertThat(floats.of(weight, 64, 48, 24, 64) != null).isEqualTo(dtype == DType.F32);
        }
        assertThat(floats.bytes()).isEqualTo(4 * 64 * 48);
    }

    @Test
    void panelsGoWithTheirWeight() throws InterruptedException {
        PackedWeights kept = PackedWeights.upTo(1 << 20);
        WeakReference<float[]> panels = panelsOfAWeightNobodyHolds(kept);
        assertThat(kept.bytes()).isPositive();
        for (int i = 0; i < 200 && panels.get() != null; i++) {
            System.gc();
            Thread.sleep(10);
            // the next product lets go of what is no longer reached
            kept.bytes();
        }
        assertThat(panels.get()).isNull();
        assertThat(kept.bytes()).isZero();
    }

    private static WeakReference<float[]> panelsOfAWeightNobodyHolds(PackedWeights kept) {
        Tensor weight = Stored.tensor(new float[64 * 48], DType.F32, 48, 64);
        kept.of(weight, 64, 48, 24, 64);
        return new WeakReference<>(kept.of(weight, 64, 48, 24, 64).of(new ScalarKernels(), weight, 64, 0, 64, 0, 48));
    }

    @ParameterizedTest
    @CsvSource({"1,64,40", "1,1024,512", "3,512,400", "8,96,33", "40,64,50", "197,320,20"})
    void severalProductsInOneLoopAreTheSame(int rows, int in, int out) {
        Random random = new Random(in);
        Kernels k = new PanamaKernels();
        for (DType dtype : new DType[] {DType.F32, DType.BF16, DType.Q8_0, DType.Q4_0}) {
            Linear[] maps = new Linear[3];
            for (int i = 0; i < 3; i++) {
                int rowsOfMap = i == 0 ? out : out / 2;
                maps[i] = new Linear(Stored.tensor(Stored.random(random, rowsOfMap * in), dtype, rowsOfMap, in),
                        i == 1 ? null : Stored.random(random, rowsOfMap));
            }
            float[] x = Stored.random(random, rows * in);
            float[][] expected = new float[3][];
            float[][] y = new float[3][];
            for (int i = 0; i < 3; i++) {
                expected[i] = product(k, maps[i], x, rows, Activation.NONE);
                y[i] = new float[expected[i].length];
            }
            PackedWeights kept = PackedWeights.upTo(1 << 22);
            // packed each time, then kept, then found
            for (int again = 0; again < 3; again++) {
                for (float[] of : y) Arrays.fill(of, 0f);
                Gemm.multiply(k, THREE, kept, x, rows, maps[0], y[0], maps[1], y[1], maps[2], y[2]);
                assertThat(y).isDeepEqualTo(expected);
            }
            // maps of different types are multiplied one after the other
            Linear other = new Linear(Stored.tensor(Stored.random(random, out * in), DType.F16, out, in), null);
            Gemm.multiply(k, THREE, null, x, rows, maps[1], y[1], other, y[0], maps[2], y[2]);
            assertThat(y).isDeepEqualTo(new float[][] {product(k, other, x, rows, Activation.NONE), expected[1], expected[2]});
        }
    }

    @ParameterizedTest
    @CsvSource({"1,64,40", "1,1024,512", "4,512,400", "8,96,33", "50,96,33", "150,1120,200", "4000,1120,33"})
    void aGatedProductIsThatOfItsFactors(int rows, int in, int out) {
        Random random = new Random(in);
        Kernels k = new PanamaKernels();
        for (DType dtype : new DType[] {DType.F32, DType.BF16, DType.Q8_0, DType.Q4_0}) {
            Linear gate = new Linear(Stored.tensor(Stored.random(random, out * in), dtype, out, in), Stored.random(random, out));
            Linear up = new Linear(Stored.tensor(Stored.random(random, out * in), dtype, out, in), Stored.random(random, out));
            Mlp.Gated mlp = new Mlp.Gated(gate, up, null, Activation.SILU);
            float[] x = Stored.random(random, rows * in);
            float[] expected = product(k, gate, x, rows, Activation.SILU);
            k.multiply(expected, 0, product(k, up, x, rows, Activation.NONE), 0, expected.length);
            PackedWeights kept = PackedWeights.upTo(1 << 22);
            for (int again = 0; again < 3; again++) {
                float[] y = new float[rows * out];
                Gemm.multiplyGated(k, THREE, kept, mlp, x, rows, y, Gemm.few(rows, gate) ? null : new float[rows * out]);
                assertThat(y).isEqualTo(expected);
            }
        }
    }

    private static float[] product(Kernels k, Linear map, float[] x, int rows, Activation f) {
        float[] y = new float[rows * map.out()];
        Gemm.multiply(k, ONE, map, x, 0, map.in(), rows, y, 0, map.out(), f, false);
        return y;
    }

    private static void check(Kernels k, Workers workers, int rows, int in, int out, DType dtype, Activation f, boolean bias,
                              boolean add, long seed) {
        Random random = new Random(seed);
        float[] w = Stored.random(random, out * in);
        for (int i = 0; i < w.length; i++) w[i] /= (float) Math.sqrt(in);
        float[] b = bias ? Stored.random(random, out) : null;
        int xStride = in + random.nextInt(3);
        int yStride = out + random.nextInt(3);
        int o = random.nextInt(4);
        float[] x = Stored.random(random, o + rows * xStride);
        float[] y = Stored.random(random, o + rows * yStride + 2);
        float[] before = y.clone();
        Linear linear = new Linear(Stored.tensor(w, dtype, out, in), b);
        Gemm.multiply(k, workers, linear, x, o, xStride, rows, y, o, yStride, f, add);
        w = Stored.rounded(w, dtype);
        for (int i = 0; i < rows; i++) {
            float[] own = Arrays.copyOfRange(x, o + i * xStride, o + i * xStride + in);
            float[] rounded = dtype == DType.Q4_0 ? Stored.roundedVector(own) : own;
            for (int j = 0; j < yStride && o + i * yStride + j < y.length; j++) {
                int at = o + i * yStride + j;
                if (j >= out) {
                    assertThat(y[at]).isEqualTo(before[at]);
                    continue;
                }
                double start = (bias ? b[j] : 0) + (add ? before[at] : 0);
                float expected = activated(f, start + dot(own, w, j * in));
                // few rows of half bytes are rounded too
                if (Math.abs(y[at] - expected) > 5e-5 && rounded != own) expected = activated(f, start + dot(rounded, w, j * in));
                if (Math.abs(y[at] - expected) > 5e-5) assertThat(y[at]).as("%d,%d", i, j).isCloseTo(expected, within(5e-5f));
            }
        }
        for (int i = 0; i < o; i++) assertThat(y[i]).isEqualTo(before[i]);
    }

    private static double dot(float[] x, float[] w, int offset) {
        double sum = 0;
        for (int p = 0; p < x.length; p++) sum += (double) x[p] * w[offset + p];
        return sum;
    }

    private static float activated(Activation f, double x) {
        float[] one = {(float) x};
        new ScalarKernels().activate(f, one, 0, 1);
        return one[0];
    }
}
