package dev.winnow.examples.bench;

import dev.winnow.weights.Checkpoint;
import dev.winnow.weights.ModelDirectory;
import dev.winnow.weights.Settings;
import dev.winnow.weights.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntUnaryOperator;

/**
 * A Llama checkpoint of random weights as llama.cpp reads it, its own byte-level tokenizer included. All matrices get the type asked for,
 * but with Q4_0 those of the vocabulary get Q8_0, as Winnow holds them; norms stay f32, as llama.cpp requires.
 */
final class LlamaToGguf {
    // llama_token_type
    private static final int NORMAL = 1;
    private static final int UNKNOWN = 2;
    private static final int CONTROL = 3;

    private final Checkpoint weights;
    private final Settings config;
    private final GgmlType type;
    private final GgufFile gguf = new GgufFile();

    private LlamaToGguf(ModelDirectory model, GgmlType type) {
        this.weights = model.checkpoint();
        this.config = model.config();
        this.type = type;
    }

    /** Writes the file. The tokenizer must be the one that {@code winnow synth} makes: one token per byte, no merges. */
    static void write(ModelDirectory model, GgmlType type, Path file) throws IOException {
        LlamaToGguf to = new LlamaToGguf(model, type);
        to.hyperparameters();
        to.vocabulary(Settings.read(model.path().resolve("tokenizer.json")).section("model"));
        to.tensors();
        to.gguf.write(file);
    }

    private int heads() {
        return config.integer("num_attention_heads");
    }

    private int keyHeads() {
        return config.integer("num_key_value_heads", heads());
    }

    private int headDim() {
        return config.integer("head_dim", config.integer("hidden_size") / heads());
    }

    private void hyperparameters() {
        gguf.text("general.architecture", "llama").text("general.name", "random weights").integer("general.file_type", type.fileType())
                .integer("general.quantization_version", 2)
                .integer("llama.vocab_size", config.integer("vocab_size"))
                .integer("llama.context_length", config.integer("max_position_embeddings"))
                .integer("llama.embedding_length", config.integer("hidden_size"))
                .integer("llama.block_count", config.integer("num_hidden_layers"))
                .integer("llama.feed_forward_length", config.integer("intermediate_size"))
                .integer("llama.attention.head_count", heads()).integer("llama.attention.head_count_kv", keyHeads())
                .integer("llama.attention.key_length", headDim()).integer("llama.attention.value_length", headDim())
                .integer("llama.rope.dimension_count", headDim())
                .real("llama.rope.freq_base", (float) config.number("rope_theta", 10_000))
                .real("llama.attention.layer_norm_rms_epsilon", (float) config.number("rms_norm_eps", 1e-6));
    }

    /** Ids without a token of their own are written as [id], so that generated text tells which ids they were. */
    private void vocabulary(Settings bpe) {
        if (!bpe.strings("merges").isEmpty()) {
            throw new IllegalArgumentException("tokenizer.json: to be written as GGUF it should be winnow synth's, without merges");
        }
        int n = config.integer("vocab_size");
        List<String> tokens = new ArrayList<>();
        for (int i = 0; i < n; i++) tokens.add(unnamed(i));
        int[] types = new int[n];
        Arrays.fill(types, NORMAL);
        Settings ids = bpe.section("vocab");
        for (String token : ids.keys()) tokens.set(ids.integer(token), token);
        types[ids.integer("<unk>")] = UNKNOWN;
        types[ids.integer("<s>")] = CONTROL;
        types[ids.integer("</s>")] = CONTROL;
        gguf.text("tokenizer.ggml.model", "gpt2").text("tokenizer.ggml.pre", "gpt-2").texts("tokenizer.ggml.tokens", tokens)
                .integers("tokenizer.ggml.token_type", types).texts("tokenizer.ggml.merges", List.of())
                .integer("tokenizer.ggml.unknown_token_id", ids.integer("<unk>"))
                .integer("tokenizer.ggml.bos_token_id", ids.integer("<s>")).integer("tokenizer.ggml.eos_token_id", ids.integer("</s>"))
                .flag("tokenizer.ggml.add_bos_token", false);
    }

    static String unnamed(int id) {
        return "[" + id + "]";
    }

    private void tensors() {
        GgmlType vocabulary = type == GgmlType.Q4_0 ? GgmlType.Q8_0 : type;
        matrix("token_embd.weight", vocabulary, "model.embed_tokens.weight", IntUnaryOperator.identity());
        vector("output_norm.weight", "model.norm.weight");
        if (!config.flag("tie_word_embeddings", false)) matrix("output.weight", vocabulary, "lm_head.weight", IntUnaryOperator.identity());
        if (config.has("rope_scaling")) {
            float[] factors = llama3Factors(config.section("rope_scaling"));
            gguf.tensor("rope_freqs.weight", GgmlType.F32, new int[] {factors.length}, r -> factors);
        }
        for (int l = 0; l < config.integer("num_hidden_layers"); l++) {
            String to = "blk." + l + ".";
            String from = "model.layers." + l + ".";
            vector(to + "attn_norm.weight", from + "input_layernorm.weight");
            matrix(to + "attn_q.weight", type, from + "self_attn.q_proj.weight", r -> interleaved(r, headDim()));
            matrix(to + "attn_k.weight", type, from + "self_attn.k_proj.weight", r -> interleaved(r, headDim()));
            matrix(to + "attn_v.weight", from + "self_attn.v_proj.weight");
            matrix(to + "attn_output.weight", from + "self_attn.o_proj.weight");
            vector(to + "ffn_norm.weight", from + "post_attention_layernorm.weight");
            matrix(to + "ffn_gate.weight", from + "mlp.gate_proj.weight");
            matrix(to + "ffn_up.weight", from + "mlp.up_proj.weight");
            matrix(to + "ffn_down.weight", from + "mlp.down_proj.weight");
        }
    }

    private void matrix(String name, String source) {
        matrix(name, type, source, IntUnaryOperator.identity());
    }

    private void matrix(String name, GgmlType as, String source, IntUnaryOperator sourceRow) {
        Tensor t = weights.tensor(source);
        gguf.tensor(name, as, new int[] {t.dim(0), t.dim(1)}, r -> row(t, sourceRow.applyAsInt(r)));
    }

    private void vector(String name, String source) {
        float[] values = weights.tensor(source).toFloats();
        gguf.tensor(name, GgmlType.F32, new int[] {values.length}, r -> values);
    }

    private static float[] row(Tensor t, int r) {
        long bytes = t.dtype().bytes(t.dim(1));
        return new Tensor(t.name(), t.dtype(), new long[] {t.dim(1)}, t.data().asSlice(r * bytes, bytes)).toFloats();
    }

    /**
     * Where row r of a query or key map comes from. llama.cpp rotates channels 2i and 2i + 1 of a head together, the checkpoint's layout i
     * and i + headDim / 2.
     */
    static int interleaved(int r, int headDim) {
        int i = r % headDim;
        return r - i + i % 2 * (headDim / 2) + i / 2;
    }

    /** What llama.cpp divides each rotary frequency by. */
    private float[] llama3Factors(Settings s) {
        if (!s.string("rope_type", s.string("type", "")).equals("llama3")) {
            throw new IllegalArgumentException("config.json: rope_scaling should be llama3 to be written as GGUF");
        }
        double theta = config.number("rope_theta", 10_000);
        double factor = s.number("factor");
        double low = s.number("low_freq_factor");
        double high = s.number("high_freq_factor");
        double trained = s.number("original_max_position_embeddings");
        float[] factors = new float[headDim() / 2];
        for (int i = 0; i < factors.length; i++) {
            // how often a channel turns within the trained context; between low and high both frequencies are mixed
            double turns = trained * Math.pow(theta, -2.0 * i / headDim()) / (2 * Math.PI);
            double kept = Math.clamp((turns - low) / (high - low), 0, 1);
            factors[i] = (float) (1 / (kept + (1 - kept) / factor));
        }
        return factors;
    }
}
