package dev.winnow.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.winnow.runtime.SmallVisionLanguage;
import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.ReductionPlan;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code --explain} and {@code --explain-budgets} as a user types them. */
class ExplainOptionTest {
    private static final String DEMO = "../examples/demo/";
    private static final String VLM = DEMO + "shapes-vlm";
    private static final String VIT = DEMO + "shapes-vit";
    private static final String PICTURE = DEMO + "questions-vlm/0131.png";
    private static final String QUESTION = "What color is the square?";

    @TempDir
    private Path folder;
    private StringWriter printed;
    private StringWriter said;

    private int run(String... args) {
        printed = new StringWriter();
        said = new StringWriter();
        return WinnowCommand.run(new PrintWriter(printed), new PrintWriter(said), args);
    }

    private JsonNode page(String... args) throws IOException {
        Path html = folder.resolve("why.html");
        String[] all = new String[args.length + 2];
        System.arraycopy(args, 0, all, 0, args.length);
        all[args.length] = "--explain";
        all[args.length + 1] = html.toString();
        assertThat(run(all)).as(said.toString()).isZero();
        assertThat(said.toString()).contains("wrote " + html);
        Matcher block = Pattern.compile("id=\"data\">(.*?)</script>", Pattern.DOTALL).matcher(Files.readString(html));
        assertThat(block.find()).isTrue();
        return new ObjectMapper().readTree(block.group(1));
    }

    @Test
    void aPageShowsEventsTheCacheAndTheUsualBudgets() throws IOException {
        JsonNode data = page("generate", "--model", VLM, "--image", PICTURE, "--prompt", QUESTION, "--reduce", "fastv:k=2", "--reduce",
                "snapkv:keep=40");
        assertThat(data.get("question").asText()).isEqualTo(QUESTION);
        assertThat(data.get("pieces").get(0).get("name").asText()).isEqualTo("0131.png");
        assertThat(data.get("panels")).hasSize(3);
        assertThat(data.get("cache").get("layers")).hasSize(6);
        assertThat(data.get("swept").asText()).isEqualTo("fastv");
        JsonNode runs = data.get("runs");
        assertThat(runs).hasSize(7);
        assertThat(runs.get(0).get("answer").asText()).isEqualTo(printed.toString().strip());
        assertThat(runs.get(1).get("name").asText()).isEqualTo("dense");
        assertThat(runs.get(1).get("pictureTokens").asInt()).isEqualTo(144);
        assertThat(runs.get(1).get("same").asBoolean()).isTrue();
        int[] tokens = {144, 108, 72, 36, 16};
        for (int i = 0; i < tokens.length; i++) assertThat(runs.get(i + 2).get("pictureTokens").asInt()).isEqualTo(tokens[i]);
        assertThat(runs.get(4).get("plan").asText()).isEqualTo("fastv:k=2,keep=50% + snapkv:keep=40");
        assertThat(said.toString()).contains("6 more runs, dense and with fastv:keep=100%, 75%, 50%, 25%, 11%");
    }

    @Test
    void aTextPromptShowsItsCache() throws IOException {
        JsonNode data = page("generate", "--model", VLM, "--prompt", "</script><script>alert(1)</script>", "--reduce", "snapkv:keep=10",
                "--explain-budgets", "none");
        assertThat(data.get("pieces")).isEmpty();
        assertThat(data.get("words").size()).isGreaterThan(10);
        assertThat(data.get("runs")).hasSize(1);
        assertThat(Files.readString(folder.resolve("why.html"))).doesNotContain("<script>alert");
    }

    @Test
    void budgetsAreTheUsers() throws IOException {
        JsonNode data = page("classify", "--model", VIT, "--image", DEMO + "golden/vit-0.png", "--reduce", "tome:r=2", "--explain-budgets",
                "50%,20");
        assertThat(data.get("runs")).hasSize(4);
        assertThat(data.get("runs").get(3).get("name").asText()).isEqualTo("keep 20");
        assertThat(data.get("runs").get(3).get("pictureTokens").asInt()).isEqualTo(20);
        assertThat(data.get("runs").get(0).get("answer").asText()).isNotEmpty();
    }

    /** Each moment of a film is a picture of the page, shown by its first frame. */
    @Test
    void aFilmIsShownMomentByMoment() throws IOException {
        Path model = Files.createDirectory(folder.resolve("model"));
        Path frames = Files.createDirectory(folder.resolve("frames"));
        SmallVisionLanguage.model("qwen2_vl", model).close();
        for (int f = 0; f < 5; f++) SmallVisionLanguage.noise(60, 40).writePng(frames.resolve(f + ".png"));
        JsonNode data = page("generate", "--model", model.toString(), "--video", frames.toString(), "--fps", "1", "--image",
                frames.resolve("0.png").toString(), "--prompt", "what?", "--reduce", "holitom:keep=50%", "-n", "2", "--ignore-eos");
        assertThat(data.get("pieces")).hasSize(4);
        assertThat(data.get("pieces").get(0).get("name").asText()).isEqualTo("0.png");
        assertThat(data.get("pieces").get(3).get("name").asText()).isEqualTo("moment 3");
        assertThat(data.get("runs").get(1).get("pictureTokens").asInt()).isEqualTo(4 * 8);
    }

    @Test
    void withoutAPlanThereIsThePictureAlone() throws IOException {
        JsonNode data = page("generate", "--model", VLM, "--image", PICTURE, "--prompt", QUESTION);
        assertThat(data.get("panels")).hasSize(1);
        assertThat(data.get("runs")).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "2 | should name a picture (.png) or a page (.html), but is | generate --model VLM --prompt hi --image PICTURE --explain OUT.gif",
        "2 | no --image | generate --model VLM --prompt hi --explain OUT.png",
        "2 | nothing to show: there is no --image, and no --reduce | generate --model VLM --prompt hi --explain OUT.html",
        "2 | nothing in the plan kivi acts | generate --model VLM --prompt hi --explain OUT.html --reduce kivi",
        "2 | would overwrite an input | generate --model VLM --prompt hi --image PICTURE --explain PICTURE",
        "2 | needs --explain | generate --model VLM --prompt hi --image PICTURE --explain-budgets 50%",
        "2 | needs --explain | generate --model VLM --prompt hi --image PICTURE --explain-budgets 50% --explain OUT.png",
        "2 | one is 'x' | generate --model VLM --prompt hi --image PICTURE --explain OUT.html --reduce fastv --explain-budgets 50%,x",
        "2 | one is '150%' | generate --model VLM --prompt hi --image PICTURE --explain OUT.html --reduce fastv --explain-budgets 150%",
        "2 | the plan is dense | generate --model VLM --prompt hi --image PICTURE --explain OUT.html --explain-budgets 50%",
        "2 | option keep, but the plan is layerdrop | generate --model VLM --prompt hi --image PICTURE --explain OUT.html"
                + " --reduce layerdrop:layers=2 --explain-budgets 50%",
        "2 | shows the run of one picture | classify --model VIT --image PICTURE PICTURE --explain OUT.html",
        "1 | there is no directory | generate --model VLM --prompt hi --image PICTURE --explain OUT/x.html",
        "1 | is a directory | generate --model VLM --prompt hi --image PICTURE --explain FOLDER/is.html",
    })
    void refusals(int code, String sentence, String command) throws IOException {
        Files.createDirectory(folder.resolve("is.html"));
        String[] args = command.split(" +");
        for (int i = 0; i < args.length; i++) {
            args[i] = args[i].replace("OUT", folder.resolve("out").toString()).replace("FOLDER", folder.toString()).replace("VLM", VLM)
                    .replace("VIT", VIT).replace("PICTURE", PICTURE);
        }
        assertThat(run(args)).as(said.toString()).isEqualTo(code);
        assertThat(said.toString()).contains(sentence).startsWith("winnow: ");
        assertThat(said.toString().strip().lines()).hasSize(1);
        assertThat(printed.toString()).isEmpty();
    }

    // ---- other budgets ----

    private static String at(String specs, String budget) {
        return BudgetSweep.of(ReductionPlan.parse(List.of(specs.split(" \\+ "))), List.of(budget)).plans().get(budget).toString();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "fastv | fastv:keep=25%", "fastv:k=2 | fastv:k=2,keep=25%", "fastv:k=2,keep=0.5 | fastv:k=2,keep=25%",
        "visionzip:dominant=20,contextual=4 | visionzip:keep=25%", "pyramiddrop:keep=[60,30,10] | pyramiddrop:keep=25%",
        "layerdrop:layers=2 + divprune:keep=0.9 + snapkv:keep=40 | layerdrop:layers=2 + divprune:keep=25% + snapkv:keep=40",
        "tome:keep=50% + visionzip + yopo | tome:keep=50% + visionzip:keep=25% + yopo", "yopo + snapkv:keep=40 | yopo + snapkv:keep=25%",
    })
    void theLastMethodWithABudgetGetsAnother(String plan, String expected) {
        assertThat(at(plan, "25%")).isEqualTo(expected);
    }

    @Test
    void aBudgetThatTheMethodRefusesIsLeftOutOfTheUsualOnes() {
        ReductionPlan plan = ReductionPlan.parse(List.of("visionzip"));
        assertThatThrownBy(() -> BudgetSweep.of(plan, List.of("0"))).isInstanceOf(PlanException.class).hasMessageContaining("at least 1");
        assertThat(BudgetSweep.usual(plan).plans()).containsOnlyKeys(BudgetSweep.USUAL);
        assertThat(BudgetSweep.usual(ReductionPlan.parse(List.of("layerdrop:layers=2"))).plans()).isEmpty();
    }
}
