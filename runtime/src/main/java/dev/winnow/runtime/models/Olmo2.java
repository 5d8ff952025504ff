package dev.winnow.runtime.models;

import dev.winnow.layers.Attention;
import dev.winnow.layers.Backend;
import dev.winnow.layers.Residual;
import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.weights.Settings;
import java.util.List;

/** OLMo 2 (OLMo Team 2024): norms only behind attention and MLP, and of queries and keys over all their heads at once. */
final class Olmo2 {
    private Olmo2() {}

    private static final String DEFAULTS = """
            {"vocab_size": 50304, "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32,
             "max_position_embeddings": 2048, "rms_norm_eps": 1e-5, "hidden_act": "silu", "tie_word_embeddings": false}""";

    static LanguageModel load(Settings config, WeightScope root, Backend backend) {
        Decoder d = Decoder.of(config.withDefaults(DEFAULTS), "rms_norm_eps");
        RotaryEmbedding rotary = d.rotary();
        List<TransformerLayer> layers = root.at("model.layers").each(d.layers(), (layer, i) -> new TransformerLayer(
                null,
                attention(d, layer.at("self_attn"), rotary),
                null,
                d.gated(layer.at("mlp"), false),
                Residual.normed(d.rms(layer, "post_attention_layernorm"), d.rms(layer, "post_feedforward_layernorm"))));
        return d.model("olmo2", root, layers, backend);
    }

    private static Attention attention(Decoder d, WeightScope a, RotaryEmbedding rotary) {
        boolean bias = d.config().flag("attention_bias", false);
        return d.attention(a, bias, bias, d.mask(), rotary)
                .withNorms(a.rmsNorm("q_norm", d.queryWidth(), d.epsilon()), a.rmsNorm("k_norm", d.keyWidth(), d.epsilon()));
    }
}
