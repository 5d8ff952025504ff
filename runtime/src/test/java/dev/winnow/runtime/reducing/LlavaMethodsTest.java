package dev.winnow.runtime.reducing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.winnow.layers.CpuBackend;
import dev.winnow.reduction.Methods;
import dev.winnow.reduction.ReductionMethod;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.models.Model;
import dev.winnow.runtime.models.WeightScope;
import dev.winnow.weights.Checkpoint;
import dev.winnow.weights.ModelDirectory;
import dev.winnow.weights.Tensor;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Methods that choose among image tokens, on a whole LLaVA: 36 image tokens among 11 of text. */
class LlavaMethodsTest {
    private static final int TEXT = 11;
    private static ModelDirectory files;
    private static Checkpoint reference;
    private static Model model;
    private static Map<String, Tensor> inputs;

    @BeforeAll
    static void load() {
        Path directory = ReductionCases.find(p -> p.endsWith("llava-prune")).findFirst().orElseThrow();
        files = ModelDirectory.open(directory);
        reference = Checkpoint.open(directory.resolve("expected.safetensors"));
        model = Model.load(files.config(), WeightScope.of(files.checkpoint()), CpuBackend.create());
        inputs = ReductionCases.tensors(reference);
    }

    @AfterAll
    static void close() {
        reference.close();
        files.close();
    }

    private static Map<String, Tensor> trace(String... specs) {
        return ModelCases.trace(model, ReductionPlan.parse(List.of(specs)).methods(), inputs, 3);
    }

    private static int rows(Map<String, Tensor> traced) {
        return traced.get("logits").dim(-2);
    }

    @ParameterizedTest
    @CsvSource({"divprune,9", "cdpruner,9", "script,9", "mmtok,9", "todre,9", "zooprune,9", "gprune,9", "chatunivi,9", "pool,9"})
    void aQuarterOfTheImageTokensIsLeft(String name, int left) {
        Map<String, Tensor> traced = trace(name + ":keep=0.25");
        // ToDRE may let the rest leave too
        assertThat(rows(traced)).isIn(TEXT + left, name.equals("todre") ? TEXT : TEXT + left);
        assertThat(traced.get("generated_ids").toLongs()).hasSize(3);
    }

    @ParameterizedTest
    @ValueSource(strings = {"visiondrop:keep=0.25", "aim:keep=0.25", "aim:start=0,fall=0.5",
        "todre:keep=0.25,threshold=1,exit=1"})
    void insideTheLanguageModelToo(String spec) {
        Map<String, Tensor> traced = trace(spec);
        assertThat(rows(traced)).isBetween(TEXT, TEXT + 10);
        assertThat(traced.get("generated_ids").toLongs()).hasSize(3);
    }

    @Test
    void roomForEverythingIsTheDenseModel() {
        float[] dense = trace().get("logits").toFloats();
        for (String spec : List.of("divprune:keep=1.0", "cdpruner:keep=36", "script:keep=99", "mmtok:keep=100%",
                "todre:keep=1.0,threshold=0", "zooprune:keep=1.0", "gprune:keep=1.0", "pool:keep=1.0", "chatunivi:keep=1.0", "visiondrop:keep=1.0",
                "aim:keep=1.0,fall=0")) {
            assertThat(trace(spec).get("logits").toFloats()).as(spec).isEqualTo(dense);
        }
    }

    @Test
    void oneAfterTheOther() {
        assertThat(rows(trace("zooprune:keep=0.75", "mmtok:keep=0.5", "pool:keep=4", "cdpruner:keep=2", "fastv:k=1,ratio=0.5")))
                .isEqualTo(TEXT + 1);
        assertThat(rows(trace("visionzip:dominant=10,contextual=5", "gprune", "divprune:keep=4"))).isEqualTo(TEXT + 4);
    }

    @Test
    void everyMethodHereTakesABudget() {
        for (String name : List.of("divprune", "cdpruner", "script", "mmtok", "todre", "zooprune", "gprune", "pool", "chatunivi",
            "visiondrop", "aim")) {
            ReductionMethod method = Methods.named(name).create(Map.of("keep", "11%"));
            assertThat(method.events(model.shape())).as(name).isNotEmpty();
        }
    }
}
