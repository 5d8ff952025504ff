package dev.winnow.runtime.loading;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.runtime.Golden;
import dev.winnow.runtime.LoadOptions;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.models.Quantization;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.DType;
import dev.winnow.weights.SafetensorsWriter;
import dev.winnow.weights.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A model with adapters computes what one with the sums in its checkpoint computes. */
class LoraAdapterTest {
    private static final String QUERY = "model.layers.0.self_attn.q_proj";
    private static final String DOWN = "model.layers.1.mlp.down_proj";

    @TempDir
    private Path folder;
    private TinyModel model;
    private final List<Tensor> saved = new ArrayList<>();

    @BeforeEach
    void start() {
        model = new TinyModel(TinyModel.LLAMA);
    }

    /** Numbers that sixteen bits hold too. */
    private static float[] random(String name, int n) {
        Random random = new Random(name.hashCode());
        float[] x = new float[n];
        for (int i = 0; i < n; i++) x[i] = Float.intBitsToFloat(Float.floatToRawIntBits((float) (0.3 * random.nextGaussian())) & 0xffff0000);
        return x;
    }

    private float[] save(String name, long... shape) {
        int n = 1;
        for (long d : shape) n *= (int) d;
        float[] x = random(name, n);
        saved.add(Tensor.ofFloats("base_model.model." + name, x, shape));
        return x;
    }

    /** Saves a pair of factors and adds their product to the model's own matrix, in double precision. */
    private void adapt(String module, int rank, double factor) {
        int out = (int) model.shape(module)[0];
        int in = (int) model.shape(module)[1];
        float[] a = save(module + ".lora_A.weight", rank, in);
        float[] b = save(module + ".lora_B.weight", out, rank);
        float[] w = model.weight(module);
        for (int i = 0; i < w.length; i++) {
            double sum = 0;
            for (int k = 0; k < rank; k++) sum += (double) b[i / in * rank + k] * a[k * in + i % in];
            w[i] = (float) (w[i] + factor * sum);
        }
        model.put(module + ".weight", w, out, in);
    }

    private Path write(String config) throws IOException {
        return write("adapter", "{\"peft_type\": \"LORA\", \"base_model_name_or_path\": \"somebody/tiny\", \"bias\": \"none\", " + config + "}", saved);
    }

    private Path write(String name, String config, List<Tensor> tensors) throws IOException {
        Path adapter = Files.createDirectories(folder.resolve(name));
        Files.writeString(adapter.resolve("adapter_config.json"), config);
        SafetensorsWriter.write(adapter.resolve("adapter_model.safetensors"), tensors, Map.of());
        return adapter;
    }

    private Path base(String config) throws IOException {
        return new TinyModel(config).write(folder.resolve("base"));
    }

    private void sameAsMerged(Path adapter, double tolerance) throws IOException {
        float[] merged = TinyModel.logits(model.write(folder.resolve("merged")));
        Path base = base(model.config);
        float[] adapted = TinyModel.logits(base, LoadOptions.defaults().withAdapter(adapter));
        assertThat(Golden.difference(adapted, merged)).isLessThan(tolerance);
        assertThat(Golden.difference(TinyModel.logits(base), merged)).as("the adapter changes something").isGreaterThan(0.01);
    }

    @Test
    void sumsOfProducts() throws IOException {
        for (String module : model.modules()) adapt(module, 4, 8.0 / 4);
        adapt("lm_head", 4, 8.0 / 4);
        sameAsMerged(write("\"r\": 4, \"lora_alpha\": 8"), 1e-5);
    }

    @Test
    void rankStabilised() throws IOException {
        adapt(QUERY, 4, 6 / Math.sqrt(4));
        sameAsMerged(write("\"r\": 4, \"lora_alpha\": 6, \"use_rslora\": true"), 1e-5);
    }

    @Test
    void modulesWithRanksAndFactorsOfTheirOwn() throws IOException {
        adapt(QUERY, 4, 2.0);
        adapt(DOWN, 2, 5.0 / 2);
        sameAsMerged(write("\"r\": 4, \"lora_alpha\": 8, \"rank_pattern\": {\"down_proj\": 2}, \"alpha_pattern\": {\"mlp.down_proj\": 5}"), 1e-5);
    }

    @Test
    void storedAsInOut() throws IOException {
        model = new TinyModel(TinyModel.GPT2);
        String module = model.modules().stream().filter(m -> m.endsWith("0.attn.c_attn")).findFirst().orElseThrow();
        float[] a = save(module + ".lora_A.weight", 3, 64);
        float[] b = save(module + ".lora_B.weight", 192, 3);
        float[] w = model.weight(module);
        for (int i = 0; i < 64; i++) {
            for (int o = 0; o < 192; o++) for (int k = 0; k < 3; k++) w[i * 192 + o] += 4f / 3 * b[o * 3 + k] * a[k * 64 + i];
        }
        model.put(module + ".weight", w, 64, 192);
        sameAsMerged(write("\"r\": 3, \"lora_alpha\": 4, \"fan_in_fan_out\": true"), 1e-5);
    }

    @Test
    void embeddings() throws IOException {
        float[] a = save("model.embed_tokens.lora_embedding_A", 2, 48);
        float[] b = save("model.embed_tokens.lora_embedding_B", 64, 2);
        float[] w = model.weight("model.embed_tokens");
        for (int id = 0; id < 48; id++) {
            for (int c = 0; c < 64; c++) for (int k = 0; k < 2; k++) w[id * 64 + c] += 1.5f * b[c * 2 + k] * a[k * 48 + id];
        }
        model.put("model.embed_tokens.weight", w, 48, 64);
        sameAsMerged(write("\"r\": 2, \"lora_alpha\": 3"), 1e-5);
    }

    @Test
    void wholeModules() throws IOException {
        adapt(QUERY, 4, 2.0);
        model.put("lm_head.weight", save("lm_head.weight", 48, 64), 48, 64);
        model.put("model.norm.weight", save("model.norm.weight", 64), 64);
        sameAsMerged(write("\"r\": 4, \"lora_alpha\": 8, \"modules_to_save\": [\"lm_head\", \"norm\"]"), 1e-5);
    }

    @ParameterizedTest
    @CsvSource({"lora_magnitude_vector", "lora_magnitude_vector.weight"})
    void learnedLengths(String part) throws IOException {
        adapt(QUERY, 4, 2.0);
        float[] lengths = save(QUERY + "." + part, 64);
        float[] w = model.weight(QUERY);
        for (int r = 0; r < 64; r++) {
            double square = 0;
            for (int c = 0; c < 64; c++) square += w[r * 64 + c] * w[r * 64 + c];
            for (int c = 0; c < 64; c++) w[r * 64 + c] *= (float) (lengths[r] / Math.sqrt(square));
        }
        model.put(QUERY + ".weight", w, 64, 64);
        sameAsMerged(write("\"r\": 4, \"lora_alpha\": 8, \"use_dora\": true"), 1e-5);
    }

    @Test
    void oneAfterTheOther() throws IOException {
        adapt(QUERY, 4, 2.0);
        Path first = write("\"r\": 4, \"lora_alpha\": 8");
        saved.clear();
        adapt(QUERY, 2, 0.5);
        Path second = write("second", "{\"r\": 2, \"lora_alpha\": 1}", saved);
        float[] merged = TinyModel.logits(model.write(folder.resolve("merged")));
        LoadOptions both = LoadOptions.defaults().withAdapter(first).withAdapter(second);
        assertThat(Golden.difference(TinyModel.logits(base(TinyModel.LLAMA), both), merged)).isLessThan(1e-5);
    }

    @Test
    void ofAPackedModel() throws IOException {
        String config = "\"quantization_config\": {\"quant_method\": \"awq\", \"bits\": 4}";
        long[] shape = model.shape(QUERY);
        Packers.Packed packed = Packers.awq(32).pack(QUERY, model.weight(QUERY), (int) shape[0], (int) shape[1]);
        Path base = model.writePacked(folder.resolve("base"), packed.tensors(), List.of(QUERY), config);
        model.put(QUERY + ".weight", packed.values(), shape);
        adapt(QUERY, 4, 2.0);
        float[] merged = TinyModel.logits(model.write(folder.resolve("merged")));
        LoadOptions adapted = LoadOptions.defaults().withAdapter(write("\"r\": 4, \"lora_alpha\": 8"));
        assertThat(Golden.difference(TinyModel.logits(base, adapted), merged)).isLessThan(1e-4);
    }

    @Test
    void roundedAfterMerging() throws IOException {
        adapt(QUERY, 4, 2.0);
        Path adapter = write("\"r\": 4, \"lora_alpha\": 8");
        LoadOptions q8 = LoadOptions.defaults().withQuantization(Quantization.Q8);
        float[] merged = TinyModel.logits(model.write(folder.resolve("merged")), q8);
        assertThat(Golden.difference(TinyModel.logits(base(TinyModel.LLAMA), q8.withAdapter(adapter)), merged)).isLessThan(1e-2);
    }

    @Test
    void theReportSaysWhatWasMerged() throws IOException {
        adapt(QUERY, 4, 2.0);
        Path adapter = write("\"r\": 4, \"lora_alpha\": 8");
        try (Winnow winnow = Winnow.open(base(TinyModel.LLAMA), LoadOptions.defaults().withAdapter(adapter))) {
            assertThat(winnow.loadReport().parameters()).filteredOn(p -> p.uses().contains("language layer 0 query")).singleElement()
                    .satisfies(p -> {
                        assertThat(p.steps()).containsExactly("adapter adapter merged in f32, rank 4, factor 2.0");
                        assertThat(p.held()).isEqualTo("F32[64, 64]");
                    });
        }
    }

    /** Modules are named as they lie in memory, which for models that see is not how they lie in older files. */
    @Test
    void namesOfNewerReleasesFindTheModulesOfOlderFiles() throws IOException {
        Path vlm = Golden.roots().getFirst().resolve("llava-1img");
        String module = "model.language_model.layers.0.self_attn.q_proj";
        try (Winnow winnow = Winnow.open(vlm)) {
            int width = winnow.languageModel().orElseThrow().width();
            save(module + ".lora_A.weight", 2, width);
            save(module + ".lora_B.weight", width, 2);
        }
        try (Winnow winnow = Winnow.open(vlm, LoadOptions.defaults().withAdapter(write("\"r\": 2, \"lora_alpha\": 2")))) {
            assertThat(winnow.loadReport().parameters()).filteredOn(p -> p.steps().stream().anyMatch(s -> s.startsWith("adapter"))).singleElement()
                    .satisfies(p -> assertThat(p.uses()).containsExactly("language layer 0 query"));
        }
    }

    // ---- what cannot be merged ----

    private void refused(Path adapter, String... said) throws IOException {
        Path base = base(TinyModel.LLAMA);
        assertThatThrownBy(() -> Winnow.open(base, LoadOptions.defaults().withAdapter(adapter))).isInstanceOf(CheckpointException.class)
                .message().contains(said).doesNotContain("\n");
    }

    @Test
    void anAdapterOfAWiderModel() throws IOException {
        save(QUERY + ".lora_A.weight", 4, 128);
        save(QUERY + ".lora_B.weight", 128, 4);
        refused(write("\"r\": 4, \"lora_alpha\": 8"), QUERY, "[128, 128]", "[64, 64]", "somebody/tiny");
    }

    @Test
    void anAdapterOfADeeperModel() throws IOException {
        save("model.layers.7.self_attn.q_proj.lora_A.weight", 4, 64);
        save("model.layers.7.self_attn.q_proj.lora_B.weight", 64, 4);
        refused(write("\"r\": 4, \"lora_alpha\": 8"), "'model.layers.7.self_attn.q_proj' is not in the model, which should be somebody/tiny");
    }

    @Test
    void aWholeTensorWithoutAPlace() throws IOException {
        save("score.weight", 2, 64);
        refused(write("\"r\": 4, \"lora_alpha\": 8"), "'score.weight' has no place in the model");
    }

    @Test
    void aWholeTensorOfAnotherShape() throws IOException {
        save("lm_head.weight", 50, 64);
        refused(write("\"r\": 4, \"lora_alpha\": 8"), "lm_head.weight has shape [50, 64], but the configuration asks for [48, 64]");
    }

    @Test
    void halfAPair() throws IOException {
        save(QUERY + ".lora_A.weight", 4, 64);
        refused(write("\"r\": 4, \"lora_alpha\": 8"), QUERY, "has no lora_B");
    }

    @Test
    void anotherRankThanConfigured() throws IOException {
        save(QUERY + ".lora_A.weight", 4, 64);
        save(QUERY + ".lora_B.weight", 64, 4);
        refused(write("\"r\": 8, \"lora_alpha\": 8"), QUERY, "lora_A [4, 64]", "rank 8 asks for [8, in] and [out, 8]");
    }

    @Test
    void lengthsOfAnotherNumber() throws IOException {
        save(QUERY + ".lora_A.weight", 4, 64);
        save(QUERY + ".lora_B.weight", 64, 4);
        save(QUERY + ".lora_magnitude_vector", 63);
        refused(write("\"r\": 4, \"lora_alpha\": 8"), QUERY, "lora_magnitude_vector [63] for 64 outputs");
    }

    @Test
    void tensorsThatAreNotLora() throws IOException {
        save(QUERY + ".lora_C.weight", 4, 64);
        refused(write("\"r\": 4, \"lora_alpha\": 8"), "lora_C.weight' is none that PEFT saves for LoRA");
        refused(write("other", "{\"r\": 4, \"lora_alpha\": 8}", List.of(Tensor.ofFloats("q_proj.weight", new float[1], 1))), "'q_proj.weight' is none");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "'\"peft_type\": \"IA3\"' | peft_type 'IA3'; LORA can be merged",
        "'\"init_lora_weights\": \"pissa_niter_4\"' | 'pissa_niter_4', which changes the base model too",
        "'\"layer_replication\": [[0, 1]]' | layer_replication",
        "'\"rank_pattern\": {\".*q_proj\": 3}' | rank_pattern has the key '.*q_proj'",
        "'\"bias\": \"none\"' | key 'lora_alpha' is missing"})
    void otherKindsOfAdapters(String config, String said) throws IOException {
        adapt(QUERY, 4, 2.0);
        refused(write("other", "{\"r\": 4, " + config + "}", saved), said);
    }

    @Test
    void directoriesWithoutAnAdapter() throws IOException {
        Path none = folder.resolve("none");
        refused(none, "no such directory");
        Files.createDirectories(none);
        refused(none, "holds no adapter_config.json");
        Files.writeString(none.resolve("adapter_config.json"), "{\"peft_type\": \"LORA\"}");
        Files.writeString(none.resolve("adapter_model.bin"), "");
        refused(none, "holds no adapter_model.safetensors");
    }

    @Test
    void savedInSixteenBits() throws IOException {
        adapt(QUERY, 4, 2.0);
        List<Tensor> rounded = saved.stream().map(t -> Packers.floats(t.name(), t.toFloats(), DType.BF16, t.shape())).toList();
        Path full = write("\"r\": 4, \"lora_alpha\": 8");
        Path halves = write("halves", "{\"r\": 4, \"lora_alpha\": 8}", rounded);
        Path base = base(TinyModel.LLAMA);
        assertThat(TinyModel.logits(base, LoadOptions.defaults().withAdapter(halves)))
                .isEqualTo(TinyModel.logits(base, LoadOptions.defaults().withAdapter(full)));
    }
}
