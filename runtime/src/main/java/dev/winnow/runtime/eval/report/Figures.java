package dev.winnow.runtime.eval.report;

import dev.winnow.runtime.eval.Interval;
import java.util.Locale;

/** Numbers as people read them; a dash for what is not known. */
public final class Figures {
    private static final String UNKNOWN = "-";

    private Figures() {}

    /** 12,300,000,000 as "12.3 G". */
    public static String quantity(double n, String unit) {
        String[] prefixes = {"", "k", "M", "G", "T", "P"};
        int p = 0;
        while (Math.abs(n) >= 999.5 && p < prefixes.length - 1) {
            n /= 1000;
            p++;
        }
        String digits = p == 0 ? "%.0f" : n >= 99.5 ? "%.0f" : n >= 9.95 ? "%.1f" : "%.2f";
        return String.format(Locale.ROOT, digits, n) + " " + prefixes[p] + unit;
    }

    public static String seconds(double s) {
        return s < 0.0995 ? String.format(Locale.ROOT, "%.1f ms", s * 1000)
                : s < 1 ? String.format(Locale.ROOT, "%.0f ms", s * 1000) : String.format(Locale.ROOT, "%.2f s", s);
    }

    /** A share as "79.8%". */
    static String percent(double share) {
        return Double.isNaN(share) ? UNKNOWN : String.format(Locale.ROOT, "%.1f%%", 100 * share);
    }

    /** An interval of shares as "76.5 to 83.0". */
    static String range(Interval i) {
        return Double.isNaN(i.low()) ? UNKNOWN : String.format(Locale.ROOT, "%.1f to %.1f", 100 * i.low(), 100 * i.high());
    }

    /** A difference of shares in points, "-1.5". */
    static String points(double difference) {
        return Double.isNaN(difference) ? UNKNOWN : String.format(Locale.ROOT, "%+.1f", 100 * difference).replaceAll("^[+-]0\\.0$", "0.0");
    }

    static String signedRange(Interval i) {
        return Double.isNaN(i.low()) ? UNKNOWN : points(i.low()) + " to " + points(i.high());
    }

    static String p(double p) {
        return Double.isNaN(p) ? UNKNOWN : p < 0.001 ? "<0.001" : String.format(Locale.ROOT, "%.3f", p);
    }

    static String decimals(double x, int digits) {
        return Double.isNaN(x) ? UNKNOWN : String.format(Locale.ROOT, "%." + digits + "f", x);
    }

    /** A divergence: four decimals, and no zero for what is none. */
    static String divergence(double kl) {
        return kl > 0 && kl < 0.00005 ? "<0.0001" : decimals(kl, 4);
    }

    /** How many times larger a is than b, "2.1x". */
    static String times(double a, double b) {
        return b == 0 || Double.isNaN(a / b) ? UNKNOWN : String.format(Locale.ROOT, "%.2fx", a / b);
    }
}
