package dev.winnow.examples.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.winnow.layers.CpuBackend;
import dev.winnow.layers.RopeScaling;
import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.runtime.models.SyntheticModel;
import dev.winnow.runtime.models.SyntheticTokenizer;
import dev.winnow.weights.DType;
import dev.winnow.weights.ModelDirectory;
import dev.winnow.weights.SafetensorsWriter;
import dev.winnow.weights.Settings;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LlamaToGgufTest {
    private static final int HEAD = 8;
    private static final String CONFIG = """
            {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 32, "num_hidden_layers": 2,
             "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "intermediate_size": 64, "hidden_act": "silu",
             "vocab_size": 300, "tie_word_embeddings": true, "max_position_embeddings": 4096, "rms_norm_eps": 1e-5, "rope_theta": 500000.0,
             "rope_scaling": {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                              "original_max_position_embeddings": 8192}}""";

    @TempDir
    Path directory;

    private GgufReading written(GgmlType type) throws IOException {
        Files.writeString(directory.resolve("config.json"), CONFIG);
        Files.writeString(directory.resolve("tokenizer.json"), SyntheticTokenizer.json(-1));
        try (Arena arena = Arena.ofShared()) {
            SafetensorsWriter.write(directory.resolve("model.safetensors"),
                    SyntheticModel.tensors(Settings.of(CONFIG, "config.json"), DType.BF16, 1, arena, CpuBackend.create()), Map.of());
        }
        try (ModelDirectory model = ModelDirectory.open(directory)) {
            LlamaToGguf.write(model, type, directory.resolve("m.gguf"));
        }
        return GgufReading.of(directory.resolve("m.gguf"));
    }

    private float[] original(String name) {
        try (ModelDirectory model = ModelDirectory.open(directory)) {
            return model.checkpoint().tensor(name).toFloats();
        }
    }

    @Test
    void hyperparametersAndVocabularyAreWhatLlamaCppAsksFor() throws IOException {
        GgufReading read = written(GgmlType.BF16);
        assertThat(read.metadata()).containsEntry("general.architecture", "llama").containsEntry("general.file_type", 32)
                .containsEntry("llama.block_count", 2).containsEntry("llama.embedding_length", 32)
                .containsEntry("llama.attention.head_count", 4)
                .containsEntry("llama.attention.head_count_kv", 2).containsEntry("llama.rope.dimension_count", HEAD)
                .containsEntry("llama.rope.freq_base", 500_000f).containsEntry("llama.attention.layer_norm_rms_epsilon", 1e-5f)
                .containsEntry("tokenizer.ggml.model", "gpt2").containsEntry("tokenizer.ggml.merges", List.of())
                .containsEntry("tokenizer.ggml.bos_token_id", 1).containsEntry("tokenizer.ggml.eos_token_id", 2);
        List<?> tokens = (List<?>) read.metadata().get("tokenizer.ggml.tokens");
        assertThat(tokens).hasSize(300).doesNotHaveDuplicates();
        assertThat(List.<Object>copyOf(tokens).subList(0, 3)).containsExactly("<unk>", "<s>", "</s>");
        assertThat(tokens.get(3 + 'a')).isEqualTo("a");
        assertThat(tokens.get(299)).isEqualTo("[299]");
        List<?> types = (List<?>) read.metadata().get("tokenizer.ggml.token_type");
        assertThat(List.<Object>copyOf(types).subList(0, 4)).containsExactly(2, 3, 3, 1);
    }

    @Test
    void everyTensorIsThereOnceWithItsShape() throws IOException {
        GgufReading read = written(GgmlType.Q8_0);
        assertThat(read.tensors()).hasSize(3 + 2 * 9).doesNotContainKey("output.weight");
        assertThat(read.tensors().get("token_embd.weight").dimensions()).containsExactly(32L, 300L);
        assertThat(read.tensors().get("blk.1.attn_k.weight").dimensions()).containsExactly(32L, 16L);
        assertThat(read.tensors().get("blk.1.ffn_down.weight").dimensions()).containsExactly(64L, 32L);
        assertThat(read.tensors().get("blk.1.ffn_down.weight").type()).isEqualTo(8);
        // norms are plain floats whatever the matrices are
        assertThat(read.tensors().get("blk.0.ffn_norm.weight").type()).isZero();
        assertThat(read.data("blk.0.ffn_norm.weight", 128).getFloat(124)).isEqualTo(1f);
    }

    @Test
    void matricesKeepTheirBits() throws IOException {
        GgufReading read = written(GgmlType.BF16);
        float[] values = original("model.layers.1.mlp.up_proj.weight");
        ByteBuffer data = read.data("blk.1.ffn_up.weight", 2 * values.length);
        for (int i = 0; i < values.length; i++) assertThat(Float.intBitsToFloat(data.getShort(2 * i) << 16)).isEqualTo(values[i]);
    }

    @Test
    void queryAndKeyRowsArePairedAsLlamaCppRotatesThem() throws IOException {
        GgufReading read = written(GgmlType.BF16);
        for (String[] names : new String[][] {{"blk.0.attn_q.weight", "q_proj"}, {"blk.0.attn_k.weight", "k_proj"}}) {
            float[] values = original("model.layers.0.self_attn." + names[1] + ".weight");
            ByteBuffer data = read.data(names[0], 2 * values.length);
            for (int r = 0; r < values.length / 32; r++) {
                // rows 2i and 2i + 1 of a head are its rows i and i + 4
                int source = r / HEAD * HEAD + new int[] {0, 4, 1, 5, 2, 6, 3, 7}[r % HEAD];
                for (int c = 0; c < 32; c++) {
                    assertThat(Float.intBitsToFloat(data.getShort(2 * (32 * r + c)) << 16)).isEqualTo(values[32 * source + c]);
                }
            }
        }
    }

    @Test
    void rotatingNeighboursOfThePairedRowsIsRotatingHalvesOfTheOriginals() {
        int dim = 64;
        SplittableRandom random = new SplittableRandom(5);
        float[] head = new float[dim];
        for (int i = 0; i < dim; i++) head[i] = (float) random.nextDouble(-1, 1);
        float[] paired = new float[dim];
        for (int i = 0; i < dim; i++) paired[i] = head[LlamaToGguf.interleaved(i, dim)];
        float[] halves = head.clone();
        new RotaryEmbedding(dim, 10_000, new RopeScaling.None()).shift(halves, 0, dim, new int[] {0}, new int[] {7});
        for (int i = 0; i < dim / 2; i++) {
            double angle = 7 * Math.pow(10_000, -2.0 * i / dim);
            double a = paired[2 * i] * Math.cos(angle) - paired[2 * i + 1] * Math.sin(angle);
            double b = paired[2 * i + 1] * Math.cos(angle) + paired[2 * i] * Math.sin(angle);
            assertThat((double) halves[i]).isCloseTo(a, within(1e-5));
            assertThat((double) halves[i + dim / 2]).isCloseTo(b, within(1e-5));
        }
    }

    @Test
    void frequencyFactorsAreThoseOfOurRotation() throws IOException {
        GgufReading read = written(GgmlType.Q4_0);
        ByteBuffer factors = read.data("rope_freqs.weight", 2 * HEAD);
        RotaryEmbedding.Table table = new RotaryEmbedding(HEAD, 500_000, new RopeScaling.Llama3(32, 1, 4, 8192)).table(new int[] {1}, 1);
        float[] divided = new float[HEAD / 2];
        for (int i = 0; i < divided.length; i++) divided[i] = (float) Math.pow(500_000, -2.0 * i / HEAD) / factors.getFloat(4 * i);
        for (int i = 0; i < divided.length; i++) {
            assertThat((double) divided[i]).isCloseTo(Math.atan2(table.sin()[i], table.cos()[i]), within(1e-6 * divided[i]));
        }
        assertThat(factors.getFloat(0)).isEqualTo(1f);
        assertThat(factors.getFloat(12)).isCloseTo(32f, within(1e-4f));
    }

    @Test
    void quantisedMatricesHoldTheBlocksOfTheirRows() throws IOException {
        GgufReading read = written(GgmlType.Q4_0);
        float[] values = original("model.layers.0.mlp.gate_proj.weight");
        ByteBuffer expected = ByteBuffer.allocate(18).order(read.file().order());
        GgmlType.Q4_0.encode(Arrays.copyOfRange(values, 32 * 63, 32 * 64), expected);
        assertThat(read.data("blk.0.ffn_gate.weight", 64 * 18).slice(63 * 18, 18)).isEqualTo(expected.flip());
        // the vocabulary is more sensitive to rounding
        ByteBuffer embedding = ByteBuffer.allocate(34).order(read.file().order());
        GgmlType.Q8_0.encode(Arrays.copyOfRange(original("model.embed_tokens.weight"), 32 * 299, 32 * 300), embedding);
        assertThat(read.data("token_embd.weight", 300 * 34).slice(299 * 34, 34)).isEqualTo(embedding.flip());
    }
}
