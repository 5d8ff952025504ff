package dev.winnow.runtime.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.Answer;
import dev.winnow.runtime.Explanation;
import dev.winnow.runtime.Request;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.browser.Browser;
import dev.winnow.runtime.images.RgbImage;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The page in a real browser: what a reader sees, does, and is told. Skipped where there is no browser. */
class ExplanationBrowserTest {
    private static final Path DEMO = Path.of("../examples/demo");
    private static final String QUESTION = "What color is the square?";
    private static final String SCRIPT = "</script><script>document.title = 'caught'</script>";
    @TempDir
    private static Path folder;
    private static Browser browser;
    private static Explanation pictured;
    private static URI picture;
    private static URI text;

    @BeforeAll
    static void open() throws IOException {
        Optional<Path> program = Browser.program();
        assumeTrue(program.isPresent(), "no browser: set WINNOW_BROWSER to a Chromium, or have one on the path");
        try (Winnow winnow = Winnow.open(DEMO.resolve("shapes-vlm"))) {
            RgbImage image = RgbImage.read(DEMO.resolve("questions-vlm/0131.png"));
            Request asked = Request.of(QUESTION, image).withMaxTokens(8);
            Answer a = winnow.generate(asked.withReduction("tome:r=4", "fastv:k=2,keep=40", "snapkv:keep=30"), piece -> { });
            pictured = a.explanation();
            picture = page(winnow, "picture.html", a, QUESTION, List.of(image));
            String words = "The quick brown fox jumps over the lazy dog. ".repeat(8) + SCRIPT;
            Answer b = winnow.generate(Request.of(words).withMaxTokens(8).withReduction("adakv:keep=40"), piece -> { });
            text = page(winnow, "text.html", b, words, List.of());
        }
        browser = new Browser(program.get(), Files.createDirectory(folder.resolve("profile")));
    }

    private static URI page(Winnow winnow, String name, Answer a, String question, List<RgbImage> images) {
        Path file = folder.resolve(name);
        List<ExplanationPage.Run> runs = new ArrayList<>();
        for (String run : List.of("this plan", "dense", "keep 50%")) {
            runs.add(new ExplanationPage.Run(run, ReductionPlan.NONE.toString(), run.startsWith("keep") ? "other" : a.text().strip(),
                    a.explanation().pictureTokens(), a.stats().flops(), a.stats().cacheBytes(), a.text().strip()));
        }
        ExplanationPage.write(file, a.explanation(), images, new ExplanationPage.Subject(question,
                images.stream().map(i -> "a picture with a rather long name that has no blanks_in_it_at_all.png").toList(),
                winnow.words(a.explanation().prompt().ids()), runs, "fastv"));
        return file.toUri();
    }

    @AfterAll
    static void close() {
        if (browser != null) browser.close();
    }

    private static void show(URI page, String state, int width, boolean dark) {
        browser.open(URI.create(page + state), width, 900, dark);
    }

    private static int count(String selector) {
        return browser.evaluate("document.querySelectorAll('" + selector + "').length").asInt();
    }

    private static String text(String id) {
        return browser.evaluate("document.getElementById('" + id + "').textContent").asText();
    }

    private static int gone(int event) {
        int gone = 0;
        for (float s : pictured.panels().get(event).pieces().getFirst().strength()) if (s == 0) gone++;
        return gone;
    }

    @Test
    void theSliderChangesWhichPatchesAreDimmed() {
        show(picture, "", 1280, false);
        int last = pictured.panels().size() - 1;
        List<Integer> dimmed = new ArrayList<>();
        for (int e = 0; e <= last; e++) {
            browser.evaluate("(() => { const s = document.getElementById('event'); s.value = " + e
                    + "; s.dispatchEvent(new Event('input')); })()");
            assertThat(count("rect.patch.dead")).as("event %d", e).isEqualTo(gone(e));
            assertThat(count("rect.patch")).isEqualTo(144);
            dimmed.add(count("rect.patch.dead"));
        }
        assertThat(dimmed).startsWith(0).contains(gone(last - 1));
        assertThat(dimmed.stream().distinct().count()).isGreaterThan(1);
        assertThat(text("count")).isEqualTo("Event " + last + " of " + last);
    }

    @Test
    void keysMoveTheSliderAndThePatch() {
        show(picture, "#event=0", 1280, false);
        browser.evaluate("document.getElementById('event').focus()");
        browser.press("ArrowRight");
        assertThat(text("count")).startsWith("Event 1 of");
        browser.press("ArrowLeft");
        assertThat(text("method")).isEqualTo("Input");
        browser.evaluate("document.querySelector('#pieces svg').focus()");
        assertThat(text("fate")).startsWith("Row 1, column 1: alive");
        browser.press("ArrowRight");
        browser.press("ArrowDown");
        assertThat(text("fate")).startsWith("Row 2, column 2: alive");
    }

    @Test
    void aPatchTellsItsFate() {
        int event = pictured.panels().size() - 2;
        float[] strength = pictured.panels().get(event).pieces().getFirst().strength();
        int patch = 0;
        while (strength[patch] > 0) patch++;
        show(picture, "#event=" + event, 1280, false);
        JsonNode box = browser.evaluate("(() => { const b = document.querySelector('[data-patch=\"" + patch
                + "\"]').getBoundingClientRect(); return {x: b.x + b.width / 2, y: b.y + b.height / 2}; })()");
        browser.point(box.get("x").asDouble(), box.get("y").asDouble());
        assertThat(text("fate")).startsWith("Row " + (patch / 12 + 1) + ", column " + (patch % 12 + 1))
                .contains("gone since event " + event).contains("fastv").contains("score");
        assertThat(count("path.cursor")).isEqualTo(2);
    }

    @Test
    void mergedGroupsHaveOutlinesAndScoresAreHeat() {
        int merged = (int) pictured.panels().get(1).pieces().getFirst().groups().stream().filter(g -> g.length > 1).count();
        show(picture, "#event=1", 1280, false);
        assertThat(merged).isPositive();
        assertThat(count("path.group.over")).isEqualTo(merged);
        browser.evaluate("document.getElementById('outlines').click()");
        assertThat(count("path.group.over")).isZero();
        assertThat(browser.evaluate("document.getElementById('heat').disabled").asBoolean()).isTrue();

        int event = pictured.panels().size() - 2;
        show(picture, "#event=" + event, 1280, false);
        assertThat(count("rect.patch[style]")).isZero();
        browser.evaluate("document.getElementById('heat').click()");
        assertThat(count("rect.patch[style]")).isEqualTo(144);
        assertThat(text("legend")).startsWith("score ");
    }

    @Test
    void entriesOfTheCacheHaveTheirWords() {
        show(text, "#layer=3", 1280, false);
        assertThat(text("layer-name")).isEqualTo("3");
        assertThat(count("#strips > .row canvas")).isEqualTo(6);
        int off = count("#words .off");
        assertThat(off).isPositive();
        browser.evaluate("document.querySelector('#strips button').click()");
        assertThat(count("#strips .heads:not([hidden]) canvas")).isEqualTo(2);
        browser.evaluate("document.querySelector('#strips canvas').focus()");
        browser.press("ArrowRight");
        browser.press("ArrowRight");
        assertThat(text("entry")).startsWith("Token 1 of ").contains("layer 0").contains("of 2 heads");
        browser.evaluate("(() => { const h = document.getElementById('head'); h.value = '1'; h.dispatchEvent(new Event('change')); })()");
        assertThat(count("#words .off")).isGreaterThanOrEqualTo(off);
    }

    @Test
    void answersAreComparedWithTheDenseOne() {
        show(picture, "", 1280, false);
        assertThat(count("#runs tr")).isEqualTo(3);
        assertThat(count("#runs td.same")).isEqualTo(1);
        assertThat(count("#runs td.differs")).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({"picture,390,false", "picture,390,true", "picture,1280,false", "picture,1280,true", "text,390,false", "text,1280,true",
        "picture,320,false"})
    void readsWellAtEveryWidth(String page, int width, boolean dark) throws IOException {
        show(page.equals("text") ? text : picture, "", width, dark);
        assertThat(browser.evaluate("document.documentElement.scrollWidth").asInt()).isLessThanOrEqualTo(width);
        assertThat(browser.evaluate("[...document.querySelectorAll('main *, header *')].filter(e => !e.closest('.strips, svg, thead')"
                + " && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + '#' + e.id).join(' ')").asText()).isEmpty();
        double contrast = browser.evaluate("(() => { const c = k => getComputedStyle(document.body)[k].match(/\\d+/g).slice(0, 3)"
                + ".map(v => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });"
                + " const l = k => { const [r, g, b] = c(k); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };"
                + " const both = [l('color'), l('backgroundColor')];"
                + " return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05); })()").asDouble();
        assertThat(contrast).isGreaterThan(7);
        boolean night = browser.evaluate("getComputedStyle(document.body).backgroundColor").asText().matches("rgb\\((\\d|[1-5]\\d), .*");
        assertThat(night).isEqualTo(dark);
        String keep = System.getProperty("winnow.screenshots");
        if (keep != null) {
            Files.createDirectories(Path.of(keep));
            browser.screenshot(Path.of(keep, "explain-" + page + "-" + width + (dark ? "-dark" : "-light") + ".png"));
        }
    }

    @Test
    void everyControlHasAName() {
        show(picture, "", 1280, false);
        assertThat(browser.evaluate("[...document.querySelectorAll('button, input, select, canvas, svg')].filter(e =>"
                + " !e.getAttribute('aria-label') && !e.textContent.trim() && !(e.labels && e.labels.length)).length").asInt()).isZero();
    }

    @Test
    void textFromOutsideIsTextAndNothingComplains() {
        show(text, "", 1280, false);
        assertThat(browser.evaluate("document.title").asText()).isNotEqualTo("caught");
        assertThat(text("question")).endsWith(SCRIPT);
        show(picture, "#event=2&heat=1", 390, true);
        assertThat(browser.complaints()).isEmpty();
    }
}
