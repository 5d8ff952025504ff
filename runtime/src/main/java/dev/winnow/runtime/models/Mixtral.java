package dev.winnow.runtime.models;

import dev.winnow.layers.Backend;
import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.weights.Settings;
import java.util.List;

/** Mixtral of Experts (Jiang et al. 2024): Mistral's attention; each token runs two of the experts that stand in place of the MLP. */
final class Mixtral {
    private Mixtral() {}

    private static final String DEFAULTS = """
            {"vocab_size": 32000, "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
             "num_key_value_heads": 8, "max_position_embeddings": 131072, "rms_norm_eps": 1e-5, "rope_theta": 1e6, "hidden_act": "silu",
             "num_local_experts": 8, "num_experts_per_tok": 2, "tie_word_embeddings": false}""";

    static LanguageModel load(Settings config, WeightScope root, Backend backend) {
        Settings c = config.withDefaults(DEFAULTS);
        Decoder d = Decoder.of(c, "rms_norm_eps");
        RotaryEmbedding rotary = d.rotary();
        int experts = Config.size(c, "num_local_experts");
        List<TransformerLayer> layers = root.at("model.layers").each(d.layers(), (layer, i) -> new TransformerLayer(
                d.rms(layer, "input_layernorm"),
                d.attention(layer.at("self_attn"), false, false, d.mask(), rotary),
                d.rms(layer, "post_attention_layernorm"),
                d.experts(layer.at("block_sparse_moe"), experts, true, "w1", "w3", "w2", d.inner())));
        return d.model("mixtral", root, layers, backend);
    }
}
