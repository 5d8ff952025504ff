package dev.winnow.runtime.models;

import dev.winnow.layers.Backend;
import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.weights.Settings;
import java.util.List;

/** Mistral 7B and its kin (Jiang et al. 2023): a decoder as Llama's whose layers may see only a window of the keys. */
final class Mistral {
    private Mistral() {}

    private static final String DEFAULTS = """
            {"vocab_size": 32000, "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
             "num_key_value_heads": 8, "max_position_embeddings": 131072, "rms_norm_eps": 1e-6, "hidden_act": "silu",
             "sliding_window": 4096, "tie_word_embeddings": false}""";

    static LanguageModel load(Settings config, WeightScope root, Backend backend) {
        Decoder d = Decoder.of(config.withDefaults(DEFAULTS), "rms_norm_eps");
        RotaryEmbedding rotary = d.rotary();
        List<TransformerLayer> layers = root.at("model.layers").each(d.layers(), (layer, i) -> new TransformerLayer(
                d.rms(layer, "input_layernorm"),
                d.attention(layer.at("self_attn"), false, false, d.mask(), rotary),
                d.rms(layer, "post_attention_layernorm"),
                d.gated(layer.at("mlp"), false)));
        return d.model("mistral", root, layers, backend);
    }
}
