package dev.winnow.runtime.tune;

import dev.winnow.runtime.RequestException;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a plan may use at most: {@code 25%} or {@code tokens=36}, {@code flops=50%}, {@code ttft=120ms}, {@code cache=2MB}. A share is
 * one of what the dense model uses on the same questions. Compared is the mean over questions, of times to the first token the median.
 *
 * @param measure what is limited
 * @param amount  in the measure's unit, or a share of dense
 * @param share   whether it is a share
 */
public record TuningBudget(Measure measure, double amount, boolean share) {
    /** Counts of tokens come in whole numbers, so a mean may lie this share above the limit. */
    private static final double ROUNDING = 0.005;
    private static final Pattern FORM = Pattern.compile("(?:([a-z]+)=)?(\\d+(?:\\.\\d+)?)\\s*(%|[A-Za-z]*)");

    /** What can be limited. */
    public enum Measure {
        /** Visual tokens that run a language layer, mean over the layers: half the layers with all tokens is a budget of one half. */
        TOKENS("tokens", "visual tokens", Map.of("", 1.0)) {
            @Override
            public double of(Usage usage) {
                return usage.visualTokens();
            }
        },
        /** Operations of tower, projector and prompt pass. */
        FLOPS("flops", "FLOP", Map.of("FLOP", 1.0, "MFLOP", 1e6, "GFLOP", 1e9, "TFLOP", 1e12)) {
            @Override
            public double of(Usage usage) {
                return usage.flops();
            }
        },
        /** Time from pixels to the first token on this machine, of one request that has all threads to itself. */
        TTFT("ttft", "s to the first token", Map.of("ms", 1e-3, "s", 1.0)) {
            @Override
            public double of(Usage usage) {
                return usage.firstTokenSeconds();
            }
        },
        /** Keys and values alive after the prompt pass. */
        CACHE("cache", "bytes of cache", Map.of("B", 1.0, "kB", 1e3, "MB", 1e6, "GB", 1e9)) {
            @Override
            public double of(Usage usage) {
                return usage.cacheBytes();
            }
        };

        private final String word;
        private final String unit;
        private final Map<String, Double> units;

        Measure(String word, String unit, Map<String, Double> units) {
            this.word = word;
            this.unit = unit;
            this.units = units;
        }

        /** The amount of it that was used. */
        public abstract double of(Usage usage);

        /** An amount for people. */
        public String text(double amount) {
            return (amount < 1 ? String.format(Locale.ROOT, "%.4f", amount) : amount < 1e6 ? String.format(Locale.ROOT, "%.1f", amount)
                    : String.format(Locale.ROOT, "%.3g", amount)) + " " + unit;
        }
    }

    /** @throws RequestException for a text that is no budget */
    public static TuningBudget parse(String text) {
        Matcher m = FORM.matcher(text.strip());
        if (!m.matches()) throw malformed(text);
        Measure measure = measure(m.group(1), text);
        double number = Double.parseDouble(m.group(2));
        String unit = m.group(3);
        // a number with a point and no unit is a share, as in the option keep of every method
        boolean share = unit.equals("%") || unit.isEmpty() && m.group(2).contains(".");
        double amount = unit.equals("%") ? number / 100 : share ? number : number * unit(measure, unit, text);
        if (amount <= 0) throw new RequestException("budget '" + text + "' should be more than nothing");
        if (share && measure == Measure.TTFT) throw new RequestException("budget '" + text + "' should be a time, such as ttft=120ms");
        if (share && amount >= 1) throw new RequestException("budget '" + text + "' should be less than what the dense model uses");
        return new TuningBudget(measure, amount, share);
    }

    private static Measure measure(String word, String text) {
        if (word == null) return Measure.TOKENS;
        for (Measure m : Measure.values()) if (m.word.equals(word)) return m;
        throw malformed(text);
    }

    private static double unit(Measure measure, String unit, String text) {
        Double factor = measure.units.get(unit);
        if (factor == null) throw malformed(text);
        return factor;
    }

    private static RequestException malformed(String text) {
        return new RequestException("budget '" + text + "' should be like 25%, tokens=36, flops=50%, ttft=120ms or cache=2MB");
    }

    /** The most a plan may use, given what the dense model uses on the same questions. */
    public double limit(Usage dense) {
        return share ? amount * measure.of(dense) : amount;
    }

    /** Whether a plan that uses so much is within the budget; half a percent is left for rounding to whole tokens. */
    public boolean holds(Usage usage, Usage dense) {
        return measure.of(usage) <= limit(dense) * (1 + ROUNDING);
    }

    /** Whether the same seed gives the same plan: not where the clock decides what is within the budget. */
    public boolean repeatable() {
        return measure != Measure.TTFT;
    }

    @Override
    public String toString() {
        if (share) return measure.word + "=" + String.format(Locale.ROOT, "%.6g", 100 * amount).replaceAll("\\.?0+$", "") + "%";
        return measure.word + "=" + measure.text(amount);
    }
}
