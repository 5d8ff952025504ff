package dev.winnow.reduction.primitives;

import dev.winnow.layers.Kernels;
import dev.winnow.layers.Workers;
import java.util.Arrays;

/** Cosine similarity of token features. */
public final class CosineSimilarity {
    private static final Kernels KERNELS = Kernels.best();
    /** Channels of a panel, so that it stays in cache while all rows stream past it. */
    private static final int DEPTH = 384;
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
        int columns = KERNELS.panelWidth();
        int panels = (m + columns - 1) / columns;
        if ((long) n * m * width < INLINE) {
            for (int p = 0; p < panels; p++) panel(a, n, b, m, width, p * columns, products);
        } else {
            Workers.shared().each(panels, p -> panel(a, n, b, m, width, p * columns, products));
        }
        return products;
    }

    /** The columns from .. from + panelWidth - 1 of the products. */
    private static void panel(float[] a, int n, float[] b, int m, int width, int from, float[] products) {
        int cols = Math.min(KERNELS.panelWidth(), m - from);
        float[] packed = new float[KERNELS.panelWidth() * Math.min(DEPTH, width)];
        for (int p = 0; p < width; p += DEPTH) {
            int depth = Math.min(DEPTH, width - p);
            KERNELS.transposePanel(b, from * width + p, width, cols, depth, packed, 0);
            KERNELS.multiplyPanel(a, p, width, packed, 0, KERNELS.panelWidth(), products, from, m, n, depth, cols, p > 0);
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
        int columns = KERNELS.panelWidth();
        float[] panels = new float[(m + columns - 1) / columns * columns * width];
        for (int j = 0; j < m; j += columns) {
            for (int p = 0; p < width; p += DEPTH) {
                KERNELS.transposePanel(b, j * width + p, width, Math.min(columns, m - j), Math.min(DEPTH, width - p), panels,
                        j * width + p * columns);
            }
        }
        return panels;
    }

    /** Compares n rows with one panel after the other. */
    private static void nearest(float[] a, int n, float[] panels, int m, int width, int at, Nearest nearest) {
        int columns = KERNELS.panelWidth();
        float[] products = new float[n * columns];
        Arrays.fill(nearest.product, at, at + n, Float.NEGATIVE_INFINITY);
        for (int j = 0; j < m; j += columns) {
            int cols = Math.min(columns, m - j);
            for (int p = 0; p < width; p += DEPTH) {
                KERNELS.multiplyPanel(a, p, width, panels, j * width + p * columns, columns, products, 0, columns, n,
                        Math.min(DEPTH, width - p), cols, p > 0);
            }
            for (int i = 0; i < n; i++) {
                // most panels do not have what is looked for, and their largest product tells
                float most = KERNELS.max(products, i * columns, cols);
                if (most <= nearest.product[at + i]) continue;
                int c = 0;
                while (c < cols - 1 && products[i * columns + c] != most) c++;
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
