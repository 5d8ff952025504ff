package dev.winnow.reduction.primitives;

import dev.winnow.layers.Kernels;
import dev.winnow.layers.Workers;
import java.util.Arrays;

/** Cosine similarity of token features. */
public final class CosineSimilarity {
    private static final Kernels KERNELS = Kernels.best();
    /** Channels of a panel, so that it stays in cache while all rows stream past it. */
    private static final int DEPTH = 384;
    /** Columns of a task: a few panels, so that each row is made ready for several. */
    private static final int COLUMNS = 4 * KERNELS.panelWidth();
    /** Multiply-adds below which waking other threads costs more than it saves. */
    private static final long INLINE = 1_000_000;
    /** Rows of a task that looks for nearest ones. */
    private static final int BLOCK = 256;

    private CosineSimilarity() {}

    /** Rows of x [n, width] divided by their length; a row of zeros stays one and is similar to none. */
    public static float[] normalised(float[] x, int n, int width) {
        float[] unit = new float[n * width];
        float[] lengths = lengths(x, 0, n, width);
        for (int i = 0; i < n; i++) {
            if (lengths[i] == 0) continue;
            for (int c = 0; c < width; c++) unit[i * width + c] = x[i * width + c] / lengths[i];
        }
        return unit;
    }

    /** Lengths of n rows of x from offset on. */
    public static float[] lengths(float[] x, int offset, int n, int width) {
        float[] lengths = new float[n];
        for (int i = 0; i < n; i++) {
            double square = 0;
            for (int c = offset + i * width; c < offset + (i + 1) * width; c++) square += x[c] * x[c];
            lengths[i] = (float) Math.sqrt(square);
        }
        return lengths;
    }

    /**
     * Inner products of rows of a [n, width] and of b [m, width]: [n, m]. Large ones are shared out to the worker threads by columns,
     * which does not change results.
     */
    public static float[] products(float[] a, int n, float[] b, int m, int width) {
        float[] products = new float[n * m];
        float[] rows = packed(a, n, width);
        int tasks = (m + COLUMNS - 1) / COLUMNS;
        int threads = (long) n * m * width < INLINE ? 1 : Workers.shared().threads();
        Workers.shared().each(threads, tasks, t -> columns(rows, n, b, m, width, t * COLUMNS, products));
        return products;
    }

    /** The columns from .. from + COLUMNS - 1 of the products. */
    private static void columns(float[] rows, int n, float[] b, int m, int width, int from, float[] products) {
        int cols = Math.min(COLUMNS, m - from);
        float[] packed = new float[COLUMNS * Math.min(DEPTH, width)];
        for (int p = 0; p < width; p += DEPTH) {
            int depth = Math.min(DEPTH, width - p);
            pack(b, from, cols, width, p, depth, packed, 0);
            KERNELS.multiplyPanels(rows, 0, width, p, packed, 0, products, from, m, n, depth, cols, p > 0);
        }
    }

    private static float[] packed(float[] a, int n, int width) {
        float[] rows = new float[KERNELS.packedRows(n, width)];
        KERNELS.packRows(a, 0, width, n, width, rows, 0);
        return rows;
    }

    /** Some rows of b, and of those some elements, as the columns of panels. */
    private static void pack(float[] b, int from, int rows, int width, int first, int depth, float[] panels, int offset) {
        int columns = KERNELS.panelWidth();
        for (int c = 0; c < rows; c += columns) {
            KERNELS.transposePanel(b, (from + c) * width + first, width, Math.min(columns, rows - c), depth, panels, offset + c * depth);
        }
    }

    /**
     * For each row of one matrix the row of another with which its inner product is largest, the first of equals.
     *
     * @param index   of that row: [n]
     * @param product with it: [n]
     */
    public record Nearest(int[] index, float[] product) {}

    /**
     * The nearest of the rows of b [m, width], at least one, to each of some rows of a [any, width]. Needs memory for a and b once more at
     * most, not for all products; blocks of rows are shared out to the worker threads, which does not change results.
     *
     * @param rows of a
     */
    public static Nearest nearest(float[] a, int[] rows, float[] b, int m, int width) {
        float[] panels = panels(b, m, width);
        Nearest nearest = new Nearest(new int[rows.length], new float[rows.length]);
        int blocks = (rows.length + BLOCK - 1) / BLOCK;
        Workers.shared().each(blocks, k -> {
            int from = k * BLOCK;
            int[] block = Arrays.copyOfRange(rows, from, Math.min(rows.length, from + BLOCK));
            nearest(gather(a, width, block), block.length, panels, m, width, from, nearest);
        });
        return nearest;
    }

    /** All rows of b as the kernel reads them, panel after panel and depth after depth. */
    private static float[] panels(float[] b, int m, int width) {
        float[] panels = new float[(m + COLUMNS - 1) / COLUMNS * COLUMNS * width];
        for (int j = 0; j < m; j += COLUMNS) {
            for (int p = 0; p < width; p += DEPTH) {
                pack(b, j, Math.min(COLUMNS, m - j), width, p, Math.min(DEPTH, width - p), panels, j * width + p * COLUMNS);
            }
        }
        return panels;
    }

    /** Compares n rows with a few panels after the others. */
    private static void nearest(float[] a, int n, float[] panels, int m, int width, int at, Nearest nearest) {
        float[] rows = packed(a, n, width);
        float[] products = new float[n * COLUMNS];
        Arrays.fill(nearest.product, at, at + n, Float.NEGATIVE_INFINITY);
        for (int j = 0; j < m; j += COLUMNS) {
            int cols = Math.min(COLUMNS, m - j);
            for (int p = 0; p < width; p += DEPTH) {
                KERNELS.multiplyPanels(rows, 0, width, p, panels, j * width + p * COLUMNS, products, 0, COLUMNS, n,
                        Math.min(DEPTH, width - p), cols, p > 0);
            }
            for (int i = 0; i < n; i++) {
                // most panels do not have what is looked for, and their largest product tells
                float most = KERNELS.max(products, i * COLUMNS, cols);
                if (most <= nearest.product[at + i]) continue;
                int c = 0;
                while (c < cols - 1 && products[i * COLUMNS + c] != most) c++;
                nearest.index[at + i] = j + c;
                nearest.product[at + i] = most;
            }
        }
    }

    /** Rows of x picked by index. */
    public static float[] gather(float[] x, int width, int[] index) {
        float[] picked = new float[index.length * width];
        for (int i = 0; i < index.length; i++) System.arraycopy(x, index[i] * width, picked, i * width, width);
        return picked;
    }

    /** Index of the largest of m values in each row, the first of equals. */
    public static int[] nearest(float[] products, int n, int m) {
        int[] best = new int[n];
        for (int i = 0; i < n; i++) {
            for (int j = 1; j < m; j++) if (products[i * m + j] > products[i * m + best[i]]) best[i] = j;
        }
        return best;
    }
}
