package dev.winnow.layers;

import static org.assertj.core.api.Assertions.assertThat;

import dev.winnow.weights.DType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.function.Consumer;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** The plain loops give the bits of the Vector API: a model may go over from one to the other in the middle of a request. */
class ColdKernelsTest {
    private static final Kernels PLAIN = new ColdKernels(new PanamaKernels(), true);
    private static final Kernels VECTORS = new PanamaKernels();

    /** What both write over the same array. */
    private static void same(float[] start, Consumer<float[]> plain, Consumer<float[]> vectors) {
        float[] a = start.clone();
        float[] b = start.clone();
        plain.accept(a);
        vectors.accept(b);
        assertThat(bits(a)).isEqualTo(bits(b));
    }

    private static int[] bits(float[] x) {
        int[] bits = new int[x.length];
        // all NaNs are one
        for (int i = 0; i < x.length; i++) bits[i] = Float.floatToIntBits(x[i]);
        return bits;
    }

    /** Mostly ordinary numbers, some very large or small, zeros of both signs, infinities and NaN. */
    private static float[] wild(Random random, int n) {
        float[] x = new float[n];
        float[] special = {0f, -0f, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, Float.NaN, 1e-40f, 88.4f, -87.4f, -103f, 3e38f, 25f};
        for (int i = 0; i < n; i++) {
            x[i] = random.nextInt(60) == 0 ? special[random.nextInt(special.length)] : (float) (random.nextGaussian() * 4);
        }
        return x;
    }

    @Property(tries = 200)
    void packsPanels(@ForAll @IntRange(min = 1, max = 48) int wanted, @ForAll @IntRange(min = 1, max = 90) int depth,
                     @ForAll @IntRange(max = 40) int from, @ForAll Format format, @ForAll long seed) {
        Random random = new Random(seed);
        DType dtype = format.dtype;
        int cols = Math.min(wanted, VECTORS.panelWidth());
        int in = format.rowOf(from + depth + random.nextInt(5));
        int row = dtype.isBlocked() ? random.nextInt(3) * 8 : random.nextInt(4);
        int behind = random.nextInt(20);
        MemorySegment data = Stored.unaligned(Stored.random(random, (row + cols + behind) * in), dtype, in);
        float[] start = Stored.random(random, 5 + Math.max(depth, in) * VECTORS.panelWidth() + 3);
        same(start, p -> PLAIN.packPanel(data, dtype, in, row, cols, from, depth, p, 5),
                p -> VECTORS.packPanel(data, dtype, in, row, cols, from, depth, p, 5));
        // whole blocks of rounded weights have a way of their own
        same(start, p -> PLAIN.packPanel(data, dtype, in, row, cols, 0, in, p, 5),
                p -> VECTORS.packPanel(data, dtype, in, row, cols, 0, in, p, 5));
        float[] source = wild(random, row + cols * in);
        same(start, p -> PLAIN.transposePanel(source, row, in, cols, depth, p, 5),
                p -> VECTORS.transposePanel(source, row, in, cols, depth, p, 5));
    }

    @Property(tries = 400)
    void multipliesMatrices(@ForAll @IntRange(min = 1, max = 29) int rows, @ForAll @IntRange(max = 70) int depth,
                            @ForAll @IntRange(min = 1, max = 110) int cols, @ForAll boolean add, @ForAll boolean odd, @ForAll long seed) {
        Random random = new Random(seed);
        int aStride = depth + random.nextInt(3);
        int bStride = (cols + 15) / 16 * 16 + random.nextInt(9);
        int cStride = cols + random.nextInt(5);
        int o = random.nextInt(4);
        float[] a = odd ? wild(random, o + rows * aStride) : Stored.random(random, o + rows * aStride);
        float[] b = odd ? wild(random, o + depth * bStride + 16) : Stored.random(random, o + depth * bStride + 16);
        same(Stored.random(random, o + rows * cStride + 3),
                c -> PLAIN.multiplyRows(a, o, aStride, b, o, bStride, c, o, cStride, rows, depth, cols, add),
                c -> VECTORS.multiplyRows(a, o, aStride, b, o, bStride, c, o, cStride, rows, depth, cols, add));
        int from = random.nextInt(depth + 1);
        float[] packed = new float[VECTORS.packedRows(rows, depth)];
        VECTORS.packRows(a, o, aStride, rows, depth, packed, 0);
        int width = VECTORS.panelWidth();
        float[] panels = odd ? wild(random, (cols + width - 1) / width * width * depth)
                : Stored.random(random, (cols + width - 1) / width * width * depth);
        same(Stored.random(random, o + rows * cStride + 3),
                c -> PLAIN.multiplyPanels(packed, 0, depth, from, panels, 0, c, o, cStride, rows, depth - from, cols, add),
                c -> VECTORS.multiplyPanels(packed, 0, depth, from, panels, 0, c, o, cStride, rows, depth - from, cols, add));
    }

    /** Types that weights are stored in, of which rounded ones have rows of whole blocks. */
    enum Format {
        F32(DType.F32), BF16(DType.BF16), F16(DType.F16), Q8(DType.Q8_0), Q4(DType.Q4_0);

        final DType dtype;

        Format(DType dtype) {
            this.dtype = dtype;
        }

        int rowOf(int n) {
            return dtype.isBlocked() ? (n + 31) / 32 * 32 : n;
        }
    }

    @Property(tries = 600)
    void dotsRows(@ForAll @IntRange(min = 1, max = 40) int rows, @ForAll @IntRange(min = 1, max = 200) int wanted,
                  @ForAll @IntRange(min = 1, max = 9) int count, @ForAll Format format, @ForAll long seed) {
        Random random = new Random(seed);
        DType dtype = format.dtype;
        int in = format.rowOf(wanted);
        int row = random.nextInt(20);
        MemorySegment data = Stored.unaligned(Stored.random(random, (row + rows) * in), dtype, in);
        float[] x = Stored.random(random, count * (in + 1) + 2);
        same(Stored.random(random, count * rows + 2),
                y -> dot(PLAIN, data, dtype, in, row, rows, x, count, y), y -> dot(VECTORS, data, dtype, in, row, rows, x, count, y));
    }

    private static void dot(Kernels k, MemorySegment data, DType dtype, int in, int row, int rows, float[] x, int count, float[] y) {
        k.dotRows(data, dtype, in, row, rows, Stored.prepared(k, dtype, in, rows, x, 2, in + 1, count), y, 1, rows);
    }

    @Property(tries = 200)
    void rounds(@ForAll @IntRange(min = 1, max = 6) int blocks, @ForAll boolean halfBytes, @ForAll boolean odd, @ForAll long seed) {
        Random random = new Random(seed);
        int n = 32 * blocks;
        float[] x = odd ? wild(random, n) : Stored.random(random, n);
        DType format = halfBytes ? DType.Q4_0 : DType.Q8_0;
        byte[] codes = new byte[n];
        byte[] plainCodes = new byte[n];
        same(new float[blocks], s -> PLAIN.roundToBlocks(format, x, n, plainCodes, s), s -> VECTORS.roundToBlocks(format, x, n, codes, s));
        assertThat(plainCodes).isEqualTo(codes);
    }

    @Property(tries = 200)
    void worksOnColumns(@ForAll @IntRange(min = 1, max = 40) int rows, @ForAll @IntRange(min = 1, max = 40) int depth, @ForAll long seed) {
        Random random = new Random(seed);
        int width = VECTORS.panelWidth();
        float[] x = wild(random, rows * width + 2);
        float[] factors = Stored.random(random, width);
        float[] a = Stored.random(random, depth * (rows + 3) + 4);
        same(Stored.random(random, width + 2), m -> PLAIN.maxColumns(x, 2, rows, m, 1), m -> VECTORS.maxColumns(x, 2, rows, m, 1));
        same(x, y -> PLAIN.scaleColumns(y, 2, rows, factors), y -> VECTORS.scaleColumns(y, 2, rows, factors));
        same(x, y -> PLAIN.expMinusColumns(y, 2, rows, factors, new float[width], 0),
                y -> VECTORS.expMinusColumns(y, 2, rows, factors, new float[width], 0));
        same(new float[width], s -> PLAIN.expMinusColumns(x.clone(), 2, rows, factors, s, 0),
                s -> VECTORS.expMinusColumns(x.clone(), 2, rows, factors, s, 0));
        // what lies in the gaps does not matter
        float[] panel = Stored.random(random, depth * width);
        same(new float[rows * width], c -> columnsTimes(PLAIN, a, rows, depth, panel, c),
                c -> columnsTimes(VECTORS, a, rows, depth, panel, c));
    }

    private static void columnsTimes(Kernels k, float[] a, int rows, int depth, float[] panel, float[] c) {
        float[] packed = new float[k.packedRows(rows, depth)];
        k.packColumns(a, 1, rows + 3, rows, depth, packed, 0);
        k.multiplyPanels(packed, 0, depth, 0, panel, 0, c, 0, k.panelWidth(), rows, depth, k.panelWidth(), false);
    }

    @Property(tries = 400)
    void worksOnElements(@ForAll @IntRange(max = 150) int n, @ForAll boolean odd, @ForAll long seed) {
        Random random = new Random(seed);
        float[] x = odd ? wild(random, n + 3) : Stored.random(random, n + 3);
        float[] w = Stored.random(random, n);
        float[] bias = Stored.random(random, n);
        float s = random.nextFloat();
        same(new float[1], y -> y[0] = PLAIN.dot(x, 1, w, 0, n), y -> y[0] = VECTORS.dot(x, 1, w, 0, n));
        same(new float[1], y -> y[0] = PLAIN.max(x, 1, n), y -> y[0] = VECTORS.max(x, 1, n));
        same(x, y -> PLAIN.addScaled(y, 2, w, 0, n, s), y -> VECTORS.addScaled(y, 2, w, 0, n, s));
        same(x, y -> PLAIN.scale(y, 2, n, s), y -> VECTORS.scale(y, 2, n, s));
        same(x, y -> PLAIN.multiply(y, 2, w, 0, n), y -> VECTORS.multiply(y, 2, w, 0, n));
        same(x, y -> PLAIN.rmsNorm(x, 1, w, 1e-5f, y, 0, n), y -> VECTORS.rmsNorm(x, 1, w, 1e-5f, y, 0, n));
        same(x, y -> PLAIN.layerNorm(x, 1, w, bias, 1e-5f, y, 0, n), y -> VECTORS.layerNorm(x, 1, w, bias, 1e-5f, y, 0, n));
        same(x, y -> PLAIN.rotate(y, 1, w, bias, 0, n / 2), y -> VECTORS.rotate(y, 1, w, bias, 0, n / 2));
        for (Activation f : Activation.values()) same(x, y -> PLAIN.activate(f, y, 3, n), y -> VECTORS.activate(f, y, 3, n));
    }

    @Property(tries = 200)
    void exponentiates(@ForAll @IntRange(max = 150) int n, @ForAll boolean odd, @ForAll long seed) {
        Random random = new Random(seed);
        float[] x = odd ? wild(random, n + 3) : Stored.random(random, n + 3);
        for (float max : new float[] {VECTORS.max(x, 1, n), 3f, Float.NEGATIVE_INFINITY}) {
            // the sum goes before what was summed
            same(x, y -> y[0] = PLAIN.expMinus(y, 1, n, max), y -> y[0] = VECTORS.expMinus(y, 1, n, max));
        }
    }

    @Test
    void goesOverToVectorsAfterAWhile() {
        ColdKernels kernels = new ColdKernels(new PanamaKernels());
        float[] a = new float[24 * 384];
        float[] b = new float[384 * 48 + 16];
        float[] c = new float[24 * 48];
        int width = kernels.panelWidth();
        for (int i = 0; i < 60_000 && kernels.isCold(); i++) kernels.multiplyRows(a, 0, 384, b, 0, 48, c, 0, 48, 24, 384, width, false);
        assertThat(kernels.isCold()).isFalse();
    }

    @Test
    void theLauncherKeepsPlainLoopsFromC2() throws IOException {
        assertThat(Files.readString(Path.of("../winnow"))).contains("CompileCommand=MaxNodeLimit,dev.winnow.layers.Cold*::plain*,");
        assertThat(ColdKernels.class.getDeclaredMethods()).extracting(Method::getName).filteredOn(n -> n.startsWith("plain"))
                .contains("plainTile", "plainDeliver", "plainSpread", "plainPairs", "plainDotPairs", "plainGelu", "plainLayerNorm");
        assertThat(ColdBlocks.class.getDeclaredMethods()).extracting(Method::getName).filteredOn(n -> n.startsWith("plain"))
                .contains("plainBytes", "plainHalfBytes", "plainFactors");
    }
}
