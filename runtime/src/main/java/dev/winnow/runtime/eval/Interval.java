package dev.winnow.runtime.eval;

/** An estimate with a 95% confidence interval. */
public record Interval(double value, double low, double high) {
    public boolean contains(double x) {
        return low <= x && x <= high;
    }
}
