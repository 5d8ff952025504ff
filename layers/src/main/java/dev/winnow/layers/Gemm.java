package dev.winnow.layers;

import dev.winnow.weights.BlockMatrix;
import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import java.util.Arrays;
import java.util.function.IntConsumer;

/**
 * Matrix products with stored weights, split over output columns.
 *
 * <p>Few rows (decode) read each weight once from memory and keep every x in cache: {@link Kernels#dotRows}. Many rows first pack
 * a panel of weights, {@link Kernels#panelWidth} columns by a stretch of depth, widened and transposed, into a buffer that stays in the
 * core's cache while all rows stream past it; a packed copy of the whole weight is held only where {@link PackedWeights} keeps it.
 */
public final class Gemm {
    /** Up to this many rows, packing a panel costs more than it saves. */
    private static final int FEW_ROWS = 8;
    /** The same of weights in blocks, which take more to widen for each row and less to pack. */
    private static final int FEW_ROWS_OF_BLOCKS = 4;
    /** Elements of a panel, 96 KiB, streamed from the second-level cache: the deeper, the less often partial sums are written and read. */
    private static final int PANEL_ELEMENTS = 24_576;
    /** A depth is a multiple of that, a block of rounded weights. */
    private static final int DEPTH_UNIT = 32;
    /** Elements of packed rows at a time, 16 MiB: all of x, or as many depths of it as fit, one at least. */
    private static final int ROWS_ELEMENTS = 1 << 22;
    /** Rows packed by a task. */
    private static final int PACK_ROWS = 2 * Kernels.ROW_GROUP;
    /** Multiply-adds below which waking another thread (5 to 25 us) costs more than it saves, if memory or arithmetic sets the pace. */
    private static final long FEW_INLINE = 200_000;
    private static final long MANY_INLINE = 1_000_000;
    /** Bytes of packed panels at a time: a part of the second-level cache. */
    private static final int PACKED_BYTES = 400_000;
    private static final int TASKS_PER_THREAD = 3;
    /** Weight bytes of a task of few rows, and how many of them there are a thread: the last ones decide how long threads wait. */
    private static final int STREAM_BYTES = 1 << 20;
    private static final int FEW_TASKS_PER_THREAD = 8;

    private static final ThreadLocal<float[]> ROWS = ThreadLocal.withInitial(() -> new float[0]);
    private static final ThreadLocal<float[]> SCRATCH = ThreadLocal.withInitial(() -> new float[0]);

    private Gemm() {}

    /**
     * {@code y[rows, out] = f(x[rows, in] * W^T + b)}, or {@code y += ...} when add is set (residual stream; f must be NONE then).
     * Few rows take the path that streams the weights once; many take packed panels.
     */
    public static void multiply(Kernels kernels, Workers workers, Linear linear, float[] x, int xOffset, int xStride, int rows,
                                float[] y, int yOffset, int yStride, Activation f, boolean add) {
        multiply(kernels, workers, null, linear, x, xOffset, xStride, rows, y, yOffset, yStride, f, add);
    }

    /** As above, keeping what is packed where there is room; null to keep nothing. */
    static void multiply(Kernels kernels, Workers workers, PackedWeights kept, Linear linear, float[] x, int xOffset, int xStride, int rows,
                         float[] y, int yOffset, int yStride, Activation f, boolean add) {
        if (add && f != Activation.NONE) throw new IllegalArgumentException("a product added to y cannot have activation " + f);
        if (rows <= 0) return;
        if (few(rows, linear)) {
            FewRows.begin(kernels, x, xOffset, xStride, rows).into(linear, y, yOffset, yStride, f, add).run(workers);
        } else {
            many(kernels, workers, x, xOffset, xStride, rows,
                    new Product(linear, panels(kernels, kept, linear), y, yOffset, yStride, f, add, null));
        }
    }

    /** The products of x [rows, in] with three maps, in one loop over the threads and not three where they are alike. */
    static void multiply(Kernels kernels, Workers workers, PackedWeights kept, float[] x, int rows, Linear a, float[] ya,
                         Linear b, float[] yb, Linear c, float[] yc) {
        if (rows <= 0) return;
        if (!alike(a, b) || !alike(a, c)) {
            multiply(kernels, workers, kept, a, x, 0, a.in(), rows, ya, 0, a.out(), Activation.NONE, false);
            multiply(kernels, workers, kept, b, x, 0, b.in(), rows, yb, 0, b.out(), Activation.NONE, false);
            multiply(kernels, workers, kept, c, x, 0, c.in(), rows, yc, 0, c.out(), Activation.NONE, false);
        } else if (few(rows, a)) {
            FewRows.begin(kernels, x, 0, a.in(), rows).into(a, ya).into(b, yb).into(c, yc).run(workers);
        } else {
            many(kernels, workers, x, 0, a.in(), rows, product(kernels, kept, a, ya), product(kernels, kept, b, yb),
                    product(kernels, kept, c, yc));
        }
    }

    /**
     * {@code y[rows, inner] = f(gate(x)) * up(x)} in one loop over the threads.
     *
     * @param mlp  whose gate and up are {@link #alike}
     * @param room as much as y, or null if these are {@link #few} rows
     */
    static void multiplyGated(Kernels kernels, Workers workers, PackedWeights kept, Mlp.Gated mlp, float[] x, int rows, float[] y,
                              float[] room) {
        if (rows <= 0) return;
        Linear gate = mlp.gate();
        if (room == null) {
            FewRows product = FewRows.begin(kernels, x, 0, gate.in(), rows);
            product.into(gate, y, 0, gate.out(), mlp.activation(), false).times(mlp.up()).run(workers);
        } else {
            many(kernels, workers, x, 0, gate.in(), rows, new Product(gate, panels(kernels, kept, gate), y, 0, gate.out(),
                    mlp.activation(), false, product(kernels, kept, mlp.up(), room)));
        }
    }

    /** Whether so many rows are multiplied with a weight as it is stored. */
    static boolean few(int rows, Linear linear) {
        return rows <= (linear.weight().dtype().isBlocked() ? FEW_ROWS_OF_BLOCKS : FEW_ROWS);
    }

    /** Whether what is made of x for one is right for the other. */
    static boolean alike(Linear a, Linear b) {
        return a.weight().dtype() == b.weight().dtype() && a.in() == b.in();
    }

    /**
     * Products of the same few rows: the arguments of one call, shared by its tasks. One object a thread, since decoding makes dozens of
     * such calls a token.
     */
    private static final class FewRows implements IntConsumer {
        private static final ThreadLocal<FewRows> OWN = ThreadLocal.withInitial(FewRows::new);
        private static final int MOST = 3;

        private final FewVectors vectors = new FewVectors();
        private final Linear[] linears = new Linear[MOST];
        private final float[][] ys = new float[MOST][];
        private final int[] tasks = new int[MOST];
        private int products;
        private Kernels kernels;
        private int rows;
        /** Of a single product. */
        private int yOffset;
        private int yStride;
        private Activation f;
        private boolean add;
        /** What f of a single product is multiplied with, or null. */
        private Linear factor;
        private int block;

        static FewRows begin(Kernels kernels, float[] x, int xOffset, int xStride, int rows) {
            FewRows all = OWN.get();
            all.kernels = kernels;
            all.vectors.of(x, xOffset, xStride, rows);
            all.rows = rows;
            all.products = 0;
            all.factor = null;
            return all;
        }

        FewRows into(Linear linear, float[] y, int yOffset, int yStride, Activation f, boolean add) {
            this.yOffset = yOffset;
            this.yStride = yStride;
            this.f = f;
            this.add = add;
            linears[products] = linear;
            ys[products++] = y;
            return this;
        }

        /** One of several, each in an array of its own. */
        FewRows into(Linear linear, float[] y) {
            return into(linear, y, 0, 0, Activation.NONE, false);
        }

        FewRows times(Linear factor) {
            this.factor = factor;
            return this;
        }

        void run(Workers workers) {
            Linear first = linears[0];
            int in = first.in();
            int out = factor == null ? 0 : factor.out();
            for (int i = 0; i < products; i++) out += linears[i].out();
            DType dtype = first.weight().dtype();
            kernels.prepare(dtype, in, out, vectors);
            boolean alone = (long) rows * in * out < FEW_INLINE || workers.threads() == 1;
            block = alone ? out : block((int) dtype.bytes(in), out, workers.threads(), factor == null ? 1 : 2);
            int sum = 0;
            for (int i = 0; i < products; i++) sum += tasks[i] = (linears[i].out() + block - 1) / block;
            try {
                workers.each(alone ? 1 : workers.threads(), sum, this);
            } finally {
                vectors.clear();
                Arrays.fill(linears, null);
                Arrays.fill(ys, null);
            }
        }

        @Override
        public void accept(int task) {
            int i = 0;
            while (task >= tasks[i]) task -= tasks[i++];
            int from = task * block;
            int n = Math.min(block, linears[i].out() - from);
            multiply(linears[i], from, n, ys[i], yOffset + from, products == 1 ? yStride : linears[i].out());
        }

        private void multiply(Linear linear, int from, int n, float[] y, int at, int stride) {
            if (add) {
                float[] part = part(linear, from, n);
                for (int i = 0; i < rows; i++) kernels.addScaled(y, at + i * stride, part, i * n, n, 1f);
            } else {
                dot(linear, from, n, y, at, stride);
            }
            finish(kernels, linear.bias(), f, from, n, rows, y, at - from, stride);
            if (factor == null) return;
            float[] part = part(factor, from, n);
            finish(kernels, factor.bias(), Activation.NONE, from, n, rows, part, -from, n);
            for (int i = 0; i < rows; i++) kernels.multiply(y, at + i * stride, part, i * n, n);
        }

        /** Some outputs in this thread's scratch. */
        private float[] part(Linear linear, int from, int n) {
            float[] part = scratch(SCRATCH, rows * n);
            dot(linear, from, n, part, 0, n);
            return part;
        }

        private void dot(Linear linear, int from, int n, float[] y, int at, int stride) {
            Tensor weight = linear.weight();
            kernels.dotRows(weight.data(), weight.dtype(), linear.in(), from, n, vectors, y, at, stride);
        }
    }

    /** Weight rows of a task: enough to stream for a while, few enough to share out evenly; whole groups of a block format. */
    private static int block(int rowBytes, int out, int threads, int maps) {
        int streamed = Math.max(1, STREAM_BYTES / Math.max(1, rowBytes));
        int even = (out + FEW_TASKS_PER_THREAD * threads - 1) / (FEW_TASKS_PER_THREAD * threads);
        return upTo(Math.max(1, Math.min(streamed, even) / maps), BlockMatrix.GROUP);
    }

    /**
     * Where the product with a map goes, and what becomes of it.
     *
     * @param kept   where its panels are kept, or null
     * @param factor another one of as many columns that f of it is multiplied with, or null
     */
    private record Product(Linear linear, PackedWeights.Panels kept, float[] y, int yOffset, int yStride, Activation f, boolean add,
                           Product factor) {
    }

    private static Product product(Kernels kernels, PackedWeights kept, Linear linear, float[] y) {
        return new Product(linear, panels(kernels, kept, linear), y, 0, linear.out(), Activation.NONE, false, null);
    }

    /** Where a map's panels are kept, or null. */
    private static PackedWeights.Panels panels(Kernels kernels, PackedWeights kept, Linear linear) {
        if (kept == null) return null;
        return kept.of(linear.weight(), linear.in(), linear.out(), kernels.panelWidth(), depth(kernels, linear.in()));
    }

    /** How deep panels are. */
    private static int depth(Kernels kernels, int in) {
        return evenly(in, PANEL_ELEMENTS / kernels.panelWidth());
    }

    private static void many(Kernels kernels, Workers workers, float[] x, int xOffset, int xStride, int rows, Product... products) {
        int in = products[0].linear.in();
        int out = 0;
        for (Product product : products) out += product.linear.out();
        int maps = products[0].factor == null ? 1 : 2;
        int width = kernels.panelWidth();
        int threads = (long) rows * in * maps * out < MANY_INLINE ? 1 : workers.threads();
        int depth = depth(kernels, in);
        int deep = Math.clamp(ROWS_ELEMENTS / kernels.packedRows(rows, depth), 1, (in + depth - 1) / depth) * depth;
        // several tasks a thread, so that all end together
        int most = Math.max(1, PACKED_BYTES / (Float.BYTES * depth * width));
        int wide = Math.clamp((out + width - 1) / width / (TASKS_PER_THREAD * threads), 1, most) * width;
        int groups = 0;
        for (Product product : products) groups += groups(product, wide);
        // narrow outputs have too few panels for the threads: there rows are split too, at the price of packing more often
        int parts = threads == 1 ? 1 : Math.clamp(2L * threads / groups, 1, (rows + 63) / 64);
        int partRows = upTo((rows + parts - 1) / parts, Kernels.ROW_GROUP);
        float[] packedRows = scratch(ROWS, kernels.packedRows(rows, Math.min(deep, in)));
        for (int p = 0; p < in; p += deep) {
            Slice slice = new Slice(kernels, packedRows, p, Math.min(deep, in - p), depth);
            workers.each(threads, (rows + PACK_ROWS - 1) / PACK_ROWS, t -> {
                int first = t * PACK_ROWS;
                slice.pack(x, xOffset + first * xStride, xStride, first, Math.min(PACK_ROWS, rows - first));
            });
            workers.each(threads, groups * parts, t -> {
                int first = t % parts * partRows;
                int group = t / parts;
                int i = 0;
                for (int n; group >= (n = groups(products[i], wide)); i++) group -= n;
                int from = group * wide;
                int cols = Math.min(wide, products[i].linear.out() - from);
                if (first < rows) slice.multiply(products[i], first, Math.min(partRows, rows - first), from, cols);
            });
        }
    }

    /** In how many groups of columns a product is worked on. */
    private static int groups(Product product, int wide) {
        return (product.linear.out() + wide - 1) / wide;
    }

    /** The length of even parts of a depth, none longer than that. */
    private static int evenly(int depth, int most) {
        int parts = (depth + most - 1) / most;
        return Math.min(depth, upTo((depth + parts - 1) / parts, DEPTH_UNIT));
    }

    static int upTo(int n, int unit) {
        return (n + unit - 1) / unit * unit;
    }

    /** The elements from .. from + deep - 1 of x and of the weights' rows, worked on by depth after depth. */
    private record Slice(Kernels kernels, float[] packedRows, int from, int deep, int depth) {
        void pack(float[] x, int xOffset, int xStride, int first, int rows) {
            kernels.packRows(x, xOffset + from, xStride, rows, deep, packedRows, kernels.packedRows(first, deep));
        }

        /** Rows first .. first + rows - 1 of the columns column .. column + cols - 1. */
        void multiply(Product product, int first, int rows, int column, int cols) {
            Linear linear = product.linear;
            int in = linear.in();
            float[] y = product.y;
            int stride = product.yStride;
            int yi = product.yOffset + first * stride;
            for (int p = 0; p < deep; p += depth) {
                int d = Math.min(depth, deep - p);
                float[] panels = product.kept == null ? packed(linear.weight(), in, from + p, d, column, cols)
                        : product.kept.of(kernels, linear.weight(), in, from + p, d, column, cols);
                kernels.multiplyPanels(packedRows, kernels.packedRows(first, deep), deep, p, panels, product.kept == null ? 0 : column * d,
                        y, yi + column, stride, rows, d, cols, product.add || from + p > 0);
            }
            Product factor = product.factor;
            if (factor != null) multiply(factor, first, rows, column, cols);
            if (from + deep < in) return;
            finish(kernels, linear.bias(), product.f, column, cols, rows, y, yi, stride);
            if (factor == null) return;
            for (int i = first; i < first + rows; i++) {
                kernels.multiply(y, product.yOffset + i * stride + column, factor.y, factor.yOffset + i * factor.yStride + column, cols);
            }
        }

        /** Panels of some columns in this thread's scratch. */
        private float[] packed(Tensor weight, int in, int from, int d, int column, int cols) {
            int width = kernels.panelWidth();
            float[] panels = scratch(SCRATCH, upTo(cols, width) * d);
            for (int c = 0; c < cols; c += width) {
                kernels.packPanel(weight.data(), weight.dtype(), in, column + c, Math.min(width, cols - c), from, d, panels, c * d);
            }
            return panels;
        }
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

    /** This thread's array of at least so many elements. */
    private static float[] scratch(ThreadLocal<float[]> own, int length) {
        float[] s = own.get();
        if (s.length < length) own.set(s = new float[length]);
        return s;
    }
}
