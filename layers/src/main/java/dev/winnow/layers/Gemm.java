package dev.winnow.layers;

import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.function.IntConsumer;

/**
 * Matrix products with stored weights, split over output columns.
 *
 * <p>Few rows (decode) read each weight once from memory and keep every x in cache: {@link Kernels#dotRows}. Many rows first pack
 * a panel of weights, {@link Kernels#panelWidth} columns by {@link #DEPTH}, widened and transposed, into a buffer that stays in the
 * core's cache while all rows stream past it; a packed copy of the whole weight is never held.
 */
public final class Gemm {
    /** Up to this many rows, packing a panel costs more than it saves. */
    private static final int FEW_ROWS = 12;
    /** Depth of a panel, best measured of 192 to 512: 384 x 48 floats are 72 KiB, streamed from L2 at a quarter of its rate. */
    private static final int DEPTH = 384;
    /** Multiply-adds below which waking another thread (5 to 25 us) costs more than it saves, if memory or arithmetic sets the pace. */
    private static final long FEW_INLINE = 200_000;
    private static final long MANY_INLINE = 1_000_000;
    /** Bytes of packed panels at a time: a part of the second-level cache. */
    private static final int PACKED_BYTES = 200_000;
    private static final int TASKS_PER_THREAD = 3;
    /** A multiple of the rows of all register tiles, 6 and 8: with a panel's depth, the size of a first-level cache. */
    private static final int ROWS_AT_A_TIME = 24;
    /** Weight bytes of a task of the few-rows path. */
    private static final int STREAM_BYTES = 1 << 20;

    private static final ThreadLocal<float[]> SCRATCH = ThreadLocal.withInitial(() -> new float[0]);

    private Gemm() {}

    /**
     * {@code y[rows, out] = f(x[rows, in] * W^T + b)}, or {@code y += ...} when add is set (residual stream; f must be NONE then).
     * Few rows take the path that streams the weights once; many take packed panels.
     */
    public static void multiply(Kernels kernels, Workers workers, Linear linear, float[] x, int xOffset, int xStride, int rows,
                                float[] y, int yOffset, int yStride, Activation f, boolean add) {
        if (add && f != Activation.NONE) throw new IllegalArgumentException("a product added to y cannot have activation " + f);
        if (rows <= 0) return;
        if (rows <= FEW_ROWS) FewRows.multiply(kernels, workers, linear, x, xOffset, xStride, rows, y, yOffset, yStride, f, add);
        else many(kernels, workers, linear, x, xOffset, xStride, rows, y, yOffset, yStride, f, add);
    }

    /**
     * A product of few rows: the arguments of one call, shared by its tasks. One object a thread, since decoding makes a hundred such
     * products a token.
     */
    private static final class FewRows implements IntConsumer {
        private static final ThreadLocal<FewRows> OWN = ThreadLocal.withInitial(FewRows::new);

        private Kernels kernels;
        private Linear linear;
        private float[] x;
        private int xOffset;
        private int xStride;
        private int rows;
        private float[] y;
        private int yOffset;
        private int yStride;
        private Activation f;
        private boolean add;
        private int block;

        static void multiply(Kernels kernels, Workers workers, Linear linear, float[] x, int xOffset, int xStride, int rows,
                             float[] y, int yOffset, int yStride, Activation f, boolean add) {
            FewRows product = OWN.get();
            int in = linear.in();
            int out = linear.out();
            product.kernels = kernels;
            product.linear = linear;
            product.x = x;
            product.xOffset = xOffset;
            product.xStride = xStride;
            product.rows = rows;
            product.y = y;
            product.yOffset = yOffset;
            product.yStride = yStride;
            product.f = f;
            product.add = add;
            product.block = (long) rows * in * out < FEW_INLINE || workers.threads() == 1 ? out
                    : block((int) linear.weight().dtype().bytes(in), out, workers.threads());
            workers.each((out + product.block - 1) / product.block, product);
            product.linear = null;
            product.x = null;
            product.y = null;
        }

        @Override
        public void accept(int task) {
            Tensor weight = linear.weight();
            int from = task * block;
            int n = Math.min(block, linear.out() - from);
            if (add) {
                float[] part = scratch(rows * n);
                kernels.dotRows(weight.data(), weight.dtype(), linear.in(), from, n, x, xOffset, xStride, rows, part, 0, n);
                for (int i = 0; i < rows; i++) kernels.addScaled(y, yOffset + i * yStride + from, part, i * n, n, 1f);
            } else {
                kernels.dotRows(weight.data(), weight.dtype(), linear.in(), from, n, x, xOffset, xStride, rows, y, yOffset + from, yStride);
            }
            finish(kernels, linear.bias(), f, from, n, rows, y, yOffset, yStride);
        }
    }

    /** Weight rows of a task: enough to stream for a while, few enough to share out evenly. */
    private static int block(int rowBytes, int out, int threads) {
        int streamed = Math.max(1, STREAM_BYTES / Math.max(1, rowBytes));
        int even = (out + 4 * threads - 1) / (4 * threads);
        return Math.max(4, Math.min(streamed, even) + 3 & ~3);
    }

    private static void many(Kernels kernels, Workers workers, Linear linear, float[] x, int xOffset, int xStride, int rows,
                             float[] y, int yOffset, int yStride, Activation f, boolean add) {
        Tensor weight = linear.weight();
        int in = linear.in();
        int out = linear.out();
        int width = kernels.panelWidth();
        int panels = (out + width - 1) / width;
        boolean inline = (long) rows * in * out < MANY_INLINE || workers.threads() == 1;
        int threads = inline ? 1 : workers.threads();
        // several tasks a thread, so that all end together
        int wide = Math.clamp(panels / (TASKS_PER_THREAD * threads), 1, Math.max(1, PACKED_BYTES / (Float.BYTES * DEPTH * width))) * width;
        int groups = (out + wide - 1) / wide;
        if (inline) {
            for (int j = 0; j < groups; j++) {
                panels(kernels, linear, in, j * wide, Math.min(wide, out - j * wide), x, xOffset, xStride, 0, rows, y, yOffset, yStride, f, add);
            }
            return;
        }
        // narrow outputs have too few panels for the threads: there rows are split too, at the price of packing more often
        int parts = Math.clamp(2L * threads / groups, 1, (rows + 63) / 64);
        int partRows = (rows + parts - 1) / parts;
        workers.each(groups * parts, t -> {
            int first = t % parts * partRows;
            int n = Math.min(partRows, rows - first);
            int from = t / parts * wide;
            if (n > 0) {
                panels(kernels, linear, in, from, Math.min(wide, out - from), x, xOffset, xStride, first, n, y, yOffset, yStride, f, add);
            }
        });
    }

    /**
     * Rows first .. first + rows - 1 of the columns from .. from + cols - 1. A few rows of x meet all packed panels while they are in the
     * first-level cache; else each panel would fetch all of x from further away.
     */
    private static void panels(Kernels kernels, Linear linear, int in, int from, int cols, float[] x, int xOffset, int xStride,
                               int first, int rows, float[] y, int yOffset, int yStride, Activation f, boolean add) {
        int width = kernels.panelWidth();
        int padded = (cols + width - 1) / width * width;
        float[] packed = scratch(padded * Math.min(DEPTH, in));
        MemorySegment data = linear.weight().data();
        DType dtype = linear.weight().dtype();
        int xi = xOffset + first * xStride;
        int yi = yOffset + first * yStride;
        for (int p = 0; p < in; p += DEPTH) {
            int depth = Math.min(DEPTH, in - p);
            for (int c = 0; c < cols; c += width) {
                kernels.packPanel(data, dtype, in, from + c, Math.min(width, cols - c), p, depth, packed, c * depth);
            }
            for (int r = 0; r < rows; r += ROWS_AT_A_TIME) {
                int n = Math.min(ROWS_AT_A_TIME, rows - r);
                for (int c = 0; c < cols; c += width) {
                    kernels.multiplyPanel(x, xi + r * xStride + p, xStride, packed, c * depth, width, y, yi + r * yStride + from + c, yStride,
                            n, depth, Math.min(width, cols - c), add || p > 0);
                }
            }
        }
        finish(kernels, linear.bias(), f, from, cols, rows, y, yi, yStride);
    }

    /** Bias and activation of a block of y, while it is in cache. */
    private static void finish(Kernels kernels, float[] bias, Activation f, int from, int cols, int rows,
                               float[] y, int yOffset, int yStride) {
        if (bias == null && f == Activation.NONE) return;
        for (int i = 0; i < rows; i++) {
            int at = yOffset + i * yStride + from;
            if (bias != null) kernels.addScaled(y, at, bias, from, cols, 1f);
            kernels.activate(f, y, at, cols);
        }
    }

    private static float[] scratch(int length) {
        float[] s = SCRATCH.get();
        if (s.length < length) SCRATCH.set(s = new float[length]);
        return s;
    }
}
