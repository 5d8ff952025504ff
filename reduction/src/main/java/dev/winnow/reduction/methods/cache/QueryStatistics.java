package dev.winnow.reduction.methods.cache;

import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.reduction.primitives.CosineSimilarity;

/**
 * Mean and covariance of one head's queries.
 *
 * @param mean       [dim]
 * @param covariance [dim, dim], or null where it is not wanted
 */
record QueryStatistics(float[] mean, float[] covariance) {
    /** Queries summed in single precision, which is fast, before they are added in double. */
    private static final int BLOCK = 256;

    /**
     * Of the queries from the given token on.
     *
     * @param queries [tokens, heads * dim]
     */
    static QueryStatistics of(float[] queries, int heads, int dim, int head, int first, boolean covariance) {
        int stride = heads * dim;
        int n = queries.length / stride;
        double[] sum = new double[dim];
        for (int i = first; i < n; i++) for (int c = 0; c < dim; c++) sum[c] += queries[i * stride + head * dim + c];
        float[] mean = new float[dim];
        for (int c = 0; c < dim; c++) mean[c] = (float) (sum[c] / (n - first));
        if (!covariance) return new QueryStatistics(mean, null);

        double[] sums = new double[dim * dim];
        for (int from = first; from < n; from += BLOCK) {
            int count = Math.min(BLOCK, n - from);
            float[] channels = new float[dim * count];
            for (int i = 0; i < count; i++) {
                int at = (from + i) * stride + head * dim;
                for (int c = 0; c < dim; c++) channels[c * count + i] = queries[at + c] - mean[c];
            }
            float[] products = CosineSimilarity.products(channels, dim, channels, dim, count);
            for (int c = 0; c < sums.length; c++) sums[c] += products[c];
        }
        float[] spread = new float[dim * dim];
        for (int i = 0; i < spread.length; i++) spread[i] = (float) (sums[i] / (n - first));
        return new QueryStatistics(mean, spread);
    }

    /** The same for queries rotated to the given positions, all equally likely: both under the mean rotation. */
    QueryStatistics rotated(RotaryEmbedding rotary, int[] positions) {
        int half = rotary.half();
        RotaryEmbedding.Table table = rotary.table(positions, positions.length);
        float[] cos = mean(table.cos(), positions.length, half);
        float[] sin = mean(table.sin(), positions.length, half);
        int dim = mean.length;
        float[] turned = mean.clone();
        turn(turned, 0, 1, cos, sin);
        if (covariance == null) return new QueryStatistics(turned, null);
        float[] spread = covariance.clone();
        for (int r = 0; r < dim; r++) turn(spread, r * dim, 1, cos, sin);
        for (int c = 0; c < dim; c++) turn(spread, c, dim, cos, sin);
        return new QueryStatistics(turned, spread);
    }

    private static float[] mean(float[] rows, int n, int width) {
        double[] sum = new double[width];
        for (int i = 0; i < n * width; i++) sum[i % width] += rows[i];
        float[] mean = new float[width];
        for (int c = 0; c < width; c++) mean[c] = (float) (sum[c] / n);
        return mean;
    }

    /** Turns a vector whose elements lie a stride apart. */
    private static void turn(float[] x, int from, int stride, float[] cos, float[] sin) {
        int half = cos.length;
        for (int d = 0; d < half; d++) {
            int i = from + d * stride;
            int j = from + (half + d) * stride;
            float a = x[i];
            float b = x[j];
            x[i] = a * cos[d] - b * sin[d];
            x[j] = b * cos[d] + a * sin[d];
        }
    }
}
