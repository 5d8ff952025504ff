package dev.winnow.examples.localisation;

import dev.winnow.examples.localisation.LocalisationResult.Estimate;
import dev.winnow.examples.localisation.SceneQuestion.Half;
import dev.winnow.examples.localisation.SceneQuestion.Kind;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The page about FEATHER's finding. Its numbers and what it says of them come from the results. */
record LocalisationPage(List<LocalisationResult> results) {
    String text() {
        LocalisationResult dense = results.getFirst();
        return """
                %s
                """.formatted(dense) + rows() + accuracy() + differences();
    }

    private String rows() {
        String numbers = IntStream.rangeClosed(1, results.getFirst().grid()).mapToObj(r -> " " + r + " |").collect(Collectors.joining());
        StringBuilder table = new StringBuilder("| before layer | keep | chosen by |" + numbers + " upper half |\n|---|---|---|"
                + "---|".repeat(results.getFirst().grid()) + "---|\n");
        for (LocalisationResult r : results) {
            if (r.layer() == 0) continue;
            String cells = Arrays.stream(r.rows()).mapToObj(share -> String.format(Locale.ROOT, " %.1f |", 100 * share)).collect(Collectors.joining());
            table.append(String.format(Locale.ROOT, "| %d | %s | %s |%s %.1f%% |%n", r.layer(), r.keep(), r.method(), cells, 100 * r.topShare()));
        }
        return table.toString();
    }

    private String accuracy() {
        StringBuilder table = new StringBuilder("""

                | before layer | keep | chosen by | tokens | where, top | where, bottom | relation, top | relation, bottom | relation, both | seen, top | seen, bottom |
                |---|---|---|---|---|---|---|---|---|---|---|
                """);
        for (LocalisationResult r : results) {
            table.append(String.format(Locale.ROOT, "| %s | %s | %s | %.0f | %s | %s | %s | %s | %s | %s | %s |%n", r.layer() == 0 ? "" : r.layer(), r.keep(),
                    r.method(), r.visual(), points(r.accuracy(Kind.POSITION, Half.TOP)), points(r.accuracy(Kind.POSITION, Half.BOTTOM)),
                    points(r.accuracy(Kind.RELATION, Half.TOP)), points(r.accuracy(Kind.RELATION, Half.BOTTOM)),
                    points(r.accuracy(Kind.RELATION, Half.BOTH)), points(r.seen(Half.TOP)), points(r.seen(Half.BOTTOM))));
        }
        return table.toString();
    }

    private String differences() {
        StringBuilder table = new StringBuilder("\n| before layer | keep | difference | top | bottom | both |\n|---|---|---|---|---|---|\n");
        for (LocalisationResult r : results) {
            if (!r.method().equals("no rotary")) continue;
            difference(table, r, "rotary");
            difference(table, r, "random");
        }
        for (LocalisationResult r : results) if (r.method().equals("feather")) difference(table, r, "fastv");
        for (LocalisationResult r : results) if (r.method().equals("fastv")) difference(table, r, "random");
        return table.toString();
    }

    private void difference(StringBuilder table, LocalisationResult r, String other) {
        LocalisationResult than = find(other, r.layer(), r.keep());
        table.append(String.format(Locale.ROOT, "| %d | %s | %s - %s | %s | %s | %s |%n", r.layer(), r.keep(), r.method(), other,
                gain(r.gain(than, Half.TOP)), gain(r.gain(than, Half.BOTTOM)), gain(r.gain(than, Half.BOTH))));
    }

    private LocalisationResult find(String method, int layer, String keep) {
        return results.stream().filter(r -> r.method().equals(method) && r.layer() == layer && r.keep().equals(keep)).findFirst().orElseThrow();
    }

    private static String points(Estimate e) {
        return e.points(false);
    }

    private static String gain(Estimate e) {
        return e.clear() ? "**" + e.points(true) + "**" : e.points(true);
    }
}
