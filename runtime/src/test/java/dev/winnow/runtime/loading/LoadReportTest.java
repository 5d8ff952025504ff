package dev.winnow.runtime.loading;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.runtime.Golden;
import dev.winnow.runtime.LoadOptions;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.models.LoadReport;
import dev.winnow.runtime.models.Quantization;
import dev.winnow.weights.Checkpoint;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.SafetensorsWriter;
import dev.winnow.weights.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The mapping from tensors to parameters, and what is said where a tensor is missing, of another shape, or too many. */
class LoadReportTest {
    private static final Path GOLDEN = Golden.roots().getFirst();

    @TempDir
    private Path folder;

    static Stream<Path> directories() throws IOException {
        List<Path> found = new ArrayList<>();
        for (Path root : Golden.roots()) {
            try (Stream<Path> list = Files.list(root)) {
                list.filter(p -> Files.exists(p.resolve("model.safetensors")) || Files.exists(p.resolve("model.safetensors.index.json")))
                        .forEach(found::add);
            }
        }
        return found.stream();
    }

    /** Every tensor is either used, by something with a name, or listed as unused. */
    @ParameterizedTest
    @MethodSource("directories")
    void everyTensorIsAccountedFor(Path directory) {
        try (Winnow winnow = Winnow.open(directory)) {
            LoadReport report = winnow.loadReport();
            Set<String> seen = new HashSet<>();
            for (LoadReport.Parameter p : report.parameters()) {
                assertThat(p.uses()).isNotEmpty().doesNotContain("matrix");
                assertThat(p.from()).as(p.uses() + "").isNotEmpty();
                assertThat(p.held()).as(p.uses() + "").isNotEmpty();
                p.from().forEach(s -> seen.add(s.name()));
            }
            for (LoadReport.Stored s : report.unused()) assertThat(seen.add(s.name())).as(s.name()).isTrue();
            assertThat(seen).isEqualTo(winnow.directory().checkpoint().names());
        }
    }

    @Test
    void saysWhatHappened() throws IOException {
        try (Winnow winnow = Winnow.open(GOLDEN.resolve("llava-1img"), LoadOptions.defaults().withQuantization(Quantization.Q8))) {
            List<LoadReport.Parameter> all = winnow.loadReport().parameters();
            assertThat(all).anyMatch(p -> p.uses().contains("language layer 0 query") && p.steps().contains("rounded to Q8_0"));
            assertThat(all).anyMatch(p -> p.uses().contains("vision patch embedding") && p.steps().isEmpty());
            assertThat(all).anyMatch(p -> p.uses().contains("projector layer 0 bias"));
            assertThat(all).anyMatch(p -> p.uses().contains("norm"));
        }
        Path gpt2 = new TinyModel(TinyModel.GPT2).write(folder.resolve("gpt2"));
        try (Winnow winnow = Winnow.open(gpt2)) {
            List<LoadReport.Parameter> all = winnow.loadReport().parameters();
            assertThat(all).anyMatch(p -> p.uses().equals(List.of("language layer 1 query", "language layer 1 key", "language layer 1 value"))
                    && p.steps().equals(List.of("transposed", "split")));
            assertThat(all).anyMatch(p -> p.uses().equals(List.of("token embeddings", "vocabulary projection"))
                    && p.steps().equals(List.of("shared (tied)")));
        }
    }

    // ---- half-known models: a language model, one for pictures, and one for both ----

    private Path changed(String model, String removed, Tensor added) throws IOException {
        Path source = GOLDEN.resolve(model);
        Path directory = Files.createDirectories(folder.resolve(model));
        Files.copy(source.resolve("config.json"), directory.resolve("config.json"));
        try (Checkpoint c = Checkpoint.open(source)) {
            List<Tensor> tensors = new ArrayList<>();
            for (String name : c.names()) if (!name.equals(removed)) tensors.add(c.tensor(name));
            if (added != null) tensors.add(added);
            assertThat(tensors).hasSize(c.names().size() + (removed == null ? 0 : -1) + (added == null ? 0 : 1));
            SafetensorsWriter.write(directory.resolve("model.safetensors"), tensors, Map.of());
        }
        return directory;
    }

    @ParameterizedTest
    @CsvSource({"llama-plain, model.layers.1.mlp.up_proj.weight", "llama-plain, model.norm.weight",
        "vit-classify, vit.encoder.layer.1.output.dense.bias", "llava-1img, language_model.model.layers.0.self_attn.k_proj.weight",
        "llava-1img, multi_modal_projector.linear_2.weight"})
    void missingTensorsAreNamedWithTheirShape(String model, String tensor) throws IOException {
        long[] shape;
        try (Checkpoint c = Checkpoint.open(GOLDEN.resolve(model))) {
            shape = c.tensor(tensor).shape();
        }
        Path directory = changed(model, tensor, null);
        assertThatThrownBy(() -> Winnow.open(directory)).isInstanceOf(CheckpointException.class)
                .hasMessageContaining("tensor " + tensor + " is missing").hasMessageContaining(Arrays.toString(shape));
    }

    @ParameterizedTest
    @CsvSource({"llama-plain, model.layers.1.mlp.up_proj.weight", "vit-classify, vit.encoder.layer.1.output.dense.bias",
        "llava-1img, language_model.model.layers.0.self_attn.k_proj.weight", "llava-1img, multi_modal_projector.linear_2.weight"})
    void misshapenTensorsAreNamedWithBothShapes(String model, String tensor) throws IOException {
        long[] shape;
        try (Checkpoint c = Checkpoint.open(GOLDEN.resolve(model))) {
            shape = c.tensor(tensor).shape();
        }
        Path directory = changed(model, tensor, Tensor.ofFloats(tensor, new float[6], 3, 2));
        assertThatThrownBy(() -> Winnow.open(directory)).isInstanceOf(CheckpointException.class).hasMessageContaining(tensor)
                .hasMessageContaining("[3, 2]").hasMessageContaining(Arrays.toString(shape));
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama-plain", "vit-classify", "llava-1img"})
    void tensorsTooManyAreListed(String model) throws IOException {
        try (Winnow winnow = Winnow.open(changed(model, null, Tensor.ofFloats("left.over", new float[6], 3, 2)))) {
            assertThat(winnow.loadReport().unused()).anySatisfy(s -> assertThat(s).hasToString("left.over (model.safetensors, F32[3, 2])"));
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"qwen3_mode | ; nearest are qwen3_moe, ", "llama4 | ; nearest are llama, llava; known", "rwkv | ; known",
        "qwen3_vl | ; nearest are qwen2_vl, "})
    void unknownFamiliesListTheNearest(String type, String said) throws IOException {
        TinyModel model = new TinyModel(TinyModel.LLAMA);
        Path directory = model.write(folder.resolve("unknown"));
        Files.writeString(directory.resolve("config.json"), model.config.replace("\"llama\"", '"' + type + '"'));
        assertThatThrownBy(() -> Winnow.open(directory)).isInstanceOf(CheckpointException.class)
                .hasMessageContaining("model_type '" + type + "' is not supported" + said).hasMessageContaining("known are llama");
    }
}
