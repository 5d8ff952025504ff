package dev.winnow.runtime.explain;

import static dev.winnow.runtime.explain.Fixtures.GRID;
import static dev.winnow.runtime.explain.Fixtures.alive;
import static dev.winnow.runtime.explain.Fixtures.explanation;
import static dev.winnow.runtime.explain.Fixtures.panel;
import static dev.winnow.runtime.explain.Fixtures.plain;
import static dev.winnow.runtime.explain.Fixtures.whole;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.winnow.runtime.Explanation;
import dev.winnow.runtime.Explanation.Alive;
import dev.winnow.runtime.Explanation.Entries;
import dev.winnow.runtime.Explanation.Layer;
import dev.winnow.runtime.Explanation.Prompt;
import dev.winnow.runtime.Explanation.Scores;
import dev.winnow.runtime.images.Region;
import dev.winnow.runtime.images.RgbImage;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExplanationPageTest {
    private static final String NASTY = "</script><script>alert(1)</script><!-- & ]]> \u2028 \"' /* style */ {\"data\": null}";
    private static final List<RgbImage> IMAGE = List.of(plain(40, 40));

    @TempDir
    private Path folder;

    private static ExplanationPage.Run run(String name, String answer, String dense) {
        return new ExplanationPage.Run(name, "fastv:keep=0.5", answer, 3, 12_000_000, 4096, dense);
    }

    private static ExplanationPage.Subject subject(String text) {
        List<ExplanationPage.Run> runs = List.of(run("this plan", text, text), run("dense", "no", text));
        return new ExplanationPage.Subject(text, List.of(text), List.of(), runs, "");
    }

    static JsonNode data(String page) {
        Matcher block = Pattern.compile("<script type=\"application/json\" id=\"data\">(.*?)</script>", Pattern.DOTALL).matcher(page);
        assertThat(block.find()).isTrue();
        try {
            return new ObjectMapper().readTree(block.group(1));
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String page(Explanation explanation, ExplanationPage.Subject subject) {
        return ExplanationPage.of(explanation, IMAGE, subject);
    }

    @Test
    void nothingThatComesFromOutsideIsMarkup() {
        Explanation e = explanation(List.of(panel("input", whole()), panel(NASTY + ", language after layer 2", alive(new int[] {5}))));
        String page = page(e, subject(NASTY));
        assertThat(page).doesNotContain("alert(1)</script>").doesNotContain("<script>alert").doesNotContain("<!--");
        assertThat(page.split("</script>", -1)).hasSize(3);
        JsonNode data = data(page);
        assertThat(data.get("question").asText()).isEqualTo(NASTY);
        assertThat(data.get("runs").get(0).get("answer").asText()).isEqualTo(NASTY);
        assertThat(data.get("pieces").get(0).get("name").asText()).isEqualTo(NASTY);
    }

    @Test
    void nothingIsLoadedFromElsewhere() {
        String page = page(explanation(List.of(panel("input", whole()))), subject("Why?"));
        assertThat(page).contains("default-src 'none'").doesNotContain("https:").doesNotContain("url(").doesNotContain("@import");
        // the namespace of drawings is a name, not an address that anything asks
        assertThat(page.replace("http://www.w3.org/2000/svg", "")).doesNotContain("http:");
        assertThat(Pattern.compile("(src|href)=\"(?!data:)").matcher(page).find()).isFalse();
    }

    @Test
    void theBlockOfDataIsTheExplanation() {
        float[] scores = new float[GRID * GRID];
        Arrays.fill(scores, Float.NaN);
        scores[5] = 0.123456f;
        scores[6] = -2000.4f;
        Alive merged = new Alive(List.of(new int[0], new int[] {5}, new int[] {7, 6, 6}), alive(new int[] {5, 6, 7}).strength(),
                new float[] {1, 1, 2.5f}, new Scores("score", scores));
        Explanation e = explanation(List.of(panel("input", whole()), panel("tome, vision after attention of layer 1", merged)));
        JsonNode now = data(page(e, subject("Why?"))).get("panels").get(1).get("pieces").get(0);
        assertThat(now.get("tokens").asInt()).isEqualTo(3);
        assertThat(now.get("bare").asInt()).isEqualTo(1);
        assertThat(now.get("singles").toString()).isEqualTo("[5]");
        assertThat(now.get("groups").toString()).isEqualTo("[[6,7]]");
        assertThat(now.get("sizes").toString()).isEqualTo("[2.5]");
        assertThat(now.get("colours").get(0).asText()).matches("#[0-9a-f]{6}");
        assertThat(now.has("strength")).isFalse();
        assertThat(now.get("scored").asText()).isEqualTo("score");
        assertThat(now.get("scores").get(5).asDouble()).isEqualTo(0.1235);
        assertThat(now.get("scores").get(6).asDouble()).isEqualTo(-2000);
        assertThat(now.get("scores").get(7).isNull()).isTrue();
    }

    @Test
    void entriesOfTheCacheAreBits() {
        Prompt prompt = new Prompt(new int[] {1, -1, 2, 3, 4, 5, 6, 7, 8, 9}, new int[] {-1, 0, -1, -1, -1, -1, -1, -1, -1, -1},
                List.of(new int[0], new int[] {3}, new int[0], new int[0], new int[0], new int[0], new int[0], new int[0], new int[0],
                        new int[0]));
        Entries few = new Entries(new int[] {0, 9}, new int[] {1});
        Explanation e = new Explanation(explanation(List.of(panel("input", whole()))).pieces(), List.of(panel("input", whole())), prompt,
                List.of(new Layer(List.of("keeps 2"), List.of(few, few)), new Layer(List.of(), List.of())), 1);
        List<String> words = List.of("<s>", "", "a", "b", "c", "d", "e", "f", "g", "h");
        List<ExplanationPage.Run> runs = List.of(run("this plan", "a", null));
        JsonNode data = data(page(e, new ExplanationPage.Subject("Why?", List.of("x.png"), words, runs, "")));
        JsonNode head = data.get("cache").get("layers").get(0).get("heads").get(1);
        assertThat(Base64.getDecoder().decode(data.get("cache").get("sets").get(head.get(0).asInt()).asText())).containsExactly(1, 2);
        assertThat(Base64.getDecoder().decode(data.get("cache").get("sets").get(head.get(1).asInt()).asText())).containsExactly(2, 0);
        assertThat(data.get("cache").get("sets")).hasSize(2);
        assertThat(data.get("cache").get("layers").get(1).get("heads")).isEmpty();
        assertThat(data.get("words").get(0).get("text").asText()).isEqualTo("<s>");
        assertThat(data.get("words").get(1).get("piece").asInt()).isZero();
        assertThat(data.get("words").get(1).get("patches").toString()).isEqualTo("[3]");
        assertThat(data.get("runs").get(0).has("same")).isFalse();
    }

    @Test
    void aPhotographTakesAFewHundredKilobytes() {
        byte[] rgb = new byte[3 * 1600 * 1200];
        Random random = new Random(1);
        for (int i = 0; i < rgb.length; i++) rgb[i] = (byte) (128 + 60 * Math.sin(i / 3e4) + random.nextInt(20));
        Explanation.Piece piece = new Explanation.Piece(0, explanation(List.of(panel("input", whole()))).pieces().getFirst().grid(),
                new Region(0, 0, 1600, 1200));
        Explanation e = new Explanation(List.of(piece), List.of(panel("input", whole())), Prompt.NONE, List.of(), 16);
        String page = ExplanationPage.of(e, List.of(new RgbImage(1600, 1200, rgb)), subject("Why?"));
        JsonNode seen = data(page).get("pieces").get(0);
        assertThat(seen.get("source").asText()).startsWith("data:image/jpeg;base64,");
        assertThat(seen.get("width").asInt()).isEqualTo(672);
        assertThat(seen.get("height").asInt()).isEqualTo(504);
        assertThat(page.length()).isLessThan(400_000);
    }

    @Test
    void whatDoesNotBelongTogetherIsRefused() {
        Explanation e = explanation(List.of(panel("input", whole(), whole())));
        assertThatIllegalArgumentException().isThrownBy(() -> page(e, subject("Why?"))).withMessageContaining("more pictures than the 1");
        Explanation none = explanation(List.of(panel("input", whole())));
        assertThatIllegalArgumentException().isThrownBy(() -> page(none, new ExplanationPage.Subject("", List.of("x"), List.of("word"),
                List.of(run("a", "b", null)), ""))).withMessageContaining("1 words for 0 prompt tokens");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ExplanationPage.Subject("", List.of(), List.of(), List.of(), "")).withMessageContaining("the run");
    }

    @Test
    void aFileThatCannotBeWrittenIsNamed() {
        Path missing = folder.resolve("missing/why.html");
        assertThatThrownBy(() -> ExplanationPage.write(missing, explanation(List.of(panel("input", whole()))), IMAGE, subject("Why?")))
                .isInstanceOf(UncheckedIOException.class).hasMessageContaining("why.html");
        Path html = folder.resolve("why.html");
        ExplanationPage.write(html, explanation(List.of(panel("input", whole()))), IMAGE, subject("Why?"));
        assertThat(html).content().startsWith("<!doctype html>");
        assertThat(folder).isDirectoryNotContaining(file -> !file.equals(html));
    }
}
