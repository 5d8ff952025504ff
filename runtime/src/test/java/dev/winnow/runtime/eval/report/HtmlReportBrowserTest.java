package dev.winnow.runtime.eval.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.browser.Browser;
import dev.winnow.runtime.eval.DemoQuestions;
import dev.winnow.runtime.eval.Evaluation;
import dev.winnow.runtime.eval.Judge;
import dev.winnow.runtime.eval.Results;
import dev.winnow.runtime.eval.questions.Question;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The report in a real browser. Skipped where there is none. */
class HtmlReportBrowserTest {
    @TempDir
    private static Path folder;
    private static Browser browser;
    private static URI page;

    @BeforeAll
    static void open() throws IOException {
        Optional<Path> program = Browser.program();
        assumeTrue(program.isPresent(), "no browser: set WINNOW_BROWSER to a Chromium, or have one on the path");
        List<Question> questions = DemoQuestions.every(40);
        List<ReductionPlan> plans = List.of(ReductionPlan.parse(List.of("visionzip:keep=8")),
                ReductionPlan.parse(List.of("tome:r=8", "fastv:k=2,keep=25%", "snapkv:keep=64")));
        try (Winnow model = Winnow.open(DemoQuestions.VLM)) {
            Evaluation evaluation = new Evaluation(model, questions, Judge.EXACT, 96);
            Results results = Results.of(questions, plans, evaluation.run(plans, Map.of(), a -> { }));
            Subject subject = new Subject("a-model-with-a-rather-long-name-that-has-no-blanks", "llava", "a", "qa.jsonl", "JSON lines", "b", 600,
                    Judge.EXACT, 96, "none");
            page = Files.writeString(folder.resolve("report.html"), HtmlReport.of(subject, results, evaluation, plans, true)).toUri();
        }
        browser = new Browser(program.get(), Files.createDirectory(folder.resolve("profile")));
    }

    @AfterAll
    static void close() {
        if (browser != null) browser.close();
    }

    @ParameterizedTest
    @CsvSource({"390, false", "390, true", "1280, false", "1280, true"})
    void fitsTheWindowAndItsColours(int width, boolean dark) {
        browser.open(page, width, 844, dark);
        assertThat(browser.evaluate("document.documentElement.scrollWidth").asInt()).isLessThanOrEqualTo(width);
        // what is best stands in the first screen
        assertThat(browser.evaluate("document.querySelector('.findings strong').getBoundingClientRect().bottom").asInt()).isLessThan(844);
        JsonNode paper = browser.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)");
        assertThat(paper.get(0).asInt() > 127).isEqualTo(!dark);
        assertThat(browser.complaints()).isEmpty();
    }

    @Test
    void picturesAreShown() {
        browser.open(page, 1280, 900, false);
        assertThat(browser.evaluate("document.querySelectorAll('.card .picture').length").asInt()).isGreaterThan(3);
        assertThat(browser.evaluate("(async () => { for (const i of document.querySelectorAll('symbol image')) { const p = new Image();"
                + " p.src = i.getAttribute('href'); await p.decode(); if (p.naturalWidth !== 96) return false; } return true; })()").asBoolean()).isTrue();
        assertThat(browser.evaluate("document.querySelector('.card .picture').getBoundingClientRect().height").asInt()).isGreaterThan(80);
    }

    @Test
    void aPlanPointedAtIsMarkedEverywhere() {
        browser.open(page, 1280, 900, false);
        JsonNode at = browser.evaluate("(() => { const b = document.querySelector('.mark[data-plan=\"2\"] circle:not(.near)').getBoundingClientRect();"
                + " return [b.x + b.width / 2, b.y + b.height / 2]; })()");
        browser.point(at.get(0).asDouble(), at.get(1).asDouble());
        assertThat(browser.evaluate("document.querySelectorAll('.mark.on').length").asInt()).isEqualTo(3);
        assertThat(browser.evaluate("document.querySelectorAll('tr.on').length").asInt()).isEqualTo(3);
        assertThat(browser.evaluate("document.getElementById('pointed').textContent").asText()).startsWith("#2 tome:r=8 + fastv:");
        browser.point(2, 2);
        assertThat(browser.evaluate("document.querySelectorAll('.on').length").asInt()).isZero();
    }
}
