package dev.winnow.runtime.models;

import dev.winnow.layers.Backend;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.weights.Settings;
import java.util.List;

/** Phi-3, 3.5 and 4 (Abdin et al. 2024): projections stored as one, and rotations stretched frequency by frequency for long contexts. */
final class Phi3 {
    private Phi3() {}

    private static final String DEFAULTS = """
            {"vocab_size": 32064, "hidden_size": 3072, "intermediate_size": 8192, "num_hidden_layers": 32, "num_attention_heads": 32,
             "max_position_embeddings": 4096, "original_max_position_embeddings": 4096, "rms_norm_eps": 1e-5, "hidden_act": "silu",
             "tie_word_embeddings": false}""";

    static LanguageModel load(Settings config, WeightScope root, Backend backend) {
        Decoder d = Decoder.of(config.withDefaults(DEFAULTS), "rms_norm_eps");
        RotaryEmbedding rotary = d.rotary();
        List<TransformerLayer> layers = root.at("model.layers").each(d.layers(), (layer, i) -> new TransformerLayer(
                d.rms(layer, "input_layernorm"),
                d.attention(layer.linear("self_attn.qkv_proj", d.queryWidth() + 2 * d.keyWidth(), d.width(), false),
                        layer.linear("self_attn.o_proj", d.width(), d.queryWidth(), false), d.mask(), rotary),
                d.rms(layer, "post_attention_layernorm"),
                mlp(d, layer.at("mlp"))));
        return d.model("phi3", root, layers, backend);
    }

    private static Mlp mlp(Decoder d, WeightScope m) {
        Linear fused = m.linear("gate_up_proj", 2 * d.inner(), d.width(), false);
        return new Mlp.Gated(fused.rows(0, d.inner()), fused.rows(d.inner(), d.inner()),
                m.linear("down_proj", d.width(), d.inner(), false), d.activation());
    }
}
