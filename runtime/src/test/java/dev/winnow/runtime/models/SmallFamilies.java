package dev.winnow.runtime.models;

import dev.winnow.layers.CpuBackend;
import dev.winnow.weights.Settings;
import dev.winnow.weights.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;

/** A small model of every family of decoders, with random weights that make attention far from uniform. */
final class SmallFamilies {
    static final int VOCABULARY = 50;
    private static final String SIZES = """
            "vocab_size": 50, "hidden_size": 24, "intermediate_size": 20, "num_hidden_layers": 4, "num_attention_heads": 4,
            "num_key_value_heads": 2, "max_position_embeddings": 64""";

    /** Configurations, by the name of the family and what is special about them. */
    static final Map<String, String> CONFIGS = new LinkedHashMap<>();

    static {
        put("llama", "llama", "");
        put("mistral", "mistral", "\"sliding_window\": 7, \"head_dim\": 8");
        put("mixtral", "mixtral", "\"num_local_experts\": 4");
        put("qwen2", "qwen2", "\"use_sliding_window\": true, \"max_window_layers\": 2, \"sliding_window\": 5");
        put("qwen2 by layer_types", "qwen2", "\"use_sliding_window\": true, \"sliding_window\": 5, \"layer_types\":"
                + " [\"sliding_attention\", \"full_attention\", \"sliding_attention\", \"full_attention\"]");
        put("qwen3", "qwen3", "\"head_dim\": 8");
        put("qwen3_moe", "qwen3_moe", "\"num_experts\": 6, \"num_experts_per_tok\": 3, \"moe_intermediate_size\": 10,"
                + " \"mlp_only_layers\": [2]");
        put("gemma", "gemma", "\"head_dim\": 8");
        put("gemma2", "gemma2", "\"head_dim\": 8, \"query_pre_attn_scalar\": 6, \"sliding_window\": 6, \"attn_logit_softcapping\": 2.0");
        put("gemma3_text", "gemma3_text", "\"head_dim\": 8, \"query_pre_attn_scalar\": 6, \"sliding_window\": 6,"
                + " \"sliding_window_pattern\": 2");
        put("phi", "phi", "\"partial_rotary_factor\": 0.67");
        put("phi tied", "phi", "\"partial_rotary_factor\": 0.67, \"tie_word_embeddings\": true");
        put("phi with qk_layernorm", "phi", "\"partial_rotary_factor\": 1.0, \"qk_layernorm\": true");
        put("phi3", "phi3", "\"sliding_window\": 9, \"original_max_position_embeddings\": 32, \"rope_scaling\": {\"type\": \"longrope\","
                + " \"short_factor\": [1.0, 1.1, 1.2], \"long_factor\": [2.0, 3.0, 4.0]}");
        put("granite", "granite", "\"attention_multiplier\": 0.4, \"residual_multiplier\": 0.3, \"embedding_multiplier\": 3.0,"
                + " \"logits_scaling\": 2.0");
        put("olmo2", "olmo2", "");
        put("starcoder2", "starcoder2", "");
        put("gpt_neox", "gpt_neox", "\"rotary_pct\": 0.7");
        put("gpt_neox one after the other", "gpt_neox", "\"rotary_pct\": 0.7, \"use_parallel_residual\": false");
        CONFIGS.put("gpt2", "{\"model_type\": \"gpt2\", \"vocab_size\": 50, \"n_positions\": 64, \"n_embd\": 24, \"n_layer\": 4,"
                + " \"n_head\": 4, \"scale_attn_by_inverse_layer_idx\": true}");
    }

    private SmallFamilies() {}

    private static void put(String name, String type, String more) {
        CONFIGS.put(name, "{\"model_type\": \"" + type + "\", " + SIZES + (more.isEmpty() ? "" : ", " + more) + "}");
    }

    static LanguageModel model(String config) {
        return (LanguageModel) Model.load(Settings.of(config, "config.json"), WeightScope.of(new Weights()), CpuBackend.create());
    }

    /** Whatever is asked for; the same name and shape give the same numbers. */
    private static final class Weights implements WeightScope.Source {
        @Override
        public boolean has(String name) {
            return name.startsWith("transformer.") || !name.contains("swiftkv") && name.contains("input_layernorm");
        }

        @Override
        public Tensor any(String name) {
            throw new IllegalArgumentException(name);
        }

        @Override
        public Tensor tensor(String name, long... shape) {
            Random random = new Random(name.hashCode());
            boolean norm = (name.contains("norm") || name.contains("ln_")) && name.endsWith(".weight");
            double spread = name.contains("q_proj") || name.contains("k_proj") || name.contains("qkv") ? 0.5 : 0.25;
            int n = 1;
            for (long d : shape) n *= (int) d;
            float[] values = new float[n];
            for (int i = 0; i < n; i++) values[i] = (float) (norm ? 1 + 0.2 * random.nextGaussian() : spread * random.nextGaussian());
            return Tensor.ofFloats(name, values, shape);
        }
    }
}
