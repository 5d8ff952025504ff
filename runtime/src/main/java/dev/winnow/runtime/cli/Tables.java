package dev.winnow.runtime.cli;

import java.util.List;
import java.util.Locale;

/** Text for people: numbers with units, aligned columns. */
final class Tables {
    private Tables() {}

    /** 12,300,000,000 as "12.3 G". */
    static String quantity(double n, String unit) {
        String[] prefixes = {"", "k", "M", "G", "T", "P"};
        int p = 0;
        while (Math.abs(n) >= 999.5 && p < prefixes.length - 1) {
            n /= 1000;
            p++;
        }
        String digits = p == 0 ? "%.0f" : n >= 99.5 ? "%.0f" : n >= 9.95 ? "%.1f" : "%.2f";
        return String.format(Locale.ROOT, digits, n) + " " + prefixes[p] + unit;
    }

    static String seconds(double s) {
        return s < 0.0995 ? String.format(Locale.ROOT, "%.1f ms", s * 1000)
                : s < 1 ? String.format(Locale.ROOT, "%.0f ms", s * 1000) : String.format(Locale.ROOT, "%.2f s", s);
    }

    /** Rows in columns: the first flush left, the others flush right. */
    static String columns(List<List<String>> rows) {
        int n = rows.getFirst().size();
        int[] width = new int[n];
        for (List<String> row : rows) for (int i = 0; i < n; i++) width[i] = Math.max(width[i], row.get(i).length());
        StringBuilder text = new StringBuilder();
        for (List<String> row : rows) {
            for (int i = 0; i < n; i++) {
                String pad = " ".repeat(width[i] - row.get(i).length());
                text.append(i == 0 ? row.get(i) + pad : "  " + pad + row.get(i));
            }
            text.append(System.lineSeparator());
        }
        return text.toString();
    }
}
