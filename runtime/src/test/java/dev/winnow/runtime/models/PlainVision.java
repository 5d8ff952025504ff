package dev.winnow.runtime.models;

import dev.winnow.weights.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.DoubleUnaryOperator;

/**
 * Vision operators as their definitions have them, one loop for each index and everything in doubles. Maps are [channels][height][width],
 * as in the originals; tokens are [tokens][channels].
 */
final class PlainVision {
    private final Map<String, Tensor> tensors;

    PlainVision(Map<String, Tensor> tensors) {
        this.tensors = tensors;
    }

    /** Numbers for a tensor of a name and shape that leave no operator without effect. */
    static Tensor tensor(String name, long... shape) {
        int n = 1;
        for (long d : shape) n *= (int) d;
        long in = shape.length < 2 ? 1 : n / shape[0];
        boolean factor = shape.length == 1 && (name.contains("norm") && name.endsWith("weight") || name.contains("scale"));
        Random random = new Random(name.hashCode());
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            double g = random.nextGaussian();
            values[i] = (float) (factor ? 1 + 0.3 * g : shape.length < 2 ? 0.3 * g : 1.3 * g / Math.sqrt(in));
        }
        return Tensor.ofFloats(name, values, shape);
    }

    /** Makes what is asked for, and remembers it. */
    static final class Made implements WeightScope.Source {
        final Map<String, Tensor> tensors = new TreeMap<>();

        @Override
        public boolean has(String name) {
            return tensors.containsKey(name);
        }

        @Override
        public Tensor tensor(String name, long... shape) {
            return tensors.computeIfAbsent(name, n -> PlainVision.tensor(n, shape));
        }

        @Override
        public Tensor any(String name) {
            return tensors.get(name);
        }
    }

    static double[][][] picture(int channels, int height, int width, float[] pixels) {
        double[][][] x = new double[channels][height][width];
        for (int c = 0; c < channels; c++) {
            for (int i = 0; i < height; i++) for (int j = 0; j < width; j++) x[c][i][j] = pixels[(c * height + i) * width + j];
        }
        return x;
    }

    private double value(String name, int... index) {
        Tensor t = tensors.get(name);
        if (t == null) throw new AssertionError("the family never asked for " + name);
        if (t.shape().length != index.length) throw new AssertionError(name + " has " + t.shape().length + " dimensions");
        int at = 0;
        for (int d = 0; d < index.length; d++) at = at * t.dim(d) + index[d];
        return t.data().getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, at);
    }

    double scalar(String name) {
        return value(name, 0);
    }

    private int dim(String name, int d) {
        if (!tensors.containsKey(name)) throw new AssertionError("the family never asked for " + name);
        return tensors.get(name).dim(d);
    }

    double[] vector(String name) {
        double[] v = new double[dim(name, 0)];
        for (int i = 0; i < v.length; i++) v[i] = value(name, i);
        return v;
    }

    double at(String name, int... index) {
        return value(name, index);
    }

    /** A convolution; with as many groups as channels where the kernel has one channel in. */
    double[][][] convolution(String name, double[][][] x, int stride, int padding, boolean bias) {
        int out = dim(name + ".weight", 0);
        int in = dim(name + ".weight", 1);
        int k = dim(name + ".weight", 2);
        int height = (x[0].length + 2 * padding - k) / stride + 1;
        int width = (x[0][0].length + 2 * padding - k) / stride + 1;
        double[][][] y = new double[out][height][width];
        for (int o = 0; o < out; o++) {
            for (int i = 0; i < height; i++) {
                for (int j = 0; j < width; j++) {
                    double sum = bias ? value(name + ".bias", o) : 0;
                    for (int c = 0; c < in; c++) {
                        for (int ky = 0; ky < k; ky++) {
                            for (int kx = 0; kx < k; kx++) {
                                int row = i * stride - padding + ky;
                                int column = j * stride - padding + kx;
                                if (row < 0 || row >= x[0].length || column < 0 || column >= x[0][0].length) continue;
                                double from = in == 1 && x.length == out ? x[o][row][column] : x[c][row][column];
                                sum += value(name + ".weight", o, c, ky, kx) * from;
                            }
                        }
                    }
                    y[o][i][j] = sum;
                }
            }
        }
        return y;
    }

    /** A linear map of the channels of every cell. */
    double[][][] everywhere(String name, double[][][] x, boolean bias) {
        return map(linear(name, tokens(x), bias), x[0].length, x[0][0].length);
    }

    static double[][] tokens(double[][][] x) {
        double[][] t = new double[x[0].length * x[0][0].length][x.length];
        for (int i = 0; i < t.length; i++) for (int c = 0; c < x.length; c++) t[i][c] = x[c][i / x[0][0].length][i % x[0][0].length];
        return t;
    }

    static double[][][] map(double[][] t, int height, int width) {
        double[][][] x = new double[t[0].length][height][width];
        for (int i = 0; i < t.length; i++) for (int c = 0; c < t[0].length; c++) x[c][i / width][i % width] = t[i][c];
        return x;
    }

    double[][] linear(String name, double[][] x, boolean bias) {
        int out = dim(name + ".weight", 0);
        double[][] y = new double[x.length][out];
        for (int i = 0; i < x.length; i++) {
            for (int o = 0; o < out; o++) {
                y[i][o] = bias ? value(name + ".bias", o) : 0;
                for (int c = 0; c < x[i].length; c++) y[i][o] += value(name + ".weight", o, c) * x[i][c];
            }
        }
        return y;
    }

    double[][] layerNorm(String name, double[][] x, double epsilon, boolean bias) {
        double[][] y = new double[x.length][];
        for (int i = 0; i < x.length; i++) {
            double mean = 0;
            for (double v : x[i]) mean += v / x[i].length;
            double variance = 0;
            for (double v : x[i]) variance += (v - mean) * (v - mean) / x[i].length;
            y[i] = new double[x[i].length];
            for (int c = 0; c < x[i].length; c++) {
                y[i][c] = (x[i][c] - mean) / Math.sqrt(variance + epsilon) * value(name + ".weight", c)
                        + (bias ? value(name + ".bias", c) : 0);
            }
        }
        return y;
    }

    double[][][] layerNorm(String name, double[][][] x, double epsilon, boolean bias) {
        return map(layerNorm(name, tokens(x), epsilon, bias), x[0].length, x[0][0].length);
    }

    /** Mean and variance over everything. */
    double[][][] groupNorm(String name, double[][][] x, double epsilon, boolean bias) {
        double mean = 0;
        double count = (double) x.length * x[0].length * x[0][0].length;
        for (double[][] plane : x) for (double[] row : plane) for (double v : row) mean += v / count;
        double variance = 0;
        for (double[][] plane : x) for (double[] row : plane) for (double v : row) variance += (v - mean) * (v - mean) / count;
        double[][][] y = new double[x.length][x[0].length][x[0][0].length];
        for (int c = 0; c < x.length; c++) {
            for (int i = 0; i < x[0].length; i++) {
                for (int j = 0; j < x[0][0].length; j++) {
                    y[c][i][j] = (x[c][i][j] - mean) / Math.sqrt(variance + epsilon) * value(name + ".weight", c)
                            + (bias ? value(name + ".bias", c) : 0);
                }
            }
        }
        return y;
    }

    /** The mean of the neighbours that there are, less the cell. */
    static double[][][] pooling(double[][][] x, int size) {
        double[][][] y = new double[x.length][x[0].length][x[0][0].length];
        for (int c = 0; c < x.length; c++) {
            for (int i = 0; i < x[0].length; i++) {
                for (int j = 0; j < x[0][0].length; j++) {
                    double sum = 0;
                    int n = 0;
                    for (int a = i - size / 2; a <= i + size / 2; a++) {
                        for (int b = j - size / 2; b <= j + size / 2; b++) {
                            if (a < 0 || b < 0 || a >= x[0].length || b >= x[0][0].length) continue;
                            sum += x[c][a][b];
                            n++;
                        }
                    }
                    y[c][i][j] = sum / n - x[c][i][j];
                }
            }
        }
        return y;
    }

    /** Attention of a fused projection whose rows are queries, keys and values, each head by head; without the output map. */
    static double[][] attention(double[][] qkv, int heads, double scale) {
        int width = qkv[0].length / 3;
        int dim = width / heads;
        double[][] y = new double[qkv.length][width];
        for (int h = 0; h < heads; h++) {
            for (int i = 0; i < qkv.length; i++) {
                double[] weights = new double[qkv.length];
                double all = 0;
                for (int j = 0; j < qkv.length; j++) {
                    double logit = 0;
                    for (int c = h * dim; c < (h + 1) * dim; c++) logit += qkv[i][c] * qkv[j][width + c];
                    all += weights[j] = Math.exp(logit * scale);
                }
                for (int j = 0; j < qkv.length; j++) {
                    for (int c = h * dim; c < (h + 1) * dim; c++) y[i][c] += weights[j] / all * qkv[j][2 * width + c];
                }
            }
        }
        return y;
    }

    static double[][] each(double[][] x, DoubleUnaryOperator f) {
        double[][] y = new double[x.length][x[0].length];
        for (int i = 0; i < x.length; i++) for (int c = 0; c < x[0].length; c++) y[i][c] = f.applyAsDouble(x[i][c]);
        return y;
    }

    static double[][] sum(double[][] a, double[][] b) {
        double[][] y = new double[a.length][a[0].length];
        for (int i = 0; i < a.length; i++) for (int c = 0; c < a[0].length; c++) y[i][c] = a[i][c] + b[i][c];
        return y;
    }

    static double[][][] combined(double[][][] x, double[] keep, double[][][] made, double[] scale) {
        double[][][] y = new double[x.length][x[0].length][x[0][0].length];
        for (int c = 0; c < x.length; c++) {
            for (int i = 0; i < x[0].length; i++) {
                for (int j = 0; j < x[0][0].length; j++) {
                    y[c][i][j] = (keep == null ? 1 : keep[c]) * x[c][i][j] + (scale == null ? 1 : scale[c]) * made[c][i][j];
                }
            }
        }
        return y;
    }

    static double[] mean(double[][] x) {
        double[] mean = new double[x[0].length];
        for (double[] row : x) for (int c = 0; c < mean.length; c++) mean[c] += row[c] / x.length;
        return mean;
    }

    static double squaredRelu(double x) {
        return x > 0 ? x * x : 0;
    }

    /** x Phi(x), the integral of the density by Simpson's rule. */
    static double gelu(double x) {
        int steps = 200;
        double h = x / steps;
        double sum = 0;
        for (int i = 0; i <= steps; i++) sum += Math.exp(-(i * h) * (i * h) / 2) * (i == 0 || i == steps ? 1 : i % 2 == 1 ? 4 : 2);
        return x * (0.5 + sum * h / 3 / Math.sqrt(2 * Math.PI));
    }
}
