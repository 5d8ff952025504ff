package dev.winnow.runtime.tune;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * One number for how good each of some plans is that were asked the same questions; higher is better, and only differences mean
 * something. Right answers are what counts but are few and coarse; drift from the dense model is fine-grained but is not what counts. So
 * accuracy is predicted from drift by a line through all plans, and each plan's own accuracy is drawn towards its prediction, the more so
 * the more of its distance to the line is noise (shrinkage as in Efron and Morris 1973). The noise is that of differences between plans:
 * what all plans share in the difficulty of a question is taken out. Without answers it is drift alone.
 */
final class Merit {
    private static final int FEWEST_PLANS = 4;

    private Merit() {}

    /** @param marks of each plan, on the same questions */
    static double[] of(List<Marks> marks) {
        double[] drift = marks.stream().mapToDouble(Marks::drift).toArray();
        double[] accuracy = marks.stream().mapToDouble(Marks::accuracy).toArray();
        if (marks.isEmpty() || Double.isNaN(accuracy[0])) return Arrays.stream(drift).map(d -> -d).toArray();
        if (marks.size() < FEWEST_PLANS) return accuracy;
        Line line = Line.through(drift, accuracy);
        double noise = noise(marks);
        double misfit = Math.max(0, line.residual() - noise);
        double trust = misfit + noise == 0 ? 1 : misfit / (misfit + noise);
        double[] merit = new double[accuracy.length];
        Arrays.setAll(merit, i -> line.at(drift[i]) + trust * (accuracy[i] - line.at(drift[i])));
        return merit;
    }

    /**
     * Accuracy over drift; more drift is never taken to be better.
     *
     * @param residual variance of accuracies about it
     */
    private record Line(double slope, double offset, double residual) {
        static Line through(double[] x, double[] y) {
            int n = x.length;
            double mx = Arrays.stream(x).average().orElseThrow();
            double my = Arrays.stream(y).average().orElseThrow();
            double xx = 0;
            double xy = 0;
            for (int i = 0; i < n; i++) {
                xx += (x[i] - mx) * (x[i] - mx);
                xy += (x[i] - mx) * (y[i] - my);
            }
            double slope = xx == 0 ? 0 : Math.min(0, xy / xx);
            Line line = new Line(slope, my - slope * mx, 0);
            double squares = 0;
            for (int i = 0; i < n; i++) squares += Math.pow(y[i] - line.at(x[i]), 2);
            return new Line(slope, line.offset, squares / (n - 2));
        }

        double at(double x) {
            return offset + slope * x;
        }
    }

    /** Variance of one plan's accuracy that is neither its own worth nor the questions' difficulty: of a two-way layout, the rest. */
    private static double noise(List<Marks> marks) {
        int[] answered = answered(marks.getFirst());
        int plans = marks.size();
        int n = answered.length;
        if (n < 2) return 0;
        double[] plan = new double[plans];
        double[] question = new double[n];
        double all = 0;
        for (int p = 0; p < plans; p++) {
            for (int q = 0; q < n; q++) {
                double right = marks.get(p).right()[answered[q]];
                plan[p] += right / n;
                question[q] += right / plans;
                all += right / n / plans;
            }
        }
        double squares = 0;
        for (int p = 0; p < plans; p++) {
            for (int q = 0; q < n; q++) squares += Math.pow(marks.get(p).right()[answered[q]] - plan[p] - question[q] + all, 2);
        }
        return squares / (plans - 1) / (n - 1) / n;
    }

    private static int[] answered(Marks marks) {
        return IntStream.range(0, marks.count()).filter(q -> !Double.isNaN(marks.right()[q])).toArray();
    }
}
