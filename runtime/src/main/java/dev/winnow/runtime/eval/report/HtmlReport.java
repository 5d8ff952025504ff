package dev.winnow.runtime.eval.report;

import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.bench.Host;
import dev.winnow.runtime.eval.Evaluation;
import dev.winnow.runtime.eval.PlanResult;
import dev.winnow.runtime.eval.Results;
import dev.winnow.runtime.eval.questions.Question;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * The results as one HTML page that needs nothing else: style, script, plots and pictures are inside. What comes from files (answers,
 * names, plans) is escaped, and the page's policy lets nothing be loaded.
 */
public final class HtmlReport {
    static final String LAYERS = "How many ran each layer, mean over questions; in brackets how many layers in a row had as many.";

    private final Subject subject;
    private final Results results;
    private final ResultTable table;
    private final boolean times;

    private HtmlReport(Subject subject, Results results, boolean times) {
        this.subject = subject;
        this.results = results;
        this.table = new ResultTable(results);
        this.times = times;
    }

    /**
     * @param plans those of the results, without the dense one
     * @param times whether to show measured times, which differ from run to run
     */
    public static String of(Subject subject, Results results, Evaluation evaluation, List<ReductionPlan> plans, boolean times) {
        return new HtmlReport(subject, results, times).page(new ExampleCards(results, evaluation, plans).html());
    }

    private String page(String examples) {
        StringBuilder page = new StringBuilder("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        page.append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta http-equiv=\"Content-Security-Policy\" ")
                .append("content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n<title>")
                .append(Html.text(subject.model())).append(": what reduction costs</title>\n<style>\n").append(resource("report.css"))
                .append("</style>\n</head>\n<body>\n<main>\n").append(head()).append(findings());
        if (!results.reduced().isEmpty()) page.append(plots());
        page.append(section("Accuracy and work", "", rows(table.counted(), true)));
        page.append(section("By type of question", results.judged() ? "Accuracy." : "Agreement with the dense answer.", typeRows()));
        if (!table.flips().isEmpty()) page.append(section("Right answers lost and gained", "Lost: right dense, wrong reduced. Gained: the other way.",
                rows(table.flips(), false)));
        if (!examples.isEmpty()) page.append(section("Where plans disagree with the dense model",
                "Left the picture, right what the plan keeps of it: dropped patches are dark, those merged into others half dark.", examples));
        if (!table.layers().isEmpty()) page.append(section("Tokens of the pictures, layer by layer", LAYERS, rows(table.layers(), true)));
        if (times) page.append(section("Times", "Measured with one question on each core, so different in every run. " + Host.describe() + ".",
                rows(table.timed(), true)));
        StringBuilder how = new StringBuilder();
        for (String text : Explanations.all(results)) how.append("<p>").append(Html.text(text)).append("</p>");
        page.append(section("How it was measured", "", how.toString()));
        return page.append("</main>\n<script>\n").append(resource("report.js")).append("</script>\n</body>\n</html>\n").toString();
    }

    private String head() {
        long pictures = results.questions().stream().flatMap(q -> q.pictures().stream()).distinct().count();
        String asked = results.questions().size() + (results.questions().size() < subject.available() ? " of " + subject.available() : "");
        return "<header><p class=\"kicker\">Winnow evaluation</p><h1>What reduction costs <em>" + Html.text(subject.model()) + "</em></h1><p class=\"about\">"
                + Html.text(asked + " questions of " + subject.questions() + " (" + subject.format() + ")"
                + (pictures == 0 ? "" : " about " + pictures + " pictures") + ", " + kinds() + "; model family " + subject.family()
                + (subject.quantization().equals("none") ? "" : ", matrices rounded to " + subject.quantization()) + "; the dense model and "
                + count(results.reduced().size(), "plan")) + ".</p></header>\n";
    }

    private String kinds() {
        return count((int) results.questions().stream().map(Question::type).distinct().count(), "type");
    }

    private static String count(int n, String what) {
        return n + " " + what + (n == 1 ? "" : "s");
    }

    private String findings() {
        StringBuilder html = new StringBuilder("<section class=\"findings\">");
        for (Verdict.Finding f : Verdict.of(results, subject, times)) {
            String size = f.figure().length() > 8 ? " class=\"long\"" : "";
            html.append("<div><h2>").append(Html.text(f.title())).append("</h2><strong").append(size).append('>').append(breakable(f.figure()))
                    .append("</strong><p>").append(Html.text(f.text())).append("</p></div>");
        }
        return html.append("</section>\n").toString();
    }

    private static String section(String title, String lead, String body) {
        return "<section><h2>" + Html.text(title) + "</h2>" + (lead.isEmpty() ? "" : "<p class=\"lead\">" + Html.text(lead) + "</p>") + body
                + "</section>\n";
    }

    private String plots() {
        PlanResult dense = results.dense();
        StringBuilder html = new StringBuilder("<section><h2>What is kept for what it costs</h2><p class=\"lead\">Numbers are the")
                .append(" plans of the table. Up and to the left is better; the line joins the plans that no other beats both ways.</p><div class=\"plots\">");
        if (dense.cost().visualTokens() > 0) {
            html.append(plot("visual tokens per layer", p -> p.cost().visualTokens(), v -> String.format(Locale.ROOT, "%.0f", v)));
        }
        if (times) {
            boolean milliseconds = dense.timing().firstToken() < 1;
            html.append(plot("time to " + table.firstToken() + (milliseconds ? ", ms" : ", s"), p -> p.timing().firstToken(),
                    v -> trimmed(milliseconds ? 1000 * v : v)));
        }
        if (dense.cost().cacheBytes() > 0) {
            html.append(plot("cache after the prompt", p -> p.cost().cacheBytes(), v -> Figures.quantity(v, "B")));
        } else {
            html.append(plot("operations, percent of dense", p -> p.cost().firstTokenFlops() / dense.cost().firstTokenFlops(),
                    v -> String.format(Locale.ROOT, "%.0f%%", 100 * v)));
        }
        return html.append("</div><p id=\"pointed\" aria-live=\"polite\">Point at a plan, or tap it.</p></section>\n").toString();
    }

    private static String trimmed(double v) {
        return String.format(Locale.ROOT, "%.2f", v).replaceAll("\\.?0+$", "");
    }

    private String plot(String across, ToDoubleFunction<PlanResult> cost, DoubleFunction<String> text) {
        boolean judged = results.judged();
        List<ScatterPlot.Point> points = new ArrayList<>();
        for (int i = 0; i < results.plans().size(); i++) {
            PlanResult p = results.plans().get(i);
            double y = judged ? p.accuracy().value() : p.divergence();
            if (Double.isNaN(y)) continue;
            points.add(new ScatterPlot.Point(i, cost.applyAsDouble(p), y, judged ? p.accuracy().low() : y, judged ? p.accuracy().high() : y,
                    hint(i)));
        }
        ScatterPlot.Scale up = judged ? new ScatterPlot.Scale("accuracy", v -> String.format(Locale.ROOT, "%.0f%%", 100 * v))
                : new ScatterPlot.Scale("KL to dense", HtmlReport::trimmed);
        return "<figure><figcaption>" + Html.text((judged ? "Accuracy" : "KL to dense") + " against " + across) + "</figcaption>"
                + new ScatterPlot(points, new ScatterPlot.Scale(across, text), up, judged).svg() + "</figure>";
    }

    private String hint(int plan) {
        PlanResult p = results.plans().get(plan);
        String hint = table.named(plan) + ": " + (results.judged() ? Figures.percent(p.accuracy().value()) + " right (" + Figures.range(p.accuracy())
                + ")" : "KL " + Figures.divergence(p.divergence()));
        if (p.cost().visualTokens() > 0) hint += ", " + Figures.decimals(p.cost().visualTokens(), 1) + " visual tokens";
        if (p.cost().cacheBytes() > 0) hint += ", cache " + Figures.quantity(p.cost().cacheBytes(), "B");
        return times ? hint + ", " + table.firstToken() + " after " + Figures.seconds(p.timing().firstToken()) : hint;
    }

    private static String rows(List<List<String>> rows, boolean plans) {
        StringBuilder html = new StringBuilder("<div class=\"scroll\"><table>");
        for (int i = 0; i < rows.size(); i++) {
            html.append(plans && i > 0 ? "<tr data-plan=\"" + (i - 1) + "\">" : "<tr>");
            String cell = i == 0 ? "th" : "td";
            for (int c = 0; c < rows.get(i).size(); c++) {
                String kind = c == 0 ? "th scope=\"" + (i == 0 ? "col" : "row") + "\"" : cell;
                html.append('<').append(kind).append('>').append(breakable(rows.get(i).get(c))).append("</").append(c == 0 ? "th" : cell).append('>');
            }
            html.append("</tr>");
        }
        return html.append("</table></div>").toString();
    }

    /** Text that may be broken between the options of a plan. */
    private static String breakable(String text) {
        return Html.text(text).replaceAll("([,:/])(?=\\S)", "$1<wbr>");
    }

    /** Like {@link #rows}, with cells shaded by how far they are from the dense model. */
    private String typeRows() {
        List<List<String>> rows = table.types();
        StringBuilder html = new StringBuilder("<div class=\"scroll\"><table class=\"types\"><tr>");
        for (String heading : rows.getFirst()) html.append("<th scope=\"col\">").append(Html.text(heading)).append("</th>");
        html.append("</tr>");
        for (List<String> row : rows.subList(1, rows.size())) {
            String type = row.getFirst();
            html.append("<tr><th scope=\"row\">").append(Html.text(type)).append("</th><td>").append(row.get(1)).append("</td>");
            double dense = table.share(results.dense().types().get(type));
            IntStream.range(0, results.plans().size()).forEach(i -> html.append(shaded(row.get(i + 2),
                    table.share(results.plans().get(i).types().get(type)) - dense)));
            html.append("</tr>");
        }
        return html.append("</table></div>").toString();
    }

    /** A loss of 40 points or more has the deepest shade. */
    private static String shaded(String text, double difference) {
        double depth = Double.isNaN(difference) ? 0 : Math.min(1, Math.abs(difference) / 0.4);
        if (depth < 0.02) return "<td>" + Html.text(text) + "</td>";
        return String.format(Locale.ROOT, "<td class=\"%s\" style=\"--depth:%.2f\">%s</td>", difference < 0 ? "worse" : "better", depth, Html.text(text));
    }

    private static String resource(String name) {
        try (InputStream in = HtmlReport.class.getResourceAsStream(name)) {
            if (in == null) throw new IllegalStateException("the resource " + name + " is missing from this build");
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("the resource " + name + " cannot be read", e);
        }
    }
}
