package dev.winnow.examples.localisation;

import dev.winnow.examples.localisation.SceneQuestion.Half;
import dev.winnow.examples.localisation.SceneQuestion.Kind;
import dev.winnow.examples.localisation.SceneQuestion.SceneObject;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;

/**
 * What one way of choosing did on all questions.
 *
 * @param method how patches were chosen
 * @param layer  language layer before which the others went
 * @param keep   share kept
 */
record LocalisationResult(String method, int layer, String keep, List<Asked> asked) {
    /**
     * One question.
     *
     * @param alive  patches of the picture left in the end, row by row
     * @param visual tokens of the picture in a language layer, mean over layers
     */
    record Asked(SceneQuestion question, boolean right, boolean[] alive, int grid, double visual) {
        /** Share of the patches of the objects asked about that were kept. */
        double seen() {
            int kept = 0;
            int all = 0;
            int patch = SceneQuestion.SIDE / grid;
            for (SceneObject object : question.objects()) {
                for (int p = 0; p < alive.length; p++) {
                    if (!object.covers(p / grid, p % grid, patch)) continue;
                    all++;
                    if (alive[p]) kept++;
                }
            }
            return (double) kept / all;
        }

        /** Share of the kept patches that come from a row. */
        double inRow(int row) {
            int kept = 0;
            int here = 0;
            for (int p = 0; p < alive.length; p++) {
                if (!alive[p]) continue;
                kept++;
                if (p / grid == row) here++;
            }
            return (double) here / kept;
        }

        private boolean in(Half half, Kind kind) {
            return question.half() == half && question.kind() == kind;
        }
    }

    /** A mean with its standard error; questions about one picture count as one draw. */
    record Estimate(double mean, double error, int count) {
        /** In points of a hundred, with twice the standard error. */
        String points(boolean signed) {
            return String.format(Locale.ROOT, signed ? "%+.1f ± %.1f" : "%.1f ± %.1f", 100 * mean, 200 * error);
        }

        /** Whether the mean is more than twice its standard error from 0. */
        boolean clear() {
            return Math.abs(mean) > 2 * error;
        }
    }

    int grid() {
        return asked.getFirst().grid();
    }

    double[] rows() {
        double[] rows = new double[grid()];
        for (int r = 0; r < rows.length; r++) {
            int row = r;
            rows[r] = asked.stream().mapToDouble(a -> a.inRow(row)).average().orElseThrow();
        }
        return rows;
    }

    /** Share of the kept patches in the upper half. */
    double topShare() {
        double[] rows = rows();
        double top = 0;
        for (int r = 0; r < rows.length / 2; r++) top += rows[r];
        return top;
    }

    double visual() {
        return asked.stream().mapToDouble(Asked::visual).average().orElseThrow();
    }

    Estimate accuracy(Kind kind, Half half) {
        return estimate(a -> a.in(half, kind), a -> a.right() ? 1 : 0);
    }

    /** Of all questions. */
    Estimate accuracy() {
        return estimate(a -> true, a -> a.right() ? 1 : 0);
    }

    /** Share of the asked objects' patches that were kept. */
    Estimate seen(Half half) {
        return estimate(a -> a.question().half() == half, Asked::seen);
    }

    /** By how much this is right more often than another on the same questions. */
    Estimate gain(LocalisationResult other, Half half) {
        Map<SceneQuestion, Boolean> theirs = new HashMap<>();
        other.asked.forEach(a -> theirs.put(a.question(), a.right()));
        return estimate(a -> a.question().half() == half, a -> (a.right() ? 1 : 0) - (theirs.get(a.question()) ? 1 : 0));
    }

    private Estimate estimate(Predicate<Asked> which, ToDoubleFunction<Asked> value) {
        List<Asked> chosen = asked.stream().filter(which).toList();
        double mean = chosen.stream().mapToDouble(value).average().orElseThrow();
        Map<Integer, Double> off = new HashMap<>();
        for (Asked a : chosen) off.merge(a.question().scene(), value.applyAsDouble(a) - mean, Double::sum);
        double square = off.values().stream().mapToDouble(d -> d * d).sum();
        return new Estimate(mean, Math.sqrt(square) / chosen.size(), chosen.size());
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT, "%-10s layer %d keep %-4s  right %s  top half of kept %.1f%%", method, layer, keep,
                accuracy().points(false), 100 * topShare());
    }
}
