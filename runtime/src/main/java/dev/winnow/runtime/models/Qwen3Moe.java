package dev.winnow.runtime.models;

import dev.winnow.layers.Backend;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.weights.Settings;
import java.util.List;

/** Qwen3's mixtures of experts (Yang et al. 2025): its attention, and in most layers many small experts in place of the MLP. */
final class Qwen3Moe {
    private Qwen3Moe() {}

    private static final String DEFAULTS = """
            {"vocab_size": 151936, "hidden_size": 2048, "intermediate_size": 6144, "num_hidden_layers": 24, "num_attention_heads": 32,
             "num_key_value_heads": 4, "max_position_embeddings": 32768, "rms_norm_eps": 1e-6, "hidden_act": "silu",
             "sliding_window": 4096, "max_window_layers": 28, "decoder_sparse_step": 1, "moe_intermediate_size": 768,
             "num_experts": 128, "num_experts_per_tok": 8, "tie_word_embeddings": false}""";

    static LanguageModel load(Settings config, WeightScope root, Backend backend) {
        Decoder d = Decoder.of(config.withDefaults(DEFAULTS), "rms_norm_eps");
        RotaryEmbedding rotary = d.rotary();
        List<TransformerLayer> layers = root.at("model.layers").each(d.layers(), (layer, i) -> new TransformerLayer(
                d.rms(layer, "input_layernorm"),
                Qwen3.attention(d, layer.at("self_attn"), i, rotary),
                d.rms(layer, "post_attention_layernorm"),
                mlp(d, layer.at("mlp"), i)));
        return d.model("qwen3_moe", root, layers, backend);
    }

    private static Mlp mlp(Decoder d, WeightScope m, int layer) {
        Settings c = d.config();
        boolean dense = (layer + 1) % Config.size(c, "decoder_sparse_step") != 0
                || c.has("mlp_only_layers") && c.integers("mlp_only_layers").contains(layer);
        return dense ? d.gated(m, false) : d.experts(m, Config.size(c, "num_experts"), c.flag("norm_topk_prob", false),
                "gate_proj", "up_proj", "down_proj", Config.size(c, "moe_intermediate_size"));
    }
}
