package dev.winnow.layers;

import dev.winnow.weights.BlockMatrix;
import dev.winnow.weights.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * {@link PanamaKernels}, and in their place, for the first moments of the program, the same arithmetic in plain loops: until C2 has
 * compiled a method of the Vector API, each of its operations allocates and takes microseconds, which made up most of the time to a
 * small model's first token. The loops here are compiled soon, and each element goes through the very operations, fused or not, in
 * the very order that it does in a lane there: whichever form ran, the bits are the same.
 *
 * <p>After a fixed amount of work, or sooner for a large model, all goes to the Vector API, whose methods then warm up as they would
 * have. So C2's code of most loops here would come too late to be worth its compilation, and {@code ./winnow} has the JVM leave those
 * whose names begin with {@code plain} to C1; only the sums of products are worth it.
 */
final class ColdKernels implements Kernels {
    /** Multiply-adds, a second of them: ten times what a question to the embedded model takes. */
    private static final long BUDGET = 4_000_000_000L;
    /** Inputs of a layer, most likely an MLP's second, of a model that spends that on its first request: it should not begin here. */
    private static final int WIDE = 2048;
    /** What an element costs that is not multiplied and added but, say, exponentiated. */
    private static final int ELEMENT = 16;
    /** What a weight costs, beside the multiply-add, that is met by the first of few vectors. */
    private static final int WEIGHT = 4;

    private static final int L = PanamaKernels.F.length();
    private static final int MOST_SUMS = 4;

    private static final ThreadLocal<float[]> LANES = ThreadLocal.withInitial(() -> new float[MOST_SUMS * L]);
    private static final ThreadLocal<int[]> STAGE = ThreadLocal.withInitial(() -> new int[0]);

    /** What is left of the budget. Threads may lose each other's updates: nothing but speed depends on it. */
    private long left = BUDGET;

    private final PanamaKernels vectors;
    private final ScalarKernels plain = new ScalarKernels();
    private final boolean always;

    ColdKernels(PanamaKernels vectors) {
        this(vectors, false);
    }

    /** @param always never to go over to the Vector API */
    ColdKernels(PanamaKernels vectors, boolean always) {
        this.vectors = vectors;
        this.always = always;
    }

    /** Whether plain loops still compute. */
    boolean isCold() {
        return left > 0 || always;
    }

    /** Whether to compute here; if so, takes the work off the budget. */
    private boolean cold(long work) {
        if (left <= 0) return always;
        left -= work;
        return true;
    }

    @Override
    public int panelWidth() {
        return vectors.panelWidth();
    }

    @Override
    public void packPanel(MemorySegment weight, DType dtype, int in, int row, int cols, int from, int depth,
                          float[] panel, int panelOffset) {
        if (in >= WIDE) left = 0;
        if (dtype == DType.BF16 && depth % 2 == 0 && cold((long) cols * depth)) {
            packPairs(weight, in, row, cols, from, depth, panel, panelOffset);
        } else if (dtype.isBlocked() && cold((long) cols * depth)) {
            PanamaKernels.packBlocks(new BlockMatrix(weight, dtype, in), row, cols, from, depth, panel, panelOffset, true);
        } else {
            vectors.packPanel(weight, dtype, in, row, cols, from, depth, panel, panelOffset);
        }
    }

    private void packPairs(MemorySegment weight, int in, int row, int cols, int from, int depth, float[] panel, int panelOffset) {
        int width = panelWidth();
        int pairs = depth / 2;
        int[] staged = staged(pairs);
        for (int j = 0; j < cols; j++) {
            MemorySegment.copy(weight, BlockMatrix.WORDS, ((long) (row + j) * in + from) << 1, staged, 0, pairs);
            plainPairs(staged, pairs, panel, panelOffset + j, width);
        }
        clearColumns(panel, panelOffset, cols, width, depth);
    }

    private static void plainPairs(int[] pairs, int n, float[] panel, int offset, int width) {
        for (int p = 0, to = offset; p < n; p++, to += 2 * width) {
            panel[to] = even(pairs[p]);
            panel[to + width] = odd(pairs[p]);
        }
    }

    private static void clearColumns(float[] panel, int offset, int from, int width, int depth) {
        if (from == width) return;
        for (int p = 0; p < depth; p++) Arrays.fill(panel, offset + p * width + from, offset + (p + 1) * width, 0f);
    }

    @Override
    public void transposePanel(float[] source, int offset, int stride, int cols, int depth, float[] panel, int panelOffset) {
        if (!cold((long) cols * depth)) {
            vectors.transposePanel(source, offset, stride, cols, depth, panel, panelOffset);
            return;
        }
        int width = panelWidth();
        for (int j = 0; j < cols; j++) plainSpread(source, offset + j * stride, 1, depth, panel, panelOffset + j, width);
        clearColumns(panel, panelOffset, cols, width, depth);
    }

    @Override
    public int packedRows(int rows, int depth) {
        return vectors.packedRows(rows, depth);
    }

    @Override
    public void packRows(float[] a, int aOffset, int aStride, int rows, int depth, float[] packed, int packedOffset) {
        if (!cold((long) rows * depth)) {
            vectors.packRows(a, aOffset, aStride, rows, depth, packed, packedOffset);
            return;
        }
        for (int i = 0; i < rows; i++) {
            int to = packedOffset + PanamaKernels.packedRow(i, depth);
            plainSpread(a, aOffset + i * aStride, 1, depth, packed, to, PanamaKernels.PACKED_STEP);
        }
    }

    @Override
    public void packColumns(float[] a, int aOffset, int aStride, int rows, int depth, float[] packed, int packedOffset) {
        if (!cold((long) rows * depth)) {
            vectors.packColumns(a, aOffset, aStride, rows, depth, packed, packedOffset);
            return;
        }
        for (int i = 0; i < rows; i++) {
            int to = packedOffset + PanamaKernels.packedRow(i, depth);
            plainSpread(a, aOffset + i, aStride, depth, packed, to, PanamaKernels.PACKED_STEP);
        }
    }

    private static void plainSpread(float[] a, int from, int stride, int n, float[] b, int to, int step) {
        for (int p = 0; p < n; p++) b[to + p * step] = a[from + p * stride];
    }

    @Override
    public void multiplyPanels(float[] packed, int packedOffset, int packedDepth, int from, float[] panels, int panelsOffset,
                               float[] c, int cOffset, int cStride, int rows, int depth, int cols, boolean add) {
        if (!cold((long) rows * depth * cols)) {
            vectors.multiplyPanels(packed, packedOffset, packedDepth, from, panels, panelsOffset, c, cOffset, cStride, rows, depth, cols,
                    add);
            return;
        }
        int width = panelWidth();
        int step = PanamaKernels.PACKED_STEP;
        for (int i = 0; i < rows; i += 2) {
            int a0 = packedOffset + PanamaKernels.packedRow(i, packedDepth) + from * step;
            int a1 = i + 1 < rows ? packedOffset + PanamaKernels.packedRow(i + 1, packedDepth) + from * step : a0;
            int c0 = cOffset + i * cStride;
            int c1 = i + 1 < rows ? c0 + cStride : c0;
            for (int j = 0; j < cols; j += 4) {
                int panel = panelsOffset + j / width * width * depth + j % width;
                plainTile(packed, a0, a1, step, panels, panel, width, depth, c, c0 + j, c1 + j, Math.min(4, cols - j), add);
            }
        }
    }

    @Override
    public void multiplyRows(float[] a, int aOffset, int aStride, float[] b, int bOffset, int bStride,
                             float[] c, int cOffset, int cStride, int rows, int depth, int cols, boolean add) {
        if (!cold((long) rows * depth * cols)) {
            vectors.multiplyRows(a, aOffset, aStride, b, bOffset, bStride, c, cOffset, cStride, rows, depth, cols, add);
            return;
        }
        for (int i = 0; i < rows; i += 2) {
            int a0 = aOffset + i * aStride;
            int a1 = i + 1 < rows ? a0 + aStride : a0;
            int c0 = cOffset + i * cStride;
            int c1 = i + 1 < rows ? c0 + cStride : c0;
            for (int j = 0; j < cols; j += 4) {
                plainTile(a, a0, a1, 1, b, bOffset + j, bStride, depth, c, c0 + j, c1 + j, Math.min(4, cols - j), add);
            }
        }
    }

    /** Two rows of C and four columns. A second row that is the first again is written once. */
    private static void plainTile(float[] a, int a0, int a1, int aStep, float[] b, int bOffset, int bStride, int depth,
                                float[] c, int c0, int c1, int cols, boolean add) {
        float[] sums = LANES.get();
        sums2x4(a, a0, a1, aStep, b, bOffset, bStride, depth, sums);
        plainDeliver(sums, 0, c, c0, cols, add);
        if (c1 != c0) plainDeliver(sums, 4, c, c1, cols, add);
    }

    /**
     * Eight sums at once, as many as two units of latency four keep busy. Nothing but the loop: with branches that go another way later,
     * it was compiled four times.
     */
    private static void sums2x4(float[] a, int a0, int a1, int aStep, float[] b, int bOffset, int bStride, int depth, float[] sums) {
        float s00 = 0;
        float s01 = 0;
        float s02 = 0;
        float s03 = 0;
        float s10 = 0;
        float s11 = 0;
        float s12 = 0;
        float s13 = 0;
        for (int p = 0, at = bOffset; p < depth; p++, at += bStride) {
            float x0 = a[a0 + p * aStep];
            float x1 = a[a1 + p * aStep];
            float y = b[at];
            s00 = Math.fma(x0, y, s00);
            s10 = Math.fma(x1, y, s10);
            y = b[at + 1];
            s01 = Math.fma(x0, y, s01);
            s11 = Math.fma(x1, y, s11);
            y = b[at + 2];
            s02 = Math.fma(x0, y, s02);
            s12 = Math.fma(x1, y, s12);
            y = b[at + 3];
            s03 = Math.fma(x0, y, s03);
            s13 = Math.fma(x1, y, s13);
        }
        sums[0] = s00;
        sums[1] = s01;
        sums[2] = s02;
        sums[3] = s03;
        sums[4] = s10;
        sums[5] = s11;
        sums[6] = s12;
        sums[7] = s13;
    }

    private static void plainDeliver(float[] sums, int from, float[] c, int at, int cols, boolean add) {
        for (int j = 0; j < cols; j++) c[at + j] = add ? c[at + j] + sums[from + j] : sums[from + j];
    }

    @Override
    public void prepare(DType dtype, int in, int out, FewVectors few) {
        if (in >= WIDE) left = 0;
        few.plain = dtype != DType.F16 && cold((long) (WEIGHT + few.count - 1) * out * in);
        if (!few.plain) vectors.prepare(dtype, in, out, few);
        else if (dtype.isBlocked()) PanamaKernels.BLOCKS.get().prepare(this, dtype, in, few);
    }

    @Override
    public void dotRows(MemorySegment weight, DType dtype, int in, int row, int rows, FewVectors few, float[] y, int yOffset, int yStride) {
        if (!few.plain) vectors.dotRows(weight, dtype, in, row, rows, few, y, yOffset, yStride);
        else if (dtype.isBlocked()) PanamaKernels.BLOCKS.get().dot(this, weight, dtype, in, row, rows, few, y, yOffset, yStride);
        else if (StreamedRows.takes(dtype, in, few.count)) dotPairs(weight, in, row, rows, few, y, yOffset, yStride);
        else dotWidened(weight, dtype, in, row, rows, few, y, yOffset, yStride);
    }

    private static void dotPairs(MemorySegment weight, int in, int row, int rows, FewVectors few, float[] y, int yOffset, int yStride) {
        int half = in / 2;
        int[] words = staged(half);
        for (int j = 0; j < rows; j++) {
            MemorySegment.copy(weight, BlockMatrix.WORDS, 2L * in * (row + j), words, 0, half);
            for (int i = 0; i < few.count; i++) y[yOffset + i * yStride + j] = plainDotPairs(words, half, few.x, few.at(i));
        }
    }

    private void dotWidened(MemorySegment weight, DType dtype, int in, int row, int rows, FewVectors few,
                            float[] y, int yOffset, int yStride) {
        boolean alone = dtype == DType.F32 && few.count == 1;
        float[] floats = PanamaKernels.staged(in);
        for (int j = 0; j < rows; j++) {
            plain.widen(weight, dtype, (long) in * (row + j), floats, 0, in);
            for (int i = 0; i < few.count; i++) {
                int x = few.at(i);
                y[yOffset + i * yStride + j] = alone ? plainDot(floats, 0, few.x, x, in) : plainDotInOne(floats, few.x, x, in);
            }
        }
    }

    /** With a single vector of sums. */
    private static float plainDotInOne(float[] w, float[] x, int xOffset, int n) {
        float[] s = LANES.get();
        Arrays.fill(s, 0, L, 0f);
        int end = n - n % L;
        for (int p = 0; p < end; p += L) {
            for (int l = 0; l < L; l++) s[l] = Math.fma(w[p + l], x[xOffset + p + l], s[l]);
        }
        float rest = 0;
        for (int p = end; p < n; p++) rest += w[p] * x[xOffset + p];
        return PanamaKernels.sumOf(s) + rest;
    }

    private static float plainDotPairs(int[] pairs, int half, float[] x, int xOffset) {
        float[] s = LANES.get();
        Arrays.fill(s, 0f);
        int p = 0;
        for (; p <= half - 2 * L; p += 2 * L) {
            for (int l = 0, at = xOffset + 2 * p; l < 2 * L; l++, at += 2) {
                s[l] = Math.fma(even(pairs[p + l]), x[at], s[l]);
                s[2 * L + l] = Math.fma(odd(pairs[p + l]), x[at + 1], s[2 * L + l]);
            }
        }
        for (int l = 0; l < L; l++) s[l] = s[l] + s[2 * L + l] + (s[L + l] + s[3 * L + l]);
        float sum = PanamaKernels.sumOf(s);
        for (; p < half; p++) sum += even(pairs[p]) * x[xOffset + 2 * p] + odd(pairs[p]) * x[xOffset + 2 * p + 1];
        return sum;
    }

    /** The first of two bf16 in a word, the low half. */
    private static float even(int pair) {
        return Float.intBitsToFloat(pair << 16);
    }

    private static float odd(int pair) {
        return Float.intBitsToFloat(pair & 0xffff0000);
    }

    private static int[] staged(int length) {
        int[] stage = STAGE.get();
        if (stage.length < length) STAGE.set(stage = new int[length]);
        return stage;
    }

    @Override
    public float touch(float[] x, int offset, int n) {
        return isCold() ? plain.touch(x, offset, n) : vectors.touch(x, offset, n);
    }

    @Override
    public float dot(float[] a, int aOffset, float[] b, int bOffset, int n) {
        return cold(n) ? plainDot(a, aOffset, b, bOffset, n) : vectors.dot(a, aOffset, b, bOffset, n);
    }

    private static float plainDot(float[] a, int aOffset, float[] b, int bOffset, int n) {
        float[] s = LANES.get();
        Arrays.fill(s, 0f);
        int i = 0;
        for (; i <= n - 4 * L; i += 4 * L) {
            for (int l = 0; l < 4 * L; l++) s[l] = Math.fma(a[aOffset + i + l], b[bOffset + i + l], s[l]);
        }
        for (; i <= n - L; i += L) {
            for (int l = 0; l < L; l++) s[l] = Math.fma(a[aOffset + i + l], b[bOffset + i + l], s[l]);
        }
        for (int l = 0; l < L; l++) s[l] = s[l] + s[L + l] + (s[2 * L + l] + s[3 * L + l]);
        float sum = PanamaKernels.sumOf(s);
        for (; i < n; i++) sum += a[aOffset + i] * b[bOffset + i];
        return sum;
    }

    @Override
    public void addScaled(float[] y, int yOffset, float[] x, int xOffset, int n, float s) {
        if (!cold(n)) {
            vectors.addScaled(y, yOffset, x, xOffset, n, s);
            return;
        }
        plainAddScaled(y, yOffset, x, xOffset, n, s);
    }

    private static void plainAddScaled(float[] y, int yOffset, float[] x, int xOffset, int n, float s) {
        int end = n - n % L;
        for (int i = 0; i < end; i++) y[yOffset + i] = Math.fma(x[xOffset + i], s, y[yOffset + i]);
        for (int i = end; i < n; i++) y[yOffset + i] += s * x[xOffset + i];
    }

    @Override
    public void scale(float[] x, int offset, int n, float s) {
        if (cold(n)) plain.scale(x, offset, n, s);
        else vectors.scale(x, offset, n, s);
    }

    @Override
    public void multiply(float[] y, int yOffset, float[] x, int xOffset, int n) {
        if (cold(n)) plain.multiply(y, yOffset, x, xOffset, n);
        else vectors.multiply(y, yOffset, x, xOffset, n);
    }

    @Override
    public float max(float[] x, int offset, int n) {
        return cold(n) ? plain.max(x, offset, n) : vectors.max(x, offset, n);
    }

    /** As {@link PanamaKernels} has it. */
    private static float plainExp(float v) {
        float t = Math.fma(v, Approximations.LOG2E, Approximations.ROUNDER);
        float n = t - Approximations.ROUNDER;
        float r = Math.fma(n, -Approximations.LN2_HIGH, v);
        r = Math.fma(n, -Approximations.LN2_LOW, r);
        float p = Math.fma(Approximations.E6, r, Approximations.E5);
        p = Math.fma(p, r, Approximations.E4);
        p = Math.fma(p, r, Approximations.E3);
        p = Math.fma(p, r, Approximations.E2);
        p = Math.fma(p, r, 1f);
        p = Math.fma(p, r, 1f);
        float power = Float.intBitsToFloat(Float.floatToRawIntBits(t) + 127 << 23);
        return v < Approximations.EXP_LOWEST ? 0f : p * power;
    }

    @Override
    public float expMinus(float[] x, int offset, int n, float max) {
        if (!cold((long) ELEMENT * n) || max == Float.NEGATIVE_INFINITY) return vectors.expMinus(x, offset, n, max);
        return plainPowers(x, offset, n, max);
    }

    private static float plainPowers(float[] x, int offset, int n, float max) {
        int end = n - n % L;
        for (int i = offset; i < offset + end; i++) x[i] = plainExp(x[i] - max);
        float[] sums = LANES.get();
        Arrays.fill(sums, 0, L, 0f);
        for (int i = 0; i < end; i++) sums[i & L - 1] += x[offset + i];
        float sum = PanamaKernels.sumOf(sums);
        for (int i = end; i < n; i++) {
            float e = (float) Math.exp(x[offset + i] - max);
            x[offset + i] = e;
            sum += e;
        }
        return sum;
    }

    @Override
    public void maxColumns(float[] x, int offset, int rows, float[] max, int maxOffset) {
        if (cold((long) rows * panelWidth())) plainMaxima(x, offset, rows, panelWidth(), max, maxOffset);
        else vectors.maxColumns(x, offset, rows, max, maxOffset);
    }

    private static void plainMaxima(float[] x, int offset, int rows, int width, float[] max, int maxOffset) {
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < width; j++) {
                float v = x[offset + i * width + j];
                if (v > max[maxOffset + j]) max[maxOffset + j] = v;
            }
        }
    }

    @Override
    public void expMinusColumns(float[] x, int offset, int rows, float[] shift, float[] sums, int sumsOffset) {
        if (cold((long) ELEMENT * rows * panelWidth())) plainColumnPowers(x, offset, rows, panelWidth(), shift, sums, sumsOffset);
        else vectors.expMinusColumns(x, offset, rows, shift, sums, sumsOffset);
    }

    private static void plainColumnPowers(float[] x, int offset, int rows, int width, float[] shift, float[] sums, int sumsOffset) {
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < width; j++) {
                float e = plainExp(x[offset + i * width + j] - shift[j]);
                x[offset + i * width + j] = e;
                sums[sumsOffset + j] += e;
            }
        }
    }

    @Override
    public void scaleColumns(float[] x, int offset, int rows, float[] factors) {
        if (cold((long) rows * panelWidth())) plainScale(x, offset, rows, panelWidth(), factors);
        else vectors.scaleColumns(x, offset, rows, factors);
    }

    private static void plainScale(float[] x, int offset, int rows, int width, float[] factors) {
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < width; j++) x[offset + i * width + j] *= factors[j];
        }
    }

    @Override
    public void activate(Activation f, float[] x, int offset, int n) {
        boolean here = f == Activation.SILU || f == Activation.QUICK_GELU || f == Activation.GELU;
        if (!here || !cold((long) ELEMENT * n)) {
            vectors.activate(f, x, offset, n);
            return;
        }
        int end = offset + n - n % L;
        switch (f) {
            case SILU -> plainSigmoid(x, offset, end, 1f);
            case QUICK_GELU -> plainSigmoid(x, offset, end, Approximations.QUICK_GELU_SCALE);
            default -> plainGelu(x, offset, end);
        }
        for (int i = end; i < offset + n; i++) x[i] = ScalarKernels.activated(f, x[i]);
    }

    private static void plainSigmoid(float[] x, int from, int to, float s) {
        for (int i = from; i < to; i++) {
            float minusT = x[i] * -s;
            if (minusT > Approximations.EXP_HIGHEST) minusT = Approximations.EXP_HIGHEST;
            x[i] = x[i] / (plainExp(minusT) + 1f);
        }
    }

    private static void plainGelu(float[] x, int from, int to) {
        for (int i = from; i < to; i++) {
            float a = Math.min(Math.abs(x[i]), 20f);
            float z = a * Approximations.SQRT_HALF;
            float t = 1f / Math.fma(z, Approximations.ERFC_P, 1f);
            float p = Math.fma(Approximations.C8, t, Approximations.C7);
            p = Math.fma(p, t, Approximations.C6);
            p = Math.fma(p, t, Approximations.C5);
            p = Math.fma(p, t, Approximations.C4);
            p = Math.fma(p, t, Approximations.C3);
            p = Math.fma(p, t, Approximations.C2);
            p = Math.fma(p, t, Approximations.C1);
            p = Math.fma(p, t, Approximations.C0);
            float tail = plainExp(-(z * z)) * t * p * a * 0.5f;
            x[i] = Math.max(x[i], 0f) - tail;
        }
    }

    @Override
    public void rmsNorm(float[] x, int xOffset, float[] weight, float eps, float[] y, int yOffset, int n) {
        if (!cold(2L * n)) {
            vectors.rmsNorm(x, xOffset, weight, eps, y, yOffset, n);
            return;
        }
        plainRmsNorm(x, xOffset, weight, eps, y, yOffset, n);
    }

    private static void plainRmsNorm(float[] x, int xOffset, float[] weight, float eps, float[] y, int yOffset, int n) {
        float s = (float) (1 / Math.sqrt(plainDot(x, xOffset, x, xOffset, n) / n + eps));
        for (int i = 0; i < n; i++) y[yOffset + i] = x[xOffset + i] * s * weight[i];
    }

    @Override
    public void layerNorm(float[] x, int xOffset, float[] weight, float[] bias, float eps, float[] y, int yOffset, int n) {
        if (!cold(3L * n)) {
            vectors.layerNorm(x, xOffset, weight, bias, eps, y, yOffset, n);
            return;
        }
        plainLayerNorm(x, xOffset, weight, bias, eps, y, yOffset, n);
    }

    private static void plainLayerNorm(float[] x, int xOffset, float[] weight, float[] bias, float eps, float[] y, int yOffset, int n) {
        int end = n - n % L;
        float mean = plainSum(x, xOffset, n) / n;
        float s = (float) (1 / Math.sqrt(plainSquares(x, xOffset, n, mean) / n + eps));
        for (int i = 0; i < end; i++) y[yOffset + i] = Math.fma((x[xOffset + i] - mean) * s, weight[i], bias[i]);
        for (int i = end; i < n; i++) y[yOffset + i] = (x[xOffset + i] - mean) * s * weight[i] + bias[i];
    }

    private static float plainSum(float[] x, int offset, int n) {
        float[] s = LANES.get();
        Arrays.fill(s, 0, 2 * L, 0f);
        int i = 0;
        for (; i <= n - 2 * L; i += 2 * L) {
            for (int l = 0; l < 2 * L; l++) s[l] += x[offset + i + l];
        }
        for (; i <= n - L; i += L) {
            for (int l = 0; l < L; l++) s[l] += x[offset + i + l];
        }
        for (int l = 0; l < L; l++) s[l] += s[L + l];
        float sum = PanamaKernels.sumOf(s);
        for (; i < n; i++) sum += x[offset + i];
        return sum;
    }

    private static float plainSquares(float[] x, int offset, int n, float mean) {
        float[] s = LANES.get();
        Arrays.fill(s, 0, 2 * L, 0f);
        int i = 0;
        for (; i <= n - 2 * L; i += 2 * L) {
            for (int l = 0; l < 2 * L; l++) {
                float d = x[offset + i + l] - mean;
                s[l] = Math.fma(d, d, s[l]);
            }
        }
        for (; i <= n - L; i += L) {
            for (int l = 0; l < L; l++) {
                float d = x[offset + i + l] - mean;
                s[l] = Math.fma(d, d, s[l]);
            }
        }
        for (int l = 0; l < L; l++) s[l] += s[L + l];
        float squares = PanamaKernels.sumOf(s);
        for (; i < n; i++) squares += (x[offset + i] - mean) * (x[offset + i] - mean);
        return squares;
    }

    @Override
    public void rotate(float[] x, int offset, float[] cos, float[] sin, int tableOffset, int half) {
        if (cold(4L * half)) plain.rotate(x, offset, cos, sin, tableOffset, half);
        else vectors.rotate(x, offset, cos, sin, tableOffset, half);
    }

    @Override
    public void roundToBlocks(DType format, float[] x, int n, byte[] codes, float[] scales) {
        if (cold((long) ELEMENT * n)) plain.roundToBlocks(format, x, n, codes, scales);
        else vectors.roundToBlocks(format, x, n, codes, scales);
    }

    @Override
    public void widen(MemorySegment source, DType dtype, long from, float[] target, int offset, int n) {
        vectors.widen(source, dtype, from, target, offset, n);
    }
}
