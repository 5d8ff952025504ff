package dev.winnow.runtime.cli;

import dev.winnow.runtime.eval.report.Figures;
import java.util.List;

/** Text for people: numbers with units, aligned columns. */
final class Tables {
    private Tables() {}

    static String quantity(double n, String unit) {
        return Figures.quantity(n, unit);
    }

    static String seconds(double s) {
        return Figures.seconds(s);
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
