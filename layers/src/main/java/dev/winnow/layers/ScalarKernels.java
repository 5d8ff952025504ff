package dev.winnow.layers;

import dev.winnow.weights.BlockMatrix;
import dev.winnow.weights.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/** Plain loops: runs where the vector module or the vectors are absent, and is what tests compare {@link PanamaKernels} with. */
final class ScalarKernels implements Kernels {
    static final ValueLayout.OfFloat FLOATS = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORTS = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    @Override
    public int panelWidth() {
        return 24;
    }

    /** An element that is stored by itself, as f32. */
    static float read(MemorySegment source, DType dtype, long index) {
        return switch (dtype) {
            case F32 -> source.get(FLOATS, index << 2);
            case F16 -> Float.float16ToFloat(source.get(SHORTS, index << 1));
            case BF16 -> Float.intBitsToFloat(source.get(SHORTS, index << 1) << 16);
            default -> throw unsupported(dtype);
        };
    }

    /** An element of a weight [out, in] as f32. */
    static float read(MemorySegment weight, DType dtype, int in, long row, int p) {
        return dtype.isBlocked() ? new BlockMatrix(weight, dtype, in).element(row, p) : read(weight, dtype, row * in + p);
    }

    static IllegalArgumentException unsupported(DType dtype) {
        return new IllegalArgumentException("weights stored as " + dtype + " cannot be computed with; F32, F16, BF16, Q8_0 and Q4_0 can");
    }

    @Override
    public void packPanel(MemorySegment weight, DType dtype, int in, int row, int cols, int from, int depth,
                          float[] panel, int panelOffset) {
        int width = panelWidth();
        for (int j = 0; j < width; j++) {
            for (int p = 0; p < depth; p++) panel[panelOffset + p * width + j] = j < cols ? read(weight, dtype, in, row + j, from + p) : 0f;
        }
    }

    @Override
    public void transposePanel(float[] source, int offset, int stride, int cols, int depth, float[] panel, int panelOffset) {
        int width = panelWidth();
        for (int p = 0; p < depth; p++) {
            for (int j = 0; j < width; j++) {
                panel[panelOffset + p * width + j] = j < cols ? source[offset + j * stride + p] : 0f;
            }
        }
    }

    @Override
    public int packedRows(int rows, int depth) {
        return rows * depth;
    }

    @Override
    public void packRows(float[] a, int aOffset, int aStride, int rows, int depth, float[] packed, int packedOffset) {
        for (int i = 0; i < rows; i++) System.arraycopy(a, aOffset + i * aStride, packed, packedOffset + i * depth, depth);
    }

    @Override
    public void packColumns(float[] a, int aOffset, int aStride, int rows, int depth, float[] packed, int packedOffset) {
        for (int i = 0; i < rows; i++) {
            for (int p = 0; p < depth; p++) packed[packedOffset + i * depth + p] = a[aOffset + p * aStride + i];
        }
    }

    @Override
    public void multiplyPanels(float[] packed, int packedOffset, int packedDepth, int from, float[] panels, int panelsOffset,
                               float[] c, int cOffset, int cStride, int rows, int depth, int cols, boolean add) {
        int width = panelWidth();
        for (int j = 0; j < cols; j += width) {
            multiplyRows(packed, packedOffset + from, packedDepth, panels, panelsOffset + j * depth, width, c, cOffset + j, cStride,
                    rows, depth, Math.min(width, cols - j), add);
        }
    }

    @Override
    public void multiplyRows(float[] a, int aOffset, int aStride, float[] b, int bOffset, int bStride,
                             float[] c, int cOffset, int cStride, int rows, int depth, int cols, boolean add) {
        for (int i = 0; i < rows; i++) {
            int ci = cOffset + i * cStride;
            if (!add) Arrays.fill(c, ci, ci + cols, 0f);
            for (int p = 0; p < depth; p++) addScaled(c, ci, b, bOffset + p * bStride, cols, a[aOffset + i * aStride + p]);
        }
    }

    /** Nothing: they are read as they are. */
    @Override
    public void prepare(DType dtype, int in, int out, FewVectors vectors) {}

    @Override
    public void dotRows(MemorySegment weight, DType dtype, int in, int row, int rows, FewVectors vectors,
                        float[] y, int yOffset, int yStride) {
        for (int j = 0; j < rows; j++) {
            for (int i = 0; i < vectors.count; i++) {
                float sum = 0;
                for (int p = 0; p < in; p++) sum += read(weight, dtype, in, row + j, p) * vectors.x[vectors.at(i) + p];
                y[yOffset + i * yStride + j] = sum;
            }
        }
    }

    /** Nothing: plain loops are slower than memory. */
    @Override
    public float touch(float[] x, int offset, int n) {
        return 0;
    }

    @Override
    public float dot(float[] a, int aOffset, float[] b, int bOffset, int n) {
        float sum = 0;
        for (int i = 0; i < n; i++) sum += a[aOffset + i] * b[bOffset + i];
        return sum;
    }

    @Override
    public void addScaled(float[] y, int yOffset, float[] x, int xOffset, int n, float s) {
        for (int i = 0; i < n; i++) y[yOffset + i] += s * x[xOffset + i];
    }

    @Override
    public void scale(float[] x, int offset, int n, float s) {
        for (int i = 0; i < n; i++) x[offset + i] *= s;
    }

    @Override
    public void multiply(float[] y, int yOffset, float[] x, int xOffset, int n) {
        for (int i = 0; i < n; i++) y[yOffset + i] *= x[xOffset + i];
    }

    @Override
    public float max(float[] x, int offset, int n) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < n; i++) max = Math.max(max, x[offset + i]);
        return max;
    }

    @Override
    public float expMinus(float[] x, int offset, int n, float max) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            float e = max == Float.NEGATIVE_INFINITY ? 0f : (float) Math.exp((double) x[offset + i] - max);
            x[offset + i] = e;
            sum += e;
        }
        return (float) sum;
    }

    @Override
    public void maxColumns(float[] x, int offset, int rows, float[] max, int maxOffset) {
        int width = panelWidth();
        for (int i = 0; i < rows * width; i++) {
            int j = maxOffset + i % width;
            if (x[offset + i] > max[j]) max[j] = x[offset + i];
        }
    }

    @Override
    public void expMinusColumns(float[] x, int offset, int rows, float[] shift, float[] sums, int sumsOffset) {
        int width = panelWidth();
        for (int i = 0; i < rows * width; i++) {
            float e = (float) Math.exp((double) x[offset + i] - shift[i % width]);
            x[offset + i] = e;
            sums[sumsOffset + i % width] += e;
        }
    }

    @Override
    public void scaleColumns(float[] x, int offset, int rows, float[] factors) {
        int width = panelWidth();
        for (int i = 0; i < rows * width; i++) x[offset + i] *= factors[i % width];
    }

    @Override
    public void activate(Activation f, float[] x, int offset, int n) {
        if (f == Activation.NONE) return;
        for (int i = offset; i < offset + n; i++) x[i] = activated(f, x[i]);
    }

    /** f(x); also the tail of the vector form. */
    static float activated(Activation f, float x) {
        return switch (f) {
            case NONE -> x;
            case SILU -> timesSigmoid(x, x);
            case GELU -> {
                double tail = 0.5 * x * Approximations.erfc(Math.abs((double) x) * Math.sqrt(0.5));
                yield x == Float.POSITIVE_INFINITY ? x : x == Float.NEGATIVE_INFINITY ? -0f : (float) (x < 0 ? tail : x - tail);
            }
            case GELU_TANH -> timesSigmoid(x, 2 * Approximations.GELU_TANH_SCALE * (x + Approximations.GELU_TANH_CUBIC * x * x * x));
            case QUICK_GELU -> timesSigmoid(x, Approximations.QUICK_GELU_SCALE * x);
            case RELU -> x < 0 ? 0 : x;
            case TANH -> (float) Math.tanh(x);
            case RELU_SQUARED -> x < 0 ? 0 : x * x;
        };
    }

    private static float timesSigmoid(float x, float t) {
        return x == Float.NEGATIVE_INFINITY ? -0f : (float) (x / (1 + Math.exp(-(double) t)));
    }

    @Override
    public void rmsNorm(float[] x, int xOffset, float[] weight, float eps, float[] y, int yOffset, int n) {
        double squares = 0;
        for (int i = 0; i < n; i++) squares += (double) x[xOffset + i] * x[xOffset + i];
        float s = (float) (1 / Math.sqrt(squares / n + eps));
        for (int i = 0; i < n; i++) y[yOffset + i] = x[xOffset + i] * s * weight[i];
    }

    @Override
    public void layerNorm(float[] x, int xOffset, float[] weight, float[] bias, float eps, float[] y, int yOffset, int n) {
        double sum = 0;
        for (int i = 0; i < n; i++) sum += x[xOffset + i];
        float mean = (float) (sum / n);
        double squares = 0;
        for (int i = 0; i < n; i++) squares += (double) (x[xOffset + i] - mean) * (x[xOffset + i] - mean);
        float s = (float) (1 / Math.sqrt(squares / n + eps));
        for (int i = 0; i < n; i++) y[yOffset + i] = (x[xOffset + i] - mean) * s * weight[i] + bias[i];
    }

    @Override
    public void rotate(float[] x, int offset, float[] cos, float[] sin, int tableOffset, int half) {
        for (int i = 0; i < half; i++) {
            float u = x[offset + i];
            float v = x[offset + half + i];
            float c = cos[tableOffset + i];
            float s = sin[tableOffset + i];
            x[offset + i] = u * c - v * s;
            x[offset + half + i] = v * c + u * s;
        }
    }

    @Override
    public void roundToBlocks(DType format, float[] x, int n, byte[] codes, float[] scales) {
        for (int b = 0; b < n / 32; b++) {
            int from = 32 * b;
            int furthest = from;
            // a NaN makes the scale one, and so the block: none is passed over
            for (int i = from; i < from + 32; i++) if (Math.abs(x[i]) > Math.abs(x[furthest]) || Float.isNaN(x[i])) furthest = i;
            float scale = format == DType.Q8_0 ? Math.abs(x[furthest]) / 127 : x[furthest] / -8;
            scales[b] = scale;
            float inverse = scale == 0 ? 0 : 1 / scale;
            for (int i = 0; i < 32; i++) {
                float code = x[from + i] * inverse;
                // to the nearest, halves away from zero
                if (format == DType.Q8_0) codes[from + i] = (byte) (int) (code + Math.copySign(0.5f, code));
                else if (i < 16) codes[from / 2 + i] = (byte) halfByte(code);
                else codes[from / 2 + i - 16] |= (byte) (halfByte(code) << 4);
            }
        }
    }

    /** 8 too high, because half bytes have no sign. */
    private static int halfByte(float code) {
        return Math.min(15, (int) (code + 8.5f));
    }

    @Override
    public void widen(MemorySegment source, DType dtype, long from, float[] target, int offset, int n) {
        for (int i = 0; i < n; i++) target[offset + i] = read(source, dtype, from + i);
    }
}
