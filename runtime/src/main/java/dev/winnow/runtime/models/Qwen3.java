package dev.winnow.runtime.models;

import dev.winnow.layers.Attention;
import dev.winnow.layers.Backend;
import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.weights.Settings;
import java.util.List;

/** Qwen3 (Yang et al. 2025): every head's queries and keys go through an RMSNorm before they are rotated. */
final class Qwen3 {
    private Qwen3() {}

    private static final String DEFAULTS = """
            {"vocab_size": 151936, "hidden_size": 4096, "intermediate_size": 22016, "num_hidden_layers": 32, "num_attention_heads": 32,
             "num_key_value_heads": 32, "head_dim": 128, "max_position_embeddings": 32768, "rms_norm_eps": 1e-6, "hidden_act": "silu",
             "sliding_window": 4096, "max_window_layers": 28, "tie_word_embeddings": false}""";

    static LanguageModel load(Settings config, WeightScope root, Backend backend) {
        Decoder d = Decoder.of(config.withDefaults(DEFAULTS), "rms_norm_eps");
        RotaryEmbedding rotary = d.rotary();
        List<TransformerLayer> layers = root.at("model.layers").each(d.layers(), (layer, i) -> new TransformerLayer(
                d.rms(layer, "input_layernorm"),
                attention(d, layer.at("self_attn"), i, rotary),
                d.rms(layer, "post_attention_layernorm"),
                d.gated(layer.at("mlp"), false)));
        return d.model("qwen3", root, layers, backend);
    }

    static Attention attention(Decoder d, WeightScope a, int layer, RotaryEmbedding rotary) {
        boolean bias = d.config().flag("attention_bias", false);
        return d.attention(a, bias, bias, Qwen2.mask(d, layer), rotary)
                .withNorms(a.rmsNorm("q_norm", d.headDim(), d.epsilon()), a.rmsNorm("k_norm", d.headDim(), d.epsilon()));
    }
}
