package dev.winnow.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tuning and {@code --reduce auto} as a user types them. */
class TuneCommandTest {
    private static final Path DEMO = Path.of("../examples/demo");
    private static final String QUESTIONS = DEMO.resolve("questions-vlm/qa.jsonl").toString();
    private static final String PICTURE = DEMO.resolve("questions-vlm/0131.png").toString();
    @TempDir
    private static Path folder;
    private static Path model;

    private StringWriter printed;
    private StringWriter said;

    @BeforeAll
    static void copyTheModel() throws IOException {
        model = Files.createDirectory(folder.resolve("model"));
        try (Stream<Path> files = Files.list(DEMO.resolve("shapes-vlm"))) {
            files.filter(f -> !f.endsWith("reduction.json")).forEach(f -> {
                try {
                    Files.copy(f, model.resolve(f.getFileName()));
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
        }
    }

    private int run(String... args) {
        printed = new StringWriter();
        said = new StringWriter();
        return WinnowCommand.run(new PrintWriter(printed), new PrintWriter(said), args);
    }

    private int tune(String... more) {
        return run(Stream.concat(Stream.of("tune", "--model", model.toString(), "--questions", QUESTIONS, "--limit", "32", "--evaluations", "5"),
                Stream.of(more)).toArray(String[]::new));
    }

    @Test
    void tunesThenAutoTakesThePlanAloneAndWithOthers() throws IOException {
        Path saved = model.resolve("reduction.json");
        assertThat(run("generate", "--model", model.toString(), "--image", PICTURE, "--prompt", "What color is the square?", "--reduce", "auto"))
                .isEqualTo(1);
        assertThat(said.toString()).startsWith("winnow: ").contains("reduction.json is missing").hasLineCount(1);

        assertThat(tune("--budget", "30%")).as(said.toString()).isZero();
        assertThat(printed.toString()).contains("budget  tokens=30%").contains("tuned, held out").contains("dense");
        assertThat(said.toString()).contains("tune: ");
        JsonNode written = new ObjectMapper().readTree(saved.toFile());
        String plan = written.get("plan").get(0).asText();
        assertThat(written.get("evidence").get("budget").get("used").asDouble()).isBetween(1.0, 144 * 0.31);

        assertThat(run("generate", "--model", model.toString(), "--image", PICTURE, "--prompt", "What color is the square?", "--reduce", "auto",
                "--reduce", "snapkv:keep=64", "--json")).as(said.toString()).isZero();
        assertThat(said.toString()).contains("--reduce auto: " + plan).contains("tuned for tokens=30%");
        assertThat(new ObjectMapper().readTree(printed.toString()).get("plan").asText()).startsWith(plan).endsWith("snapkv:keep=64");

        // beside another model the file counts for nothing
        Path other = Files.createDirectory(folder.resolve("other"));
        for (String file : List.of("config.json", "model.safetensors", "reduction.json")) Files.copy(model.resolve(file), other.resolve(file));
        assertThat(run("inspect", "--model", other.toString(), "--reduce", "auto")).isEqualTo(1);
        assertThat(said.toString()).contains("another model");
        Files.delete(saved);
    }

    @Test
    void saysAsJsonAndSavesElsewhere() throws IOException {
        Path out = folder.resolve("elsewhere.json");
        assertThat(tune("--budget", "flops=70%", "--out", out.toString(), "--json")).as(said.toString()).isZero();
        JsonNode tuning = new ObjectMapper().readTree(printed.toString());
        assertThat(tuning.get("heldOut").get("usage").get("flops").asDouble()).isLessThan(0.72 * tuning.get("dense").get("usage").get("flops").asDouble());
        assertThat(out).isNotEmptyFile();
        assertThat(model.resolve("reduction.json")).doesNotExist();
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {"2; --budget; lots; budget 'lots' should be like", "2; --budget; 120%; less than what the dense model",
            "2; --evaluations; 0; --evaluations", "2; --held-out; 1; --held-out", "2; --seconds; -1; --seconds", "2; --judge; harsh; judge",
            "2; --search; luck; --search", "1; --limit; 10; at least 24 questions", "1; --budget; tokens=150; nothing to tune",
            "1; --budget; flops=1%; no method can be kept", "1; --questions; nowhere.jsonl; nowhere.jsonl", "1; --out; no/where; --out"})
    void saysWhatIsWrong(int code, String option, String value, String message) {
        String[] more = option.equals("--budget") ? new String[] {option, value} : new String[] {"--budget", "25%", option, value};
        List<String> args = new ArrayList<>(List.of("tune", "--model", model.toString()));
        if (!option.equals("--questions")) args.addAll(List.of("--questions", QUESTIONS));
        if (!option.equals("--limit")) args.addAll(List.of("--limit", "26"));
        args.addAll(List.of(more));
        assertThat(run(args.toArray(String[]::new))).as(said.toString()).isEqualTo(code);
        assertThat(said.toString()).contains("winnow: ").contains(message);
        assertThat(printed.toString()).isEmpty();
    }

    @Test
    void aModelWithoutPicturesHasNothingToTune() {
        assertThat(run("tune", "--model", "src/test/resources/golden/llama-plain", "--questions", QUESTIONS, "--budget", "25%")).isEqualTo(1);
        assertThat(said.toString()).contains("winnow: ").hasLineCount(1);
    }
}
