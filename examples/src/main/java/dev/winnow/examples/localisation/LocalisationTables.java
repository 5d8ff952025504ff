package dev.winnow.examples.localisation;

import dev.winnow.examples.localisation.LocalisationResult.Estimate;
import dev.winnow.examples.localisation.SceneQuestion.Half;
import dev.winnow.examples.localisation.SceneQuestion.Kind;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The tables of the page about FEATHER's finding; the text around them is written by hand. */
record LocalisationTables(List<LocalisationResult> results) {
    private static final String BEGIN = "<!-- tables: made by examples/bench localisation -->\n";
    private static final String END = "<!-- end of the tables -->";

    /** The page with these tables in place of those it had. */
    String within(String page) {
        int from = page.indexOf(BEGIN);
        int to = page.indexOf(END);
        if (from < 0 || to < from) {
            throw new IllegalArgumentException("the page has no place for tables, between " + BEGIN.strip() + " and " + END);
        }
        return page.substring(0, from + BEGIN.length()) + text() + page.substring(to);
    }

    private String text() {
        return "\n### Rows that the kept patches come from, %\n\n" + rows()
                + "\n### Right answers, and patches of the asked objects kept, %\n" + accuracy()
                + "\n### Differences in right answers on the same questions, points\n" + differences() + "\n";
    }

    private String rows() {
        String numbers = IntStream.rangeClosed(1, results.getFirst().grid()).mapToObj(r -> " " + r + " |").collect(Collectors.joining());
        StringBuilder table = new StringBuilder("| layer | keep | chosen by |" + numbers + " upper half |\n|---|---|---|"
                + "---|".repeat(results.getFirst().grid()) + "---|\n");
        for (LocalisationResult r : results) {
            if (r.layer() == 0) continue;
            String cells = Arrays.stream(r.rows()).mapToObj(share -> String.format(Locale.ROOT, " %.1f |", 100 * share))
                    .collect(Collectors.joining());
            String upper = String.format(Locale.ROOT, " %.1f |", 100 * r.topShare());
            table.append("| " + r.layer() + " | " + r.keep() + " | " + r.method() + " |" + cells + upper + "\n");
        }
        return table.toString();
    }

    private String accuracy() {
        StringBuilder table = new StringBuilder("""

                | layer | keep | chosen by | tokens | where, top | where, bottom | relation, top | bottom | both | seen, top | bottom |
                |---|---|---|---|---|---|---|---|---|---|---|
                """);
        for (LocalisationResult r : results) {
            List<Estimate> cells = List.of(r.accuracy(Kind.POSITION, Half.TOP), r.accuracy(Kind.POSITION, Half.BOTTOM),
                    r.accuracy(Kind.RELATION, Half.TOP), r.accuracy(Kind.RELATION, Half.BOTTOM), r.accuracy(Kind.RELATION, Half.BOTH),
                    r.seen(Half.TOP), r.seen(Half.BOTTOM));
            String layer = r.layer() == 0 ? "" : String.valueOf(r.layer());
            table.append(String.format(Locale.ROOT, "| %s | %s | %s | %.0f | %s |%n", layer, r.keep(), r.method(), r.visual(),
                    cells.stream().map(e -> e.points(false)).collect(Collectors.joining(" | "))));
        }
        return table.toString();
    }

    private String differences() {
        StringBuilder table = new StringBuilder("\n| layer | keep | difference | top | bottom | both |\n|---|---|---|---|---|---|\n");
        for (LocalisationResult r : results) {
            switch (r.method()) {
                case "fastv" -> difference(table, r, "random");
                case "no rotary" -> difference(table, r, "rotary");
                case "feather" -> difference(table, r, "fastv");
                default -> { }
            }
        }
        return table.toString();
    }

    private void difference(StringBuilder table, LocalisationResult r, String other) {
        LocalisationResult than = find(other, r.layer(), r.keep());
        table.append(String.format(Locale.ROOT, "| %d | %s | %s - %s | %s | %s | %s |%n", r.layer(), r.keep(), r.method(), other,
                gain(r.gain(than, Half.TOP)), gain(r.gain(than, Half.BOTTOM)), gain(r.gain(than, Half.BOTH))));
    }

    private LocalisationResult find(String method, int layer, String keep) {
        return results.stream().filter(r -> r.method().equals(method) && r.layer() == layer && r.keep().equals(keep))
                .findFirst().orElseThrow();
    }

    private static String gain(Estimate e) {
        return e.clear() ? "**" + e.points(true) + "**" : e.points(true);
    }
}
