package dev.winnow.runtime.models;

import dev.winnow.layers.Attention;
import dev.winnow.layers.Backend;
import dev.winnow.layers.Norm;
import dev.winnow.layers.Residual;
import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.weights.Settings;
import java.util.List;

/** Phi-1, 1.5 and 2 (Li et al. 2023): attention and MLP side by side behind one LayerNorm, and part of each head rotated. */
final class Phi {
    private Phi() {}

    private static final String DEFAULTS = """
            {"vocab_size": 51200, "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 24, "num_attention_heads": 32,
             "max_position_embeddings": 2048, "layer_norm_eps": 1e-5, "hidden_act": "gelu_new", "partial_rotary_factor": 0.5,
             "tie_word_embeddings": false}""";

    static LanguageModel load(Settings config, WeightScope root, Backend backend) {
        Settings c = config.withDefaults(DEFAULTS);
        Decoder d = Decoder.of(c, "layer_norm_eps");
        RotaryEmbedding rotary = d.rotary();
        List<TransformerLayer> layers = root.at("model.layers").each(d.layers(), (layer, i) -> {
            Norm norm = d.layerNorm(layer, "input_layernorm");
            return new TransformerLayer(norm, attention(d, layer.at("self_attn"), rotary),
                    norm, d.plain(layer.at("mlp"), "fc1", "fc2", true), Residual.PARALLEL);
        });
        WeightScope model = root.at("model");
        Embedding embedding = d.embedding(model, 1);
        return LanguageModel.of("phi", embedding, layers, d.layerNorm(model, "final_layernorm"),
                new Head(d.head(root, "lm_head", embedding, true)), d.context(), model, backend);
    }

    private static Attention attention(Decoder d, WeightScope a, RotaryEmbedding rotary) {
        Attention attention = d.attention(
                a.linear("q_proj", d.queryWidth(), d.width(), true),
                a.linear("k_proj", d.keyWidth(), d.width(), true),
                a.linear("v_proj", d.keyWidth(), d.width(), true),
                a.linear("dense", d.width(), d.queryWidth(), true), d.mask(), rotary);
        return !d.config().flag("qk_layernorm", false) ? attention : attention.withNorms(
                a.layerNorm("q_layernorm", d.headDim(), d.epsilon()), a.layerNorm("k_layernorm", d.headDim(), d.epsilon()));
    }
}
