package dev.winnow.runtime.eval.report;

import dev.winnow.runtime.bench.Host;
import dev.winnow.runtime.eval.Results;
import java.util.List;

/** The results as a Markdown page. */
public final class MarkdownReport {
    private MarkdownReport() {}

    /** @param times whether to write measured times, which differ from run to run */
    public static String of(Subject subject, Results results, boolean times) {
        ResultTable table = new ResultTable(results);
        StringBuilder text = new StringBuilder("# What reduction costs " + cell(subject.model()) + "\n\n");
        text.append(results.questions().size()).append(" questions of ").append(cell(subject.questions())).append(" (").append(subject.format())
                .append("), model family ").append(cell(subject.family())).append(".\n\n");
        for (Verdict.Finding f : Verdict.of(results, subject, false)) {
            text.append("- **").append(f.title()).append("**: ").append(cell(f.figure())).append(". ").append(cell(f.text())).append('\n');
        }
        text.append("\n## Accuracy and work\n\n").append(rows(table.counted()));
        text.append("\n## By type of question\n\n").append(rows(table.types()));
        if (!table.flips().isEmpty()) text.append("\n## Right answers lost and gained\n\n").append(rows(table.flips()));
        if (!table.layers().isEmpty()) {
            text.append("\n## Tokens of the pictures, layer by layer\n\n").append(HtmlReport.LAYERS).append("\n\n").append(rows(table.layers()));
        }
        if (times) {
            text.append("\n## Times\n\nMeasured with one question on each core, so different in every run: ").append(cell(Host.describe()))
                    .append(".\n\n").append(rows(table.timed()));
        }
        return text.append("\n## How it was measured\n\n").append(String.join("\n\n", Explanations.all(results))).append('\n').toString();
    }

    private static String rows(List<List<String>> rows) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < rows.size(); i++) {
            text.append("| ").append(String.join(" | ", rows.get(i).stream().map(MarkdownReport::cell).toList())).append(" |\n");
            if (i == 0) text.append("|---|").append("---:|".repeat(rows.get(i).size() - 1)).append('\n');
        }
        return text.toString();
    }

    /** Text from files, kept from being read as markup. */
    private static String cell(String text) {
        return text.replaceAll("[\\r\\n]+", " ").replaceAll("([|<>&*_`\\[\\]\\\\])", "\\\\$1");
    }
}
