package dev.winnow.runtime.eval.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.eval.DemoQuestions;
import dev.winnow.runtime.eval.Evaluation;
import dev.winnow.runtime.eval.Judge;
import dev.winnow.runtime.eval.Results;
import dev.winnow.runtime.eval.questions.Question;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The reports of one small evaluation, with text in it that tries to be markup. */
class HtmlReportTest {
    private static final String HOSTILE = "</script><script>alert('x')</script>|&\"";

    private static Subject subject;
    private static Results results;
    private static String html;

    @BeforeAll
    static void evaluate() {
        List<Question> questions = new ArrayList<>(DemoQuestions.every(20));
        Question q = questions.getFirst();
        questions.set(0, new Question(HOSTILE, HOSTILE, q.pictures(), HOSTILE, List.of(HOSTILE), List.of(), q.label(), q.reference()));
        List<ReductionPlan> plans = List.of(ReductionPlan.parse(List.of("visionzip:keep=8")), ReductionPlan.parse(List.of("tome:r=8", "fastv:k=2,keep=25%")));
        subject = new Subject("shapes " + HOSTILE, "llava", "abc", "qa.jsonl", "JSON lines", "def", 600, Judge.EXACT, 96, "none");
        try (Winnow model = Winnow.open(DemoQuestions.VLM)) {
            Evaluation evaluation = new Evaluation(model, questions, Judge.EXACT, 96);
            results = Results.of(questions, plans, evaluation.run(plans, Map.of(), a -> { }));
            html = HtmlReport.of(subject, results, evaluation, plans, true);
        }
    }

    @Test
    void textFromFilesIsText() {
        assertThat(html).doesNotContain("<script>alert").contains("&lt;script&gt;alert(&#39;x&#39;)");
        assertThat(html.split("<script", -1)).hasSize(2);
    }

    @Test
    void nothingIsLoadedFromElsewhere() {
        assertThat(Pattern.compile("(?:src|href)=\"(?!#|data:)|url\\(|@import|https?:").matcher(html).find()).isFalse();
        assertThat(html).contains("default-src 'none'");
    }

    @Test
    void showsEveryPlanInEveryPlotWithPictures() {
        assertThat(html.split("<svg class=\"plot\"", -1)).hasSize(4);
        assertThat(html.split("class=\"mark\" data-plan=\"2\"", -1)).hasSize(4);
        assertThat(html).contains("#2 tome:r=8 + fastv:").contains("data:image/png;base64,").contains("class=\"dropped\"");
        assertThat(html.replaceAll("base64,[^\"]*", "")).doesNotContain("NaN").doesNotContain("Infinity");
        assertThat(html.split("<article", -1).length).isBetween(3, 9);
    }

    @Test
    void pictureShapesUseSymbolsThatAreThere() {
        Matcher used = Pattern.compile("<use href=\"#(picture\\d+)\"").matcher(html);
        int count = 0;
        for (; used.find(); count++) assertThat(html).contains("<symbol id=\"" + used.group(1) + "\"");
        assertThat(count).isPositive();
    }

    @Test
    void markdownKeepsRowsInOneLine() {
        String page = MarkdownReport.of(subject, results, false);
        List<String> accuracy = page.lines().dropWhile(l -> !l.startsWith("## Accuracy")).skip(2).takeWhile(l -> l.startsWith("|")).toList();
        assertThat(accuracy).hasSize(5);
        long bars = bars(accuracy.getFirst());
        assertThat(accuracy).allMatch(row -> bars(row) == bars);
        assertThat(page).doesNotContain("## Times").contains("\\<script\\>");
        assertThat(MarkdownReport.of(subject, results, true)).contains("## Times");
    }

    private static long bars(String row) {
        return Pattern.compile("(?<!\\\\)\\|").matcher(row).results().count();
    }

    @Test
    void failuresAreCountedByType() {
        String list = FailureList.of(results);
        int lost = results.reduced().getFirst().flips().lost();
        assertThat(lost).isPositive();
        assertThat(list).contains("#1 visionzip").contains(": " + lost + " right answers lost, ").contains(" -> ");
        assertThat(list.lines().takeWhile(l -> !l.startsWith("#2")).filter(l -> l.startsWith("    "))).hasSize(lost);
    }

    @Test
    void layersThatRunAsManyTokensAreNamedTogether() {
        List<List<String>> layers = new ResultTable(results).layers();
        assertThat(layers.getFirst()).containsExactly("plan", "vision layers", "language layers");
        assertThat(layers.get(1).get(2)).isEqualTo("144 (6)");
        assertThat(layers.get(2).get(2)).isEqualTo("8 (6)");
        assertThat(layers.get(3).get(2)).contains("(2), ").contains("(4)");
    }

    @Test
    void theJsonHasNoTimesAmongTheCounts() {
        assertThat(ResultsJson.counted(subject, results).toString()).doesNotContainIgnoringCase("seconds");
        assertThat(ResultsJson.times(results).toString()).contains("firstTokenSeconds").contains("machine");
        assertThat(ResultsJson.answers(results)).hasSize(3 * results.questions().size());
    }
}
