package dev.winnow.runtime.models;

import dev.winnow.layers.Attention;
import dev.winnow.layers.AttentionMask;
import dev.winnow.layers.Backend;
import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.weights.Settings;
import java.util.List;

/**
 * Gemma 3's language model (Gemma Team 2025): norms as in Gemma 2 and of each head's queries and keys; of every few layers one sees all
 * keys, the others a window, with rotations of another base.
 */
final class Gemma3 {
    private Gemma3() {}

    private static final String DEFAULTS = """
            {"vocab_size": 262208, "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26, "num_attention_heads": 8,
             "num_key_value_heads": 4, "head_dim": 256, "max_position_embeddings": 131072, "rms_norm_eps": 1e-6,
             "query_pre_attn_scalar": 256, "sliding_window": 4096,
             "sliding_window_pattern": 6, "rope_theta": 1e6, "rope_local_base_freq": 1e4}""";

    static LanguageModel load(Settings config, WeightScope root, Backend backend) {
        Settings c = config.withDefaults(DEFAULTS);
        Decoder d = Gemma.decoder(c);
        RotaryEmbedding global = d.rotary();
        RotaryEmbedding local = RopeSettings.sliding(c, d.headDim(), Config.positive(c, "rope_local_base_freq"));
        List<TransformerLayer> layers = root.at("model.layers").each(d.layers(), (layer, i) -> {
            AttentionMask mask = d.mask(i, (i + 1) % Config.size(c, "sliding_window_pattern") != 0);
            return new TransformerLayer(
                    Gemma.norm(d, layer, "input_layernorm"),
                    attention(d, layer.at("self_attn"), mask, mask.slides() ? local : global),
                    Gemma.norm(d, layer, "pre_feedforward_layernorm"),
                    d.gated(layer.at("mlp"), false),
                    Gemma2.sandwich(d, layer));
        });
        return Gemma.model("gemma3_text", d, root, layers, Config.atLeastZero(c, "final_logit_softcapping", 0), backend);
    }

    private static Attention attention(Decoder d, WeightScope a, AttentionMask mask, RotaryEmbedding rotary) {
        Settings c = d.config();
        boolean bias = c.flag("attention_bias", false);
        return d.attention(a, bias, bias, mask, rotary)
                .withScale(Gemma2.scale(c))
                .withSoftcap((float) Config.atLeastZero(c, "attn_logit_softcapping", 0))
                .withNorms(a.rmsNormAroundOne("q_norm", d.headDim(), d.epsilon()), a.rmsNormAroundOne("k_norm", d.headDim(), d.epsilon()));
    }
}
