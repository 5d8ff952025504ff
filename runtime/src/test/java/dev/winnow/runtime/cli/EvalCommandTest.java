package dev.winnow.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.runtime.eval.DemoQuestions;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code winnow eval} as a user types it. */
class EvalCommandTest {
    private static final String VLM = DemoQuestions.VLM.toString();
    private static final String ASKED = DemoQuestions.ASKED.toString();
    private static final int LIMIT = 40;

    @TempDir
    private Path folder;
    private StringWriter printed;
    private StringWriter said;

    private int run(String... args) {
        printed = new StringWriter();
        said = new StringWriter();
        return WinnowCommand.run(new PrintWriter(printed), new PrintWriter(said), args);
    }

    private void works(String... more) {
        assertThat(run(withModel(more))).as(said.toString()).isZero();
    }

    private static String[] withModel(String... more) {
        List<String> args = new ArrayList<>(List.of("eval", "--model", VLM));
        args.addAll(Arrays.asList(more));
        return args.toArray(String[]::new);
    }

    private JsonNode json() throws IOException {
        return new ObjectMapper().readTree(printed.toString());
    }

    /** Right answers of the reference implementation among the first questions. */
    private static long rightByReference() throws IOException {
        return Files.readAllLines(DemoQuestions.DEMO.resolve("results-vlm-public.predictions.jsonl")).stream().limit(LIMIT).filter(line -> {
            try {
                JsonNode q = new ObjectMapper().readTree(line);
                return q.get("prediction").asText().equals(q.get("answer").asText());
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }).count();
    }

    @Test
    void denseAccuracyIsTheReferenceImplementations() throws IOException {
        works("--questions", ASKED, "--limit", LIMIT + "", "--reduce", "visionzip:keep=25%", "--json");
        JsonNode dense = json().get("plans").get(0);
        assertThat(dense.get("plan").asText()).isEqualTo("dense");
        assertThat(dense.get("right").asLong()).isEqualTo(rightByReference());
        assertThat(dense.get("mcnemarP").asDouble()).isEqualTo(1);
        assertThat(dense.get("visualTokens").asDouble()).isEqualTo(144);
        JsonNode reduced = json().get("plans").get(1);
        assertThat(reduced.get("visualTokens").asDouble()).isEqualTo(36);
        assertThat(reduced.get("divergence").asDouble()).isPositive();
        assertThat(json().get("questions").get("asked").asInt()).isEqualTo(LIMIT);
        assertThat(json().get("times").get("plans")).hasSize(2);
    }

    @Test
    void twoRunsWithoutTimesAreTheSameToTheByte() throws IOException {
        Path first = folder.resolve("first");
        Path second = folder.resolve("second");
        String[] args = {"--questions", ASKED, "--limit", "12", "--reduce", "tome:r=8 + fastv:k=2,keep=25%", "--no-times", "--out"};
        works(with(args, first.toString()));
        String table = printed.toString();
        works(with(args, second.toString(), "--threads", "1"));
        assertThat(printed.toString()).isEqualTo(table).contains("#1 tome:r=8 + fastv:");
        for (String name : List.of("results.json", "answers.jsonl", "report.md", "report.html")) {
            assertThat(first.resolve(name)).hasSameBinaryContentAs(second.resolve(name));
        }
        assertThat(first.resolve("times.json")).doesNotExist();
    }

    private static String[] with(String[] args, String... more) {
        List<String> all = new ArrayList<>(Arrays.asList(args));
        all.addAll(Arrays.asList(more));
        return all.toArray(String[]::new);
    }

    @Test
    void anInterruptedRunGoesOnWithTheSameResult() throws IOException {
        Path log = folder.resolve("log.jsonl");
        String[] args = {"--questions", ASKED, "--limit", "10", "--reduce", "fastv:k=2", "--json", "--resume", log.toString()};
        works(args);
        JsonNode whole = json();
        List<String> lines = Files.readAllLines(log);
        assertThat(lines).hasSize(11);
        Files.writeString(log, String.join("\n", lines.subList(0, 7)) + "\n" + lines.get(7).substring(0, 30));
        works(args);
        assertThat(said.toString()).contains("6 of 10 questions are done");
        assertThat(((ObjectNode) json()).without("times").toString()).isEqualTo(((ObjectNode) whole).without("times").toString());
        assertThat(Files.readAllLines(log)).hasSize(11);
        assertThat(run(withModel(with(args, "--reduce", "tome:r=4")))).isEqualTo(1);
        assertThat(said.toString()).contains("is of an evaluation of other plans").hasLineCount(1);
    }

    @Test
    void classifiersAreEvaluatedFromLabels() throws IOException {
        assertThat(run("eval", "--model", DemoQuestions.VIT.toString(), "--questions", DemoQuestions.LABELLED.toString(), "--limit", "30",
                "--reduce", "tome:r=16", "--json")).as(said.toString()).isZero();
        assertThat(json().get("plans").get(0).get("right").asInt()).isBetween(20, 30);
        assertThat(json().get("plans").get(1).get("visualTokens").asDouble()).isLessThan(145);
    }

    @Test
    void failuresAreListedByType() {
        works("--questions", ASKED, "--limit", LIMIT + "", "--reduce", "visionzip:keep=6", "--find-failures");
        assertThat(printed.toString()).contains("right answers lost").contains(" -> ").contains("#1 visionzip:").contains("first token");
    }

    @Test
    void aProgressBarIsShownWhenAskedFor() {
        works("--questions", ASKED, "--limit", "3", "--progress");
        assertThat(said.toString()).contains("questions").contains("3/3").contains("100%");
    }

    @Test
    void questionsWithoutAnswersAreComparedWithTheDenseModel() throws IOException {
        Path file = questions("{\"image\": \"a.png\", \"question\": \"What color is the square?\"}");
        works("--questions", file.toString(), "--reduce", "visionzip:keep=10", "--json");
        JsonNode reduced = json().get("plans").get(1);
        assertThat(reduced.get("accuracy").isNull()).isTrue();
        assertThat(reduced.get("divergence").asDouble()).isPositive();
        works("--questions", file.toString(), "--reduce", "visionzip:keep=10", "--out", folder.resolve("report").toString());
        assertThat(printed.toString()).contains("agreement").doesNotContain("accuracy").doesNotContain("NaN");
        assertThat(folder.resolve("report/report.html")).isNotEmptyFile();
        assertThat(run(withModel("--questions", file.toString(), "--reduce", "tome:r=4", "--find-failures"))).isEqualTo(1);
        assertThat(said.toString()).contains("known answers").hasLineCount(1);
    }

    private Path questions(String... lines) throws IOException {
        Files.copy(DemoQuestions.DEMO.resolve("questions-vlm/0131.png"), folder.resolve("a.png"));
        return Files.writeString(folder.resolve("q.jsonl"), String.join("\n", lines) + "\n");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --questions QA --judge strict            | 2 | '--judge'
            --questions QA --limit 0                 | 2 | --limit should be at least 1
            --questions QA --limit few               | 2 | 'few' is not a whole number
            --questions QA -n 0                      | 2 | --max-new-tokens should be at least 1
            --questions QA --reduce nosuch           | 2 | nosuch
            --questions QA --reduce fastv:k=40       | 2 | fastv
            --questions QA --reduce fastv:k=2 --reduce fastv:k=2 | 2 | is given twice
            --questions QA --find-failures           | 2 | there is no --reduce
            --questions QA --threads 0               | 2 | --threads
            --questions QA --resume QA               | 2 | would overwrite an input
            --questions missing.jsonl                | 1 | missing.jsonl
            --questions QA --out QA                  | 1 | is a file
            --questions QA --out nowhere/deep        | 1 | nowhere
            --limit 3                                | 2 | '--questions=FILE'
            """)
    void wrongUseIsOneSentence(String args, int code, String what) {
        assertThat(run(withModel(args.replace("QA", ASKED).split(" +")))).as(said.toString()).isEqualTo(code);
        assertThat(said.toString()).hasLineCount(1).startsWith("winnow: ").contains(what);
        assertThat(printed.toString()).isEmpty();
    }

    @Test
    void badQuestionsAreNamed() throws IOException {
        String good = "{\"image\": \"a.png\", \"question\": \"What?\", \"answer\": \"x\"}";
        refuses(questions(good, "{\"image\": "), "q.jsonl line 2");
        Files.writeString(folder.resolve("q.jsonl"), "\n\n");
        refuses(folder.resolve("q.jsonl"), "q.jsonl");
        Files.writeString(folder.resolve("q.jsonl"), good.replace("a.png", "gone.png"));
        refuses(folder.resolve("q.jsonl"), "gone.png");
        Files.writeString(folder.resolve("a.png"), "no picture");
        Files.writeString(folder.resolve("q.jsonl"), good);
        refuses(folder.resolve("q.jsonl"), "a.png");
    }

    private void refuses(Path file, String what) {
        assertThat(run(withModel("--questions", file.toString()))).isEqualTo(1);
        assertThat(said.toString()).hasLineCount(1).contains(what);
    }
}
