package dev.winnow.runtime.eval.report;

import java.util.ArrayList;
import java.util.List;

/** A linear axis over some values: round tick values, and places of values between two pixels. */
record Axis(double from, double to, double step, double start, double end) {
    private static final double[] STEPS = {1, 2, 2.5, 5, 10};

    /**
     * An axis that holds all values with some room at both ends.
     *
     * @param least no tick is below, nor a margin: counts have nothing under 0
     * @param start pixel of its lower end
     * @param end   pixel of its upper end
     * @param ticks about so many steps
     */
    static Axis over(List<Double> values, double least, double start, double end, int ticks) {
        double low = values.stream().mapToDouble(v -> v).min().orElse(0);
        double high = values.stream().mapToDouble(v -> v).max().orElse(1);
        double room = high > low ? 0.08 * (high - low) : Math.max(Math.abs(high) * 0.1, 1e-9);
        double step = roundStep((high - low + 2 * room) / ticks);
        double from = Math.max(least, Math.floor((low - room) / step) * step);
        double to = Math.ceil((high + room) / step) * step;
        return new Axis(from, to, step, start, end);
    }

    private static double roundStep(double rough) {
        double power = Math.pow(10, Math.floor(Math.log10(rough)));
        for (double s : STEPS) if (s * power >= rough) return s * power;
        return 10 * power;
    }

    double at(double value) {
        return start + (value - from) / (to - from) * (end - start);
    }

    List<Double> ticks() {
        List<Double> ticks = new ArrayList<>();
        int count = (int) Math.round((to - from) / step);
        for (int i = 0; i <= count; i++) if (from + i * step <= to + step / 1000) ticks.add(from + i * step);
        return ticks;
    }
}
