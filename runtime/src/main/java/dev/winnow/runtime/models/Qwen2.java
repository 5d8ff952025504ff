package dev.winnow.runtime.models;

import dev.winnow.layers.AttentionMask;
import dev.winnow.layers.Backend;
import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.weights.Settings;
import java.util.List;

/** Qwen2 and 2.5 (Yang et al. 2024): queries, keys and values have biases, and upper layers may see only a window of the keys. */
final class Qwen2 {
    private Qwen2() {}

    private static final String DEFAULTS = """
            {"vocab_size": 151936, "hidden_size": 4096, "intermediate_size": 22016, "num_hidden_layers": 32, "num_attention_heads": 32,
             "num_key_value_heads": 32, "max_position_embeddings": 32768, "rms_norm_eps": 1e-6, "hidden_act": "silu",
             "sliding_window": 4096, "max_window_layers": 28, "tie_word_embeddings": false}""";

    static LanguageModel load(Settings config, WeightScope root, Backend backend) {
        Decoder d = Decoder.of(config.withDefaults(DEFAULTS), "rms_norm_eps");
        RotaryEmbedding rotary = d.rotary();
        List<TransformerLayer> layers = root.at("model.layers").each(d.layers(), (layer, i) -> new TransformerLayer(
                d.rms(layer, "input_layernorm"),
                d.attention(layer.at("self_attn"), true, false, mask(d, i), rotary),
                d.rms(layer, "post_attention_layernorm"),
                d.gated(layer.at("mlp"), false)));
        return d.model("qwen2", root, layers, backend);
    }

    /** Layers from {@code max_window_layers} on slide, if any do. */
    static AttentionMask mask(Decoder d, int layer) {
        Settings c = d.config();
        boolean slides = c.flag("use_sliding_window", false);
        return slides ? d.mask(layer, layer >= c.integer("max_window_layers", 28)) : AttentionMask.CAUSAL;
    }
}
