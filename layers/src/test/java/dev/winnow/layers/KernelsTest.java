package dev.winnow.layers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.winnow.weights.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Both kernel sets against plain double arithmetic. */
class KernelsTest {
    private static final float UNTOUCHED = 12345f;

    @Provide
    Arbitrary<Kernels> kernels() {
        return Arbitraries.of(new ScalarKernels(), new PanamaKernels());
    }

    @Provide
    Arbitrary<DType> weights() {
        return Arbitraries.of(DType.F32, DType.F16, DType.BF16, DType.Q8_0, DType.Q4_0);
    }

    /** n rounded up to whole blocks. */
    private static int blocks(int n, DType dtype) {
        return (n + dtype.blockElements() - 1) / dtype.blockElements() * dtype.blockElements();
    }

    static Stream<Kernels> both() {
        return Stream.of(new ScalarKernels(), new PanamaKernels());
    }

    @Property(tries = 400)
    void packsPanels(@ForAll("kernels") Kernels k, @ForAll("weights") DType dtype, @ForAll @IntRange(min = 1, max = 48) int wanted,
                     @ForAll @IntRange(min = 1, max = 90) int depth, @ForAll @IntRange(max = 40) int from, @ForAll boolean heap,
                     @ForAll long seed) {
        Random random = new Random(seed);
        int width = k.panelWidth();
        int cols = Math.min(wanted, width);
        packs(k, dtype, cols, from, depth, blocks(from + depth + random.nextInt(5), dtype), heap, random);
    }

    @Property(tries = 200)
    void packsWholeBlocks(@ForAll("kernels") Kernels k, @ForAll boolean bytes, @ForAll @IntRange(min = 1, max = 48) int wanted,
                          @ForAll @IntRange(min = 1, max = 5) int depth, @ForAll @IntRange(max = 3) int from, @ForAll boolean heap,
                          @ForAll long seed) {
        Random random = new Random(seed);
        int in = 32 * (from + depth + random.nextInt(2));
        packs(k, bytes ? DType.Q8_0 : DType.Q4_0, Math.min(wanted, k.panelWidth()), 32 * from, 32 * depth, in, heap, random);
    }

    private static void packs(Kernels k, DType dtype, int cols, int from, int depth, int in, boolean heap, Random random) {
        int width = k.panelWidth();
        int row = random.nextInt(4) * (random.nextBoolean() ? 1 : 8);
        float[] w = Stored.random(random, (row + cols + random.nextInt(3)) * in);
        MemorySegment data = heap ? Stored.heap(w, dtype, in) : Stored.unaligned(w, dtype, in);
        w = Stored.rounded(w, dtype);
        float[] panel = new float[5 + depth * width + 1];
        Arrays.fill(panel, UNTOUCHED);
        k.packPanel(data, dtype, in, row, cols, from, depth, panel, 5);
        for (int p = 0; p < depth; p++) {
            for (int j = 0; j < width; j++) {
                assertThat(panel[5 + p * width + j]).isEqualTo(j < cols ? w[(row + j) * in + from + p] : 0f);
            }
        }
        assertThat(panel[4]).isEqualTo(UNTOUCHED);
        assertThat(panel[panel.length - 1]).isEqualTo(UNTOUCHED);
    }

    @Property(tries = 300)
    void transposesPanels(@ForAll("kernels") Kernels k, @ForAll @IntRange(min = 1, max = 48) int wanted,
                          @ForAll @IntRange(min = 1, max = 70) int depth, @ForAll long seed) {
        Random random = new Random(seed);
        int width = k.panelWidth();
        int cols = Math.min(wanted, width);
        int stride = depth + random.nextInt(4);
        int o = random.nextInt(4);
        // the last row ends where the array ends
        float[] source = Stored.random(random, o + (cols - 1) * stride + depth);
        float[] panel = new float[3 + depth * width];
        Arrays.fill(panel, UNTOUCHED);
        k.touch(source, 0, source.length);
        k.transposePanel(source, o, stride, cols, depth, panel, 3);
        for (int p = 0; p < depth; p++) {
            for (int j = 0; j < width; j++) {
                assertThat(panel[3 + p * width + j]).isEqualTo(j < cols ? source[o + j * stride + p] : 0f);
            }
        }
        assertThat(panel[2]).isEqualTo(UNTOUCHED);
    }

    @Property(tries = 200)
    void packedColumnsArePackedRowsOfTheTranspose(@ForAll("kernels") Kernels k, @ForAll @IntRange(min = 1, max = 70) int rows,
                                                  @ForAll @IntRange(min = 1, max = 60) int depth, @ForAll long seed) {
        Random random = new Random(seed);
        int stride = rows + 4 + random.nextInt(3);
        // the last column ends where the array ends
        float[] a = Stored.random(random, 2 + (depth - 1) * stride + Math.max(4, rows));
        float[] turned = new float[rows * depth];
        for (int i = 0; i < rows; i++) for (int p = 0; p < depth; p++) turned[i * depth + p] = a[2 + p * stride + i];
        float[] panel = new float[depth * k.panelWidth()];
        for (int i = 0; i < panel.length; i++) panel[i] = random.nextFloat();
        float[][] products = new float[2][rows * k.panelWidth()];
        for (int way = 0; way < 2; way++) {
            float[] packed = new float[k.packedRows(rows, depth) + 3];
            if (way == 0) k.packColumns(a, 2, stride, rows, depth, packed, 3);
            else k.packRows(turned, 0, depth, rows, depth, packed, 3);
            k.multiplyPanels(packed, 3, depth, 0, panel, 0, products[way], 0, k.panelWidth(), rows, depth, k.panelWidth(), false);
        }
        assertThat(products[0]).isEqualTo(products[1]);
    }

    @Property(tries = 200)
    void worksOnColumns(@ForAll("kernels") Kernels k, @ForAll @IntRange(min = 1, max = 30) int rows, @ForAll long seed) {
        Random random = new Random(seed);
        int width = k.panelWidth();
        float[] x = Stored.random(random, 3 + rows * width + 1);
        x[3 + random.nextInt(rows * width)] = Float.NEGATIVE_INFINITY;
        float[] max = Stored.random(random, 2 + width + 1);
        float[] sums = Stored.random(random, 1 + width + 1);
        float[] before = x.clone();
        float[] maxBefore = max.clone();
        float[] sumsBefore = sums.clone();
        k.maxColumns(x, 3, rows, max, 2);
        float[] shift = Arrays.copyOfRange(max, 2, 2 + width);
        k.expMinusColumns(x, 3, rows, shift, sums, 1);
        float[] powers = x.clone();
        k.scaleColumns(x, 3, rows, shift);
        for (int j = 0; j < width; j++) {
            float highest = maxBefore[2 + j];
            double sum = sumsBefore[1 + j];
            for (int i = 0; i < rows; i++) {
                int at = 3 + i * width + j;
                highest = Math.max(highest, before[at]);
                double e = Math.exp((double) before[at] - shift[j]);
                sum += e;
                assertThat((double) powers[at]).isCloseTo(e, within(1e-6));
                assertThat(x[at]).isEqualTo(powers[at] * shift[j]);
            }
            assertThat(max[2 + j]).isEqualTo(highest);
            assertThat((double) sums[1 + j]).isCloseTo(sum, within(1e-4));
        }
        for (int at : new int[] {0, 2, x.length - 1}) assertThat(x[at]).isEqualTo(before[at]);
        assertThat(new float[] {max[1], max[2 + width], sums[0], sums[1 + width]})
                .containsExactly(maxBefore[1], maxBefore[2 + width], sumsBefore[0], sumsBefore[1 + width]);
    }

    @Property(tries = 600)
    void multipliesRows(@ForAll("kernels") Kernels k, @ForAll @IntRange(min = 1, max = 19) int rows,
                       @ForAll @IntRange(max = 70) int depth, @ForAll @IntRange(min = 1, max = 110) int cols, @ForAll boolean add,
                       @ForAll long seed) {
        Random random = new Random(seed);
        int aStride = depth + random.nextInt(3);
        int bStride = (cols + 15) / 16 * 16 + random.nextInt(9);
        int cStride = cols + random.nextInt(5);
        int o = random.nextInt(4);
        float[] a = Stored.random(random, o + rows * aStride);
        float[] b = Stored.random(random, o + depth * bStride + 16);
        float[] c = Stored.random(random, o + rows * cStride + 3);
        float[] before = c.clone();
        k.multiplyRows(a, o, aStride, b, o, bStride, c, o, cStride, rows, depth, cols, add);
        assertProduct(a, o, aStride, (p, j) -> b[o + p * bStride + j], c, before, o, cStride, rows, depth, cols, add);
    }

    @Property(tries = 600)
    void multipliesPanels(@ForAll("kernels") Kernels k, @ForAll @IntRange(min = 1, max = 60) int rows,
                          @ForAll @IntRange(min = 1, max = 70) int packedDepth, @ForAll @IntRange(min = 1, max = 110) int cols,
                          @ForAll boolean add, @ForAll long seed) {
        Random random = new Random(seed);
        int from = random.nextInt(packedDepth);
        int depth = random.nextInt(packedDepth - from + 1);
        int width = k.panelWidth();
        int aStride = packedDepth + random.nextInt(3);
        int cStride = cols + random.nextInt(5);
        int o = random.nextInt(4);
        float[] a = Stored.random(random, o + rows * aStride);
        float[] b = Stored.random(random, cols * Math.max(1, depth));
        float[] packed = new float[o + k.packedRows(rows, packedDepth)];
        // in two parts, as threads would
        int first = Math.min(rows, random.nextInt(3) * Kernels.ROW_GROUP);
        k.packRows(a, o, aStride, first, packedDepth, packed, o);
        k.packRows(a, o + first * aStride, aStride, rows - first, packedDepth, packed, o + k.packedRows(first, packedDepth));
        float[] panels = new float[o + (cols + width - 1) / width * width * depth];
        for (int j = 0; j < cols && depth > 0; j += width) {
            k.transposePanel(b, j * depth, depth, Math.min(width, cols - j), depth, panels, o + j * depth);
        }
        float[] c = Stored.random(random, o + rows * cStride + 3);
        float[] before = c.clone();
        int begin = random.nextInt(2) * first;
        k.multiplyPanels(packed, o + k.packedRows(begin, packedDepth), packedDepth, from, panels, o, c, o, cStride,
                rows - begin, depth, cols, add);
        assertProduct(a, o + begin * aStride + from, aStride, (p, j) -> b[j * depth + p], c, before, o, cStride,
                rows - begin, depth, cols, add);
    }

    private interface Matrix {
        float at(int row, int column);
    }

    /** That c is the product of rows of a and b, added to what was there before or not, and untouched around it. */
    private static void assertProduct(float[] a, int aOffset, int aStride, Matrix b, float[] c, float[] before, int cOffset, int cStride,
                                      int rows, int depth, int cols, boolean add) {
        boolean[] written = new boolean[c.length];
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < cols; j++) {
                int at = cOffset + i * cStride + j;
                double sum = add ? before[at] : 0;
                for (int p = 0; p < depth; p++) sum += (double) a[aOffset + i * aStride + p] * b.at(p, j);
                assertThat((double) c[at]).isCloseTo(sum, within(1e-4));
                written[at] = true;
            }
        }
        for (int i = 0; i < c.length; i++) {
            if (!written[i]) assertThat(c[i]).isEqualTo(before[i]);
        }
    }

    @Property(tries = 400)
    void dotsRows(@ForAll("kernels") Kernels k, @ForAll("weights") DType dtype, @ForAll @IntRange(min = 1, max = 150) int least,
                  @ForAll @IntRange(min = 1, max = 40) int rows, @ForAll @IntRange(min = 1, max = 9) int count, @ForAll boolean heap,
                  @ForAll long seed) {
        Random random = new Random(seed);
        int in = blocks(least, dtype);
        int row = random.nextInt(3);
        float[] w = Stored.random(random, (row + rows) * in);
        MemorySegment data = heap ? Stored.heap(w, dtype, in) : Stored.unaligned(w, dtype, in);
        w = Stored.rounded(w, dtype);
        int xStride = in + random.nextInt(3);
        int yStride = rows + random.nextInt(3);
        float[] x = Stored.random(random, 2 + count * xStride);
        float[] y = new float[1 + count * yStride + 1];
        Arrays.fill(y, UNTOUCHED);
        k.dotRows(data, dtype, in, row, rows, Stored.prepared(k, dtype, in, rows, x, 2, xStride, count), y, 1, yStride);
        float[] rounded = new float[count * in];
        for (int i = 0; i < count && dtype.isBlocked(); i++) {
            System.arraycopy(Stored.roundedVector(Arrays.copyOfRange(x, 2 + i * xStride, 2 + i * xStride + in)), 0, rounded, i * in, in);
        }
        int untouched = 0;
        for (float v : y) {
            if (v == UNTOUCHED) untouched++;
        }
        assertThat(untouched).isEqualTo(y.length - count * rows);
        for (int i = 0; i < count; i++) {
            for (int j = 0; j < rows; j++) {
                double sum = 0;
                double alsoRounded = 0;
                for (int p = 0; p < in; p++) {
                    sum += (double) w[(row + j) * in + p] * x[2 + i * xStride + p];
                    alsoRounded += (double) w[(row + j) * in + p] * rounded[i * in + p];
                }
                double actual = y[1 + i * yStride + j];
                // products with half bytes may round x too
                boolean both = dtype == DType.Q4_0 && Math.abs(actual - alsoRounded) < Math.abs(actual - sum);
                assertThat(actual).isCloseTo(both ? alsoRounded : sum, within(1e-4));
            }
        }
    }

    @Property(tries = 200)
    void roundsToBlocks(@ForAll @IntRange(min = 1, max = 5) int blocks, @ForAll @IntRange(min = -4, max = 4) int magnitude,
                        @ForAll boolean coarse, @ForAll long seed) {
        float[] x = Stored.random(new Random(seed), 32 * blocks);
        // coarse numbers give ties, in rounding and in which element is furthest from zero
        for (int i = 0; i < x.length; i++) x[i] = (float) ((coarse ? Math.rint(x[i]) : x[i]) * Math.pow(10, magnitude));
        for (DType format : new DType[] {DType.Q8_0, DType.Q4_0}) {
            byte[] codes = new byte[x.length];
            byte[] expected = new byte[x.length];
            float[] scales = new float[blocks];
            float[] expectedScales = new float[blocks];
            new PanamaKernels().roundToBlocks(format, x, x.length, codes, scales);
            new ScalarKernels().roundToBlocks(format, x, x.length, expected, expectedScales);
            assertThat(codes).isEqualTo(expected);
            for (int b = 0; b < blocks; b++) assertThat(scales[b] + 0f).isEqualTo(expectedScales[b] + 0f);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "BF16"})
    void widensEveryBitPattern(DType dtype) {
        float[] all = new float[65536];
        for (int i = 0; i < all.length; i++) {
            all[i] = dtype == DType.F16 ? Float.float16ToFloat((short) i) : Float.intBitsToFloat(i << 16);
        }
        MemorySegment data = MemorySegment.ofArray(new byte[2 * all.length]);
        for (int i = 0; i < all.length; i++) {
            data.set(java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(java.nio.ByteOrder.LITTLE_ENDIAN), 2L * i, (short) i);
        }
        both().forEach(k -> {
            float[] wide = new float[all.length + 3];
            k.widen(data, dtype, 5, wide, 3, all.length - 5);
            for (int i = 5; i < all.length; i++) {
                float got = wide[i - 2];
                if (Float.isNaN(all[i])) assertThat(got).isNaN();
                else assertThat(Float.floatToRawIntBits(got)).as("pattern %x", i).isEqualTo(Float.floatToRawIntBits(all[i]));
            }
        });
    }

    @Test
    void refusesOtherWeightTypes() {
        MemorySegment data = MemorySegment.ofArray(new byte[64]);
        both().forEach(k -> {
            float[] y = new float[k.panelWidth() * 2];
            assertThatThrownBy(() -> k.dotRows(data, DType.I8, 8, 0, 4, Stored.prepared(k, DType.I8, 8, 4, new float[8], 0, 8, 1), y, 0, 4))
                    .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("I8");
            assertThatThrownBy(() -> k.packPanel(data, DType.F64, 2, 0, 2, 0, 2, y, 0)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> k.widen(data, DType.I64, 0, y, 0, 2)).isInstanceOf(IllegalArgumentException.class);
        });
    }

    @Property(tries = 300)
    void vectorPrimitives(@ForAll("kernels") Kernels k, @ForAll @IntRange(min = 1, max = 150) int n, @ForAll long seed) {
        Random random = new Random(seed);
        int o = random.nextInt(5);
        float[] a = Stored.random(random, n + o);
        float[] b = Stored.random(random, n + 1);
        double dot = IntStream.range(0, n).mapToDouble(i -> (double) a[o + i] * b[1 + i]).sum();
        assertThat((double) k.dot(a, o, b, 1, n)).isCloseTo(dot, within(1e-4));
        assertThat(k.max(a, o, n)).isEqualTo((float) IntStream.range(0, n).mapToDouble(i -> a[o + i]).max().getAsDouble());

        float[] y = a.clone();
        k.addScaled(y, o, b, 1, n, 0.7f);
        float[] z = a.clone();
        k.scale(z, o, n, -1.5f);
        float[] m = a.clone();
        k.multiply(m, o, b, 1, n);
        for (int i = 0; i < n; i++) {
            assertThat(y[o + i]).isCloseTo(a[o + i] + 0.7f * b[1 + i], within(1e-5f));
            assertThat(z[o + i]).isEqualTo(-1.5f * a[o + i]);
            assertThat(m[o + i]).isEqualTo(a[o + i] * b[1 + i]);
        }
        for (int i = 0; i < o; i++) {
            assertThat(y[i]).isEqualTo(a[i]);
            assertThat(z[i]).isEqualTo(a[i]);
        }
    }

    @Property(tries = 300)
    void normalises(@ForAll("kernels") Kernels k, @ForAll @IntRange(min = 1, max = 200) int n, @ForAll long seed) {
        Random random = new Random(seed);
        float[] x = Stored.random(random, n + 2);
        for (int i = 0; i < x.length; i++) x[i] += 3;
        float[] w = Stored.random(random, n);
        float[] b = Stored.random(random, n);
        double mean = IntStream.range(0, n).mapToDouble(i -> x[2 + i]).average().orElse(0);
        double variance = IntStream.range(0, n).mapToDouble(i -> (x[2 + i] - mean) * (x[2 + i] - mean)).average().orElse(0);
        double squares = IntStream.range(0, n).mapToDouble(i -> (double) x[2 + i] * x[2 + i]).average().orElse(0);
        float[] y = new float[n + 1];
        float[] z = new float[n + 1];
        k.rmsNorm(x, 2, w, 1e-5f, y, 1, n);
        k.layerNorm(x, 2, w, b, 1e-3f, z, 1, n);
        for (int i = 0; i < n; i++) {
            assertThat((double) y[1 + i]).isCloseTo(x[2 + i] / Math.sqrt(squares + 1e-5f) * w[i], within(1e-4));
            assertThat((double) z[1 + i]).isCloseTo((x[2 + i] - mean) / Math.sqrt(variance + 1e-3f) * w[i] + b[i], within(2e-4));
        }
        float[] inPlace = x.clone();
        k.layerNorm(inPlace, 2, w, b, 1e-3f, inPlace, 2, n);
        for (int i = 0; i < n; i++) assertThat(inPlace[2 + i]).isEqualTo(z[1 + i]);
    }

    @Property(tries = 200)
    void rotates(@ForAll("kernels") Kernels k, @ForAll @IntRange(min = 1, max = 70) int half, @ForAll long seed) {
        Random random = new Random(seed);
        float[] x = Stored.random(random, 2 * half + 4);
        float[] before = x.clone();
        float[] cos = Stored.random(random, half + 7);
        float[] sin = Stored.random(random, half + 7);
        k.rotate(x, 3, cos, sin, 7, half);
        for (int i = 0; i < half; i++) {
            float u = before[3 + i];
            float v = before[3 + half + i];
            assertThat(x[3 + i]).isCloseTo(u * cos[7 + i] - v * sin[7 + i], within(1e-5f));
            assertThat(x[3 + half + i]).isCloseTo(v * cos[7 + i] + u * sin[7 + i], within(1e-5f));
        }
        assertThat(x[2]).isEqualTo(before[2]);
        assertThat(x[3 + 2 * half]).isEqualTo(before[3 + 2 * half]);
    }

    @Test
    void exponentials() {
        both().forEach(k -> {
            int n = 100_003;
            float[] x = new float[n];
            for (int i = 0; i < n; i++) x[i] = -87f * i / n;
            float[] e = x.clone();
            float sum = k.expMinus(e, 0, n, 0f);
            double expected = 0;
            for (int i = 0; i < n; i++) {
                double exact = Math.exp(x[i]);
                expected += exact;
                assertThat(Math.abs(e[i] / exact - 1)).as("exp(%s)", x[i]).isLessThan(2e-7);
            }
            assertThat((double) sum).isCloseTo(expected, within(expected * 5e-5));
        });
    }

    @Test
    void exponentialsOfMaskedScores() {
        float inf = Float.POSITIVE_INFINITY;
        both().forEach(k -> {
            float[] x = new float[37];
            Arrays.fill(x, -inf);
            assertThat(k.expMinus(x.clone(), 0, 37, -inf)).isZero();
            x[4] = 2f;
            x[36] = 1f;
            x[35] = -300f;
            float sum = k.expMinus(x, 0, 37, 2f);
            assertThat(sum).isCloseTo(1 + (float) Math.exp(-1), within(1e-6f));
            assertThat(x[4]).isEqualTo(1f);
            assertThat(x[5]).isZero();
            assertThat(x[35]).isZero();
            x[7] = Float.NaN;
            assertThat(k.max(x, 0, 37)).isNaN();
            assertThat(k.expMinus(x, 0, 37, 1f)).isNaN();
        });
    }

    @ParameterizedTest
    @EnumSource
    void activations(Activation f) {
        both().forEach(k -> {
            int n = 40_001;
            float[] x = new float[n];
            for (int i = 0; i < n; i++) x[i] = (i - n / 2) / 1000f;
            float[] y = x.clone();
            k.activate(f, y, 0, n);
            for (int i = 0; i < n; i++) {
                double exact = exact(f, x[i]);
                assertThat((double) y[i]).as("%s(%s)", f, x[i]).isCloseTo(exact, within(2e-7 + 4e-7 * Math.abs(exact)));
            }
        });
    }

    @ParameterizedTest
    @EnumSource
    void activationsOfExtremes(Activation f) {
        float inf = Float.POSITIVE_INFINITY;
        both().forEach(k -> {
            float[] x = new float[33];
            float[] extremes = {inf, -inf, Float.NaN, 1e30f, -1e30f, 0f, -0f, 100f, -100f, 1e-30f};
            System.arraycopy(extremes, 0, x, 0, extremes.length);
            x[32] = inf;
            k.activate(f, x, 0, 33);
            float top = f == Activation.TANH ? 1 : inf;
            float bottom = f == Activation.TANH ? -1 : f == Activation.NONE ? -inf : 0;
            assertThat(x[0]).isEqualTo(top);
            assertThat(x[32]).isEqualTo(top);
            if (f == Activation.TANH || f == Activation.NONE || f == Activation.RELU) assertThat(x[1]).isEqualTo(bottom);
            assertThat(x[2]).isNaN();
            assertThat(x[3]).isEqualTo(f == Activation.TANH ? 1 : f == Activation.RELU_SQUARED ? inf : 1e30f);
            assertThat(Math.abs(x[4])).isLessThanOrEqualTo(f == Activation.NONE ? 1e30f : 1f);
            assertThat(x[5]).isZero();
            assertThat(x[6]).isZero();
            assertThat(x[7]).isEqualTo(f == Activation.TANH ? 1 : f == Activation.RELU_SQUARED ? 10_000 : 100f);
            assertThat(x[8]).isCloseTo(f == Activation.TANH ? -1 : f == Activation.NONE ? -100 : 0, within(1e-30f));
        });
    }

    private static double exact(Activation f, double x) {
        return switch (f) {
            case NONE -> x;
            case SILU -> x / (1 + Math.exp(-x));
            case QUICK_GELU -> x / (1 + Math.exp(-1.702 * x));
            case GELU -> 0.5 * x * erfc(-x / Math.sqrt(2));
            case GELU_TANH -> 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
            case RELU -> Math.max(0, x);
            case TANH -> Math.tanh(x);
            case RELU_SQUARED -> Math.max(0, x) * Math.max(0, x);
        };
    }

    /** Series near zero, continued fraction far out. */
    private static double erfc(double z) {
        if (z < 0) return 2 - erfc(-z);
        if (z < 2.5) {
            double term = z;
            double sum = z;
            for (int i = 1; i < 80; i++) {
                term *= -z * z / i;
                sum += term / (2 * i + 1);
            }
            return 1 - 2 / Math.sqrt(Math.PI) * sum;
        }
        double fraction = 0;
        for (int i = 60; i > 0; i--) fraction = i / 2.0 / (z + fraction);
        return Math.exp(-z * z) / Math.sqrt(Math.PI) / (z + fraction);
    }
}
