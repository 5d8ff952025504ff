package dev.winnow.runtime.models;

import dev.winnow.layers.Backend;
import dev.winnow.layers.Residual;
import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.weights.Settings;
import java.util.List;

/**
 * Gemma 2 (Gemma Team 2024): norms on both sides of attention and MLP, every other layer sees only a window of the keys, and logits of
 * the attention and of the vocabulary are bounded.
 */
final class Gemma2 {
    private Gemma2() {}

    private static final String DEFAULTS = """
            {"vocab_size": 256000, "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26, "num_attention_heads": 8,
             "num_key_value_heads": 4, "head_dim": 256, "max_position_embeddings": 8192, "rms_norm_eps": 1e-6,
             "query_pre_attn_scalar": 256, "sliding_window": 4096,
             "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0}""";

    static LanguageModel load(Settings config, WeightScope root, Backend backend) {
        Settings c = config.withDefaults(DEFAULTS);
        Decoder d = Gemma.decoder(c);
        RotaryEmbedding rotary = d.rotary();
        boolean bias = c.flag("attention_bias", false);
        float scale = scale(c);
        float softcap = (float) Config.atLeastZero(c, "attn_logit_softcapping", 0);
        List<TransformerLayer> layers = root.at("model.layers").each(d.layers(), (layer, i) -> new TransformerLayer(
                Gemma.norm(d, layer, "input_layernorm"),
                d.attention(layer.at("self_attn"), bias, bias, d.mask(i, i % 2 == 0), rotary).withScale(scale).withSoftcap(softcap),
                Gemma.norm(d, layer, "pre_feedforward_layernorm"),
                d.gated(layer.at("mlp"), false),
                sandwich(d, layer)));
        return Gemma.model("gemma2", d, root, layers, Config.atLeastZero(c, "final_logit_softcapping", 0), backend);
    }

    static float scale(Settings c) {
        return (float) (1 / Math.sqrt(Config.positive(c, "query_pre_attn_scalar")));
    }

    /** The norms behind attention and MLP. */
    static Residual sandwich(Decoder d, WeightScope layer) {
        return Residual.normed(Gemma.norm(d, layer, "post_attention_layernorm"), Gemma.norm(d, layer, "post_feedforward_layernorm"));
    }
}
