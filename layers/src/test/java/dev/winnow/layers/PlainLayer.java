package dev.winnow.layers;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/** A layer over one whole sequence as its description reads, in doubles and without a thought for speed. */
final class PlainLayer {
    private final TransformerLayer layer;
    private final Attention a;
    private final int n;

    private PlainLayer(TransformerLayer layer, int n) {
        this.layer = layer;
        this.a = layer.attention();
        this.n = n;
    }

    /** @param x [n][width], at positions 0 to n - 1 */
    static double[][] run(TransformerLayer layer, double[][] x) {
        return new PlainLayer(layer, x.length).run(x);
    }

    private double[][] run(double[][] x) {
        Residual r = layer.residual();
        double[][] attended = attend(x);
        double[][] between = added(x, attended, r.afterAttention());
        double[][] read = r.parallel() ? x : between;
        double[][] made = new double[n][];
        for (int i = 0; i < n; i++) made[i] = mlp(layer.mlp(), normed(layer.mlpNorm(), read[i]));
        return added(between, made, r.afterMlp());
    }

    private double[][] added(double[][] x, double[][] branch, Norm after) {
        double[][] sum = new double[n][];
        for (int i = 0; i < n; i++) {
            double[] b = normed(after, branch[i]);
            double[] row = x[i].clone();
            for (int c = 0; c < row.length; c++) row[c] += layer.residual().scale() * b[c];
            sum[i] = row;
        }
        return sum;
    }

    private double[][] attend(double[][] x) {
        double[][] q = new double[n][];
        double[][] k = new double[n][];
        double[][] v = new double[n][];
        for (int i = 0; i < n; i++) {
            double[] normed = normed(layer.attentionNorm(), x[i]);
            q[i] = rotated(normed(a.queryNorm(), times(a.query(), normed)), i);
            k[i] = rotated(normed(a.keyNorm(), times(a.key(), normed)), i);
            v[i] = times(a.value(), normed);
        }
        double[][] attended = new double[n][];
        for (int i = 0; i < n; i++) {
            double[] all = new double[a.heads() * a.headDim()];
            for (int h = 0; h < a.heads(); h++) head(q[i], k, v, i, h, all);
            attended[i] = times(a.output(), all);
        }
        return attended;
    }

    private void head(double[] q, double[][] k, double[][] v, int i, int h, double[] out) {
        int at = h * a.headDim();
        int from = h / (a.heads() / a.kvHeads()) * a.headDim();
        double sum = 0;
        for (int j = 0; j < n; j++) {
            if (a.mask().causal() && j > i || j <= (long) i - a.mask().window()) continue;
            double logit = 0;
            for (int c = 0; c < a.headDim(); c++) logit += q[at + c] * k[j][from + c];
            logit *= a.scale();
            if (a.softcap() != 0) logit = a.softcap() * Math.tanh(logit / a.softcap());
            RelativePositionBias r = a.relative();
            if (r != null) logit += r.table()[h * r.entries() + r.index()[i * r.tokens() + j]];
            double p = Math.exp(logit);
            sum += p;
            for (int c = 0; c < a.headDim(); c++) out[at + c] += p * v[j][from + c];
        }
        for (int c = 0; c < a.headDim(); c++) out[at + c] /= sum;
    }

    private double[] rotated(double[] heads, int position) {
        if (a.rotary() == null) return heads;
        int half = a.rotary().half();
        double[] turned = heads.clone();
        for (int at = 0; at < heads.length; at += a.headDim()) {
            for (int d = 0; d < half; d++) {
                double angle = position * Math.pow(a.rotary().theta(), -(double) d / half);
                turned[at + d] = heads[at + d] * Math.cos(angle) - heads[at + half + d] * Math.sin(angle);
                turned[at + half + d] = heads[at + half + d] * Math.cos(angle) + heads[at + d] * Math.sin(angle);
            }
        }
        return turned;
    }

    private static double[] mlp(Mlp mlp, double[] x) {
        return switch (mlp) {
            case Mlp.Plain m -> times(m.down(), active(m.activation(), times(m.up(), x)));
            case Mlp.Gated m -> {
                double[] hidden = active(m.activation(), times(m.gate(), x));
                double[] up = times(m.up(), x);
                for (int i = 0; i < hidden.length; i++) hidden[i] *= up[i];
                yield times(m.down(), hidden);
            }
            case Mlp.MixtureOfExperts m -> mixed(m, x);
        };
    }

    private static double[] mixed(Mlp.MixtureOfExperts m, double[] x) {
        double[] p = Arrays.stream(times(m.router(), x)).map(Math::exp).toArray();
        int[] best = IntStream.range(0, p.length).boxed().sorted(Comparator.comparingDouble(e -> -p[e])).limit(m.active())
                .mapToInt(e -> e).toArray();
        double whole = m.normalised() ? Arrays.stream(best).mapToDouble(e -> p[e]).sum() : Arrays.stream(p).sum();
        double[] sum = new double[x.length];
        for (int e : best) {
            double[] made = mlp(m.experts().get(e), x);
            for (int c = 0; c < sum.length; c++) sum[c] += p[e] / whole * made[c];
        }
        return sum;
    }

    private static double[] active(Activation f, double[] x) {
        return switch (f) {
            case NONE -> x;
            case SILU -> Arrays.stream(x).map(v -> v / (1 + Math.exp(-v))).toArray();
            case RELU -> Arrays.stream(x).map(v -> Math.max(v, 0)).toArray();
            default -> throw new IllegalArgumentException(f.name());
        };
    }

    private static double[] normed(Norm norm, double[] x) {
        if (norm == null) return x;
        if (norm instanceof Norm.Factors f) return IntStream.range(0, x.length).mapToDouble(i -> x[i] * f.weight()[i]).toArray();
        double[] y = new double[x.length];
        for (int from = 0; from < x.length; from += norm.width()) {
            double[] part = Arrays.copyOfRange(x, from, from + norm.width());
            double mean = norm instanceof Norm.Layer ? Arrays.stream(part).average().orElseThrow() : 0;
            double square = Arrays.stream(part).map(v -> (v - mean) * (v - mean)).average().orElseThrow();
            float epsilon = switch (norm) {
                case Norm.Layer l -> l.epsilon();
                case Norm.Rms r -> r.epsilon();
                case Norm.Factors f -> throw new IllegalArgumentException("factors have no epsilon");
            };
            for (int c = 0; c < part.length; c++) {
                y[from + c] = (part[c] - mean) / Math.sqrt(square + epsilon) * norm.weight()[c];
                if (norm instanceof Norm.Layer l) y[from + c] += l.bias()[c];
            }
        }
        return y;
    }

    private static double[] times(Linear linear, double[] x) {
        float[] w = linear.weight().toFloats();
        double[] y = new double[linear.out()];
        for (int o = 0; o < y.length; o++) {
            if (linear.bias() != null) y[o] = linear.bias()[o];
            for (int i = 0; i < x.length; i++) y[o] += (double) w[o * x.length + i] * x[i];
        }
        return y;
    }
}
