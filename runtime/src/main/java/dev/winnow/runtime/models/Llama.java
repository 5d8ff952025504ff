package dev.winnow.runtime.models;

import dev.winnow.layers.Backend;
import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.weights.Settings;
import java.util.List;

/**
 * Llama 1 to 3 (Touvron et al. 2023, Grattafiori et al. 2024): pre-norm decoder with RMSNorm, rotary positions, grouped keys and a
 * gated MLP.
 */
final class Llama {
    private Llama() {}

    /** Those of Hugging Face's configuration class, which saved configurations leave out; so in the other families. */
    private static final String DEFAULTS = """
            {"vocab_size": 32000, "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32,
             "max_position_embeddings": 2048, "rms_norm_eps": 1e-6, "hidden_act": "silu", "tie_word_embeddings": false}""";

    /** @param root where {@code model.*} and {@code lm_head} are */
    static LanguageModel load(Settings config, WeightScope root, Backend backend) {
        Decoder d = Decoder.of(config.withDefaults(DEFAULTS), "rms_norm_eps");
        RotaryEmbedding rotary = d.rotary();
        boolean attentionBias = config.flag("attention_bias", false);
        boolean mlpBias = config.flag("mlp_bias", false);
        List<TransformerLayer> layers = root.at("model.layers").each(d.layers(), (place, i) -> {
            // p-MoD wraps the layers that it routes
            WeightScope layer = place.atAny("input_layernorm.weight", "", "decoder_layer");
            return new TransformerLayer(
                    d.rms(layer, "input_layernorm"),
                    d.attention(layer.at("self_attn"), attentionBias, attentionBias, d.mask(), rotary),
                    d.rms(layer, "post_attention_layernorm"),
                    d.gated(layer.at("mlp"), mlpBias));
        });
        return d.model("llama", root, layers, backend);
    }
}
