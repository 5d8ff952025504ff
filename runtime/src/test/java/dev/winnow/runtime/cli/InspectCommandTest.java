package dev.winnow.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.StackListener;
import dev.winnow.runtime.Golden;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.models.ComputeCost;
import dev.winnow.runtime.models.LanguageModel;
import dev.winnow.weights.Settings;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What inspect says of every model directory at hand, and that the sizes it computes are those of a run. */
class InspectCommandTest {
    private static final String LLAVA = "src/test/resources/golden/llava-1img";
    private StringWriter printed;
    private StringWriter said;

    private int run(String... args) {
        printed = new StringWriter();
        said = new StringWriter();
        return WinnowCommand.run(new PrintWriter(printed), new PrintWriter(said), args);
    }

    private JsonNode inspected(String... args) throws IOException {
        assertThat(run(args)).as(said.toString()).isZero();
        return new ObjectMapper().readTree(printed.toString());
    }

    static Stream<Path> directories() throws IOException {
        List<Path> found = new ArrayList<>(List.of(Path.of("../examples/demo/shapes-vlm"), Path.of("../examples/demo/shapes-vit")));
        for (Path root : Golden.roots()) {
            try (Stream<Path> list = Files.list(root)) {
                list.filter(p -> Files.exists(p.resolve("config.json"))
                        && (Files.exists(p.resolve("model.safetensors")) || Files.exists(p.resolve("model.safetensors.index.json"))))
                        .forEach(found::add);
            }
        }
        return found.stream();
    }

    @ParameterizedTest
    @MethodSource("directories")
    void everyDirectory(Path directory) throws IOException {
        JsonNode facts = inspected("inspect", "--model", directory.toString(), "--json");
        assertThat(facts.get("family").asText()).isEqualTo(Settings.read(directory.resolve("config.json")).string("model_type"));
        assertThat(facts.get("parameters").asLong()).isPositive();
        assertThat(facts.get("elements by dtype")).isNotEmpty();
        assertThat(facts.get("weight bytes").asLong()).isPositive();
        boolean sees = facts.has("image size");
        boolean speaks = facts.has("vocabulary");
        assertThat(sees || speaks).isTrue();
        if (sees) assertThat(facts.get("image flops").asLong()).isPositive();
        if (speaks) {
            int n = Math.min(2048, facts.get("context").asInt());
            assertThat(facts.get("token flops").asLong()).isPositive();
            assertThat(facts.get("memory at " + n + " tokens bytes").asLong()).isEqualTo(facts.get("weight bytes").asLong()
                    + facts.get("cache at " + n + " tokens bytes").asLong() + facts.get("scratch at " + n + " tokens bytes").asLong());
        } else {
            assertThat(facts.get("memory bytes").asLong()).isGreaterThan(facts.get("weight bytes").asLong());
        }
        assertThat(run("inspect", "--model", directory.toString())).isZero();
        assertThat(printed.toString()).contains("family", "parameters", "memory");
    }

    /** Buffers are as large as the shapes say; those of experts at most. */
    @ParameterizedTest
    @ValueSource(strings = {"llama-plain", "gemma2", "gpt-neox", "gpt2", "mixtral", "phi", "granite"})
    void scratchIsThatOfARun(String name) {
        for (Path root : Golden.roots()) {
            if (!Files.exists(root.resolve(name).resolve("model.safetensors"))) continue;
            try (Winnow winnow = Winnow.open(root.resolve(name))) {
                LanguageModel m = winnow.languageModel().orElseThrow();
                int n = 23;
                Workspace workspace = new Workspace();
                Schedule dense = ReductionPlan.parse(List.of()).schedule(m.shape());
                m.prefill(m.embed(new int[n]), m.newCache(n), dense, workspace, StackListener.NONE);
                long counted = ComputeCost.scratch(m.stack().descriptions(), n);
                if (name.equals("mixtral")) assertThat(workspace.bytes()).isBetween(counted / 2, counted);
                else assertThat(workspace.bytes()).isEqualTo(counted);
            }
        }
    }

    @Test
    void memoryGrowsWithTheTokens() throws IOException {
        JsonNode few = inspected("inspect", "--model", LLAVA, "--tokens", "10", "--json");
        JsonNode more = inspected("inspect", "--model", LLAVA, "--tokens", "20", "--json");
        assertThat(more.get("cache at 20 tokens bytes").asLong()).isEqualTo(2 * few.get("cache at 10 tokens bytes").asLong());
        assertThat(few.get("cache at 10 tokens bytes").asLong()).isEqualTo(10 * few.get("cache per token bytes").asLong());
        assertThat(run("inspect", "--model", LLAVA, "--tokens", "0")).isEqualTo(2);
        assertThat(run("inspect", "--model", LLAVA, "--tokens", "1000000")).isEqualTo(2);
        assertThat(said.toString()).contains("context");
    }

    // ---- loading ----

    @Test
    void loadingIsExplained() throws IOException {
        JsonNode load = inspected("inspect", "--model", LLAVA, "--explain-load", "--quantize", "q8", "--json").get("load");
        assertThat(load.get("parameters")).anySatisfy(p -> {
            assertThat(p.get("uses").get(0).asText()).isEqualTo("language layer 0 query");
            assertThat(p.get("steps").get(0).asText()).isEqualTo("rounded to Q8_0");
            assertThat(p.get("from").get(0).get("file").asText()).isEqualTo("model.safetensors");
            assertThat(p.get("from").get(0).get("shape")).hasSize(2);
        });
        assertThat(load.get("unused").isArray()).isTrue();
        assertThat(run("inspect", "--model", LLAVA, "--explain-load")).isZero();
        assertThat(printed.toString()).contains("language layer 0 query <- language_model.model.layers.0.self_attn.q_proj.weight (model.safetensors, ")
                .contains("as stored, held as ");
    }

    @Test
    void loadingIsExplainedBesideAResult() {
        assertThat(run("classify", "--model", "../examples/demo/shapes-vit", "--image", "../examples/demo/golden/vit-0.png", "--json",
                "--explain-load")).as(said.toString()).isZero();
        assertThat(said.toString()).contains("classifier <- ");
        assertThat(printed.toString()).doesNotContain("<-");
    }

    @Test
    void optionsOfLoading() {
        assertThat(run("inspect", "--model", LLAVA, "--keep-quantized")).isEqualTo(2);
        assertThat(said.toString()).contains("--keep-quantized needs --quantize");
        assertThat(run("inspect", "--model", LLAVA, "--adapter", "no-such-folder")).isEqualTo(1);
        assertThat(said.toString()).contains("no-such-folder: no such directory").hasLineCount(1);
    }
}
