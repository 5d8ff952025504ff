package dev.winnow.runtime.tune;

import java.util.Arrays;

/**
 * Regression by a Gaussian process (Rasmussen and Williams 2006, algorithm 2.1) on a function of a few numbers that was measured with
 * noise: mean zero after the values' own mean is taken off, a squared-exponential kernel, and the length scale and noise that make the
 * measurements most likely of a small grid. Libraries that have one are under the GPL or bring a great deal along.
 */
final class GaussianProcess {
    private static final double[] LENGTHS = {0.1, 0.15, 0.25, 0.4, 0.7, 1.2};
    private static final double[] NOISES = {1e-4, 1e-2, 0.05, 0.2, 0.5};
    private static final double LEAST_SPREAD = 1e-9;

    private final double[][] x;
    private final double mean;
    private final double spread;
    private final double length;
    private final double[][] cholesky;
    private final double[] weights;
    private final double likelihood;

    /** What is believed of one place. */
    record Belief(double mean, double deviation) {}

    private GaussianProcess(double[][] x, double[] y, double length, double noise) {
        this.x = x;
        this.length = length;
        mean = Arrays.stream(y).average().orElseThrow();
        spread = Math.max(LEAST_SPREAD, Math.sqrt(Arrays.stream(y).map(v -> (v - mean) * (v - mean)).average().orElseThrow()));
        int n = x.length;
        double[][] covariance = new double[n][n];
        for (int i = 0; i < n; i++) for (int j = 0; j <= i; j++) covariance[i][j] = kernel(x[i], x[j]) + (i == j ? noise : 0);
        cholesky = cholesky(covariance);
        double[] standard = Arrays.stream(y).map(v -> (v - mean) / spread).toArray();
        double[] half = forward(standard);
        weights = backward(half);
        double logDeterminant = 0;
        for (int i = 0; i < n; i++) logDeterminant += Math.log(cholesky[i][i]);
        likelihood = -0.5 * Arrays.stream(half).map(v -> v * v).sum() - logDeterminant - 0.5 * n * Math.log(2 * Math.PI);
    }

    /**
     * A process whose length scale and noise fit the measurements best.
     *
     * @param x places, numbers of about 0 to 1
     * @param y what was measured there
     */
    static GaussianProcess fitted(double[][] x, double[] y) {
        GaussianProcess best = null;
        for (double length : LENGTHS) {
            for (double noise : NOISES) {
                GaussianProcess process = new GaussianProcess(x, y, length, noise);
                if (best == null || process.likelihood > best.likelihood) best = process;
            }
        }
        return best;
    }

    /** A process of given numbers; noise is a variance, in units of the measurements' own. */
    static GaussianProcess of(double[][] x, double[] y, double length, double noise) {
        return new GaussianProcess(x, y, length, noise);
    }

    Belief at(double[] place) {
        double[] k = Arrays.stream(x).mapToDouble(other -> kernel(place, other)).toArray();
        double value = 0;
        for (int i = 0; i < k.length; i++) value += k[i] * weights[i];
        double explained = Arrays.stream(forward(k)).map(v -> v * v).sum();
        return new Belief(mean + spread * value, spread * Math.sqrt(Math.max(0, 1 - explained)));
    }

    /** Log likelihood of the measurements after they were brought to mean 0 and variance 1. */
    double likelihood() {
        return likelihood;
    }

    private double kernel(double[] a, double[] b) {
        double squared = 0;
        for (int i = 0; i < a.length; i++) squared += (a[i] - b[i]) * (a[i] - b[i]);
        return Math.exp(-squared / (2 * length * length));
    }

    /** The lower triangle L with L L' = the matrix, whose lower triangle is given. */
    private static double[][] cholesky(double[][] a) {
        int n = a.length;
        double[][] l = new double[n][n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j <= i; j++) {
                double sum = a[i][j];
                for (int k = 0; k < j; k++) sum -= l[i][k] * l[j][k];
                l[i][j] = i == j ? Math.sqrt(sum) : sum / l[j][j];
            }
        }
        return l;
    }

    private double[] forward(double[] b) {
        double[] y = b.clone();
        for (int i = 0; i < y.length; i++) {
            for (int k = 0; k < i; k++) y[i] -= cholesky[i][k] * y[k];
            y[i] /= cholesky[i][i];
        }
        return y;
    }

    private double[] backward(double[] b) {
        double[] y = b.clone();
        for (int i = y.length - 1; i >= 0; i--) {
            for (int k = i + 1; k < y.length; k++) y[i] -= cholesky[k][i] * y[k];
            y[i] /= cholesky[i][i];
        }
        return y;
    }
}
