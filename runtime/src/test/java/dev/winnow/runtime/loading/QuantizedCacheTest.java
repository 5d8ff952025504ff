package dev.winnow.runtime.loading;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.runtime.LoadOptions;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.eval.Fingerprint;
import dev.winnow.runtime.models.LoadReport;
import dev.winnow.runtime.models.Quantization;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.DType;
import dev.winnow.weights.SafetensorsWriter;
import dev.winnow.weights.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rounded matrices are kept beside the model, used again, and never used for another model. */
class QuantizedCacheTest {
    private static final LoadOptions Q8 = LoadOptions.defaults().withQuantization(Quantization.Q8);
    private static final LoadOptions Q4 = LoadOptions.defaults().withQuantization(Quantization.Q4);
    private static final LoadOptions KEEP = Q8.withKeptQuantization(true);

    @TempDir
    private Path folder;
    private TinyModel model;
    private Path directory;
    private Path file;

    @BeforeEach
    void start() throws IOException {
        model = new TinyModel(TinyModel.LLAMA);
        directory = model.write(folder.resolve("model"));
        file = directory.resolve("winnow-q8.safetensors");
    }

    /** Matrices that were rounded, and that were taken from the file. */
    private static long[] roundedAndTaken(Path directory, LoadOptions options) {
        try (Winnow winnow = Winnow.open(directory, options)) {
            List<LoadReport.Parameter> all = winnow.loadReport().parameters();
            return new long[] {all.stream().filter(p -> p.steps().stream().anyMatch(s -> s.startsWith("rounded to Q"))).count(),
                all.stream().filter(p -> p.steps().stream().anyMatch(s -> s.startsWith("taken as Q"))).count()};
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {TinyModel.LLAMA, TinyModel.GPT2})
    void logitsAndSizesAreThoseOfRoundingNow(String config) throws IOException {
        Path dir = new TinyModel(config).write(folder.resolve("either"));
        for (LoadOptions options : List.of(Q8, Q4)) {
            float[] now = TinyModel.logits(dir, options);
            long bytes;
            try (Winnow winnow = Winnow.open(dir, options)) {
                bytes = winnow.weightBytes();
            }
            assertThat(TinyModel.logits(dir, options.withKeptQuantization(true))).isEqualTo(now);
            assertThat(roundedAndTaken(dir, options)[0]).isZero();
            assertThat(TinyModel.logits(dir, options)).isEqualTo(now);
            try (Winnow winnow = Winnow.open(dir, options)) {
                assertThat(winnow.weightBytes()).isEqualTo(bytes);
                assertThat(winnow.loadReport().unused()).isEmpty();
            }
        }
    }

    @Test
    void isUsedOnceKeptAndNotWrittenUnasked() throws IOException {
        assertThat(roundedAndTaken(directory, Q8)).containsExactly(15, 0);
        assertThat(file).doesNotExist();
        assertThat(roundedAndTaken(directory, KEEP)).containsExactly(15, 0);
        assertThat(file).exists();
        FileTime written = Files.getLastModifiedTime(file);
        assertThat(roundedAndTaken(directory, KEEP)).containsExactly(0, 15);
        assertThat(Files.getLastModifiedTime(file)).isEqualTo(written);
        assertThat(roundedAndTaken(directory, Q4)).containsExactly(15, 0);
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files.map(p -> p.getFileName().toString())).containsExactlyInAnyOrder("config.json", "model.safetensors",
                    "winnow-q8.safetensors");
        }
    }

    @Test
    void anotherModelOfTheSameShapesIsRoundedAgain() throws IOException {
        roundedAndTaken(directory, KEEP);
        String query = "model.layers.0.self_attn.q_proj.weight";
        float[] other = model.tensors.get(query).toFloats();
        for (int i = 0; i < other.length; i++) other[i] = -other[i];
        model.put(query, other, 64, 64);
        model.write(directory);
        // a file system may tell times to the second only
        Files.setLastModifiedTime(directory.resolve("model.safetensors"), FileTime.fromMillis(System.currentTimeMillis() + 5000));
        float[] fresh = TinyModel.logits(model.write(folder.resolve("fresh")), Q8);
        assertThat(TinyModel.logits(directory, Q8)).isEqualTo(fresh);
        assertThat(roundedAndTaken(directory, KEEP)).containsExactly(15, 0);
        assertThat(roundedAndTaken(directory, KEEP)).containsExactly(0, 15);
    }

    @Test
    void anAdapterIsAnotherModel() throws IOException {
        roundedAndTaken(directory, KEEP);
        Path adapter = Files.createDirectories(folder.resolve("adapter"));
        Files.writeString(adapter.resolve("adapter_config.json"), "{\"peft_type\": \"LORA\", \"r\": 1, \"lora_alpha\": 1}");
        float[] ones = new float[64];
        Arrays.fill(ones, 0.1f);
        String module = "base_model.model.model.layers.0.self_attn.q_proj.";
        SafetensorsWriter.write(adapter.resolve("adapter_model.safetensors"), List.of(Tensor.ofFloats(module + "lora_A.weight", ones, 1, 64),
                Tensor.ofFloats(module + "lora_B.weight", ones, 64, 1)), Map.of());
        assertThat(roundedAndTaken(directory, KEEP.withAdapter(adapter))).containsExactly(15, 0);
        float[] adapted = TinyModel.logits(directory, Q8.withAdapter(adapter));
        assertThat(roundedAndTaken(directory, Q8.withAdapter(adapter))).containsExactly(0, 15);
        assertThat(TinyModel.logits(directory, Q8)).isNotEqualTo(adapted);
    }

    @Test
    void packedMatricesNeedNotBeUnpackedAgain() throws IOException {
        List<Tensor> packed = new ArrayList<>();
        for (String module : model.modules()) {
            long[] shape = model.shape(module);
            packed.addAll(Packers.float8("weight_scale", 1, -1, DType.F32).pack(module, model.weight(module), (int) shape[0], (int) shape[1]).tensors());
        }
        Path dir = model.writePacked(folder.resolve("packed"), packed, model.modules(), "");
        float[] now = TinyModel.logits(dir, KEEP);
        try (Winnow winnow = Winnow.open(dir, Q8)) {
            assertThat(TinyModel.logits(winnow)).isEqualTo(now);
            assertThat(winnow.loadReport().unused()).isEmpty();
            assertThat(winnow.loadReport().parameters()).noneMatch(p -> p.steps().stream().anyMatch(s -> s.startsWith("unpacked")));
        }
    }

    @Test
    void aDamagedFileCountsAsAbsent() throws IOException {
        float[] now = TinyModel.logits(directory, KEEP);
        Files.write(file, new byte[] {1, 2, 3});
        assertThat(roundedAndTaken(directory, Q8)).containsExactly(15, 0);
        assertThat(TinyModel.logits(directory, KEEP)).isEqualTo(now);
        assertThat(roundedAndTaken(directory, Q8)).containsExactly(0, 15);
    }

    @Test
    void whatCannotBeWrittenIsOneSentence() throws IOException {
        Files.createDirectories(file.resolve("in the way"));
        assertThatThrownBy(() -> Winnow.open(directory, KEEP)).isInstanceOf(CheckpointException.class)
                .hasMessageContaining("winnow-q8.safetensors").hasMessageNotContaining("\n");
        assertThat(roundedAndTaken(directory, Q8)).containsExactly(15, 0);
    }

    /** Results that eval kept for a model stay good. */
    @Test
    void theModelIsTheSameModelStill() {
        String before = Fingerprint.ofModel(directory);
        roundedAndTaken(directory, KEEP);
        assertThat(Fingerprint.ofModel(directory)).isEqualTo(before);
    }

    @Test
    void progressGoesToTheEnd() {
        List<Long> seen = new ArrayList<>();
        roundedAndTaken(directory, Q8.withProgress((done, total) -> {
            seen.add(done);
            assertThat(done).isBetween(1L, total);
        }));
        assertThat(seen).hasSize(16).isSorted();
        assertThat(seen.getLast()).isEqualTo(directory.resolve("model.safetensors").toFile().length());
    }
}
