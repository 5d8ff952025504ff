package dev.winnow.runtime.models;

import dev.winnow.layers.Backend;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Residual;
import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.weights.Settings;
import java.util.List;

/**
 * GPT-NeoX and Pythia (Black et al. 2022, Biderman et al. 2023): attention and MLP side by side, each behind a LayerNorm of its own,
 * and a quarter of each head rotated.
 */
final class GptNeoX {
    private GptNeoX() {}

    private static final String DEFAULTS = """
            {"vocab_size": 50432, "hidden_size": 6144, "intermediate_size": 24576, "num_hidden_layers": 44, "num_attention_heads": 64,
             "max_position_embeddings": 2048, "layer_norm_eps": 1e-5, "hidden_act": "gelu", "rotary_pct": 0.25,
             "rotary_emb_base": 10000, "tie_word_embeddings": false}""";

    static LanguageModel load(Settings config, WeightScope root, Backend backend) {
        Settings c = config.withDefaults(DEFAULTS);
        Decoder d = Decoder.of(c, "layer_norm_eps");
        RotaryEmbedding rotary = RopeSettings.rotary(c, d.headDim(), d.context(), Config.positive(c, "rotary_pct"),
                Config.positive(c, c.has("rope_theta") ? "rope_theta" : "rotary_emb_base"));
        boolean bias = c.flag("attention_bias", true);
        Residual residual = c.flag("use_parallel_residual", true) ? Residual.PARALLEL : Residual.PLAIN;
        WeightScope model = root.at("gpt_neox");
        List<TransformerLayer> layers = model.at("layers").each(d.layers(), (layer, i) -> new TransformerLayer(
                d.layerNorm(layer, "input_layernorm"),
                d.attention(headByHead(d, layer.linear("attention.query_key_value", 3 * d.queryWidth(), d.width(), bias)),
                        layer.linear("attention.dense", d.width(), d.queryWidth(), bias), d.mask(), rotary),
                d.layerNorm(layer, "post_attention_layernorm"),
                d.plain(layer.at("mlp"), "dense_h_to_4h", "dense_4h_to_h", true),
                residual));
        Embedding embedding = new Embedding(model.matrix("embed_in.weight", d.vocabulary(), d.width()), null, 1);
        return LanguageModel.of("gpt_neox", embedding, layers, d.layerNorm(model, "final_layer_norm"),
                new Head(d.head(root, "embed_out", embedding, false)), d.context(), model, backend);
    }

    /** The fused projection is stored head by head, each with its query, key and value; what comes back has all queries first. */
    private static Linear headByHead(Decoder d, Linear fused) {
        int dim = d.headDim();
        int[] order = new int[3 * d.queryWidth()];
        for (int i = 0; i < order.length; i++) {
            int part = i / d.queryWidth();
            int head = i % d.queryWidth() / dim;
            order[i] = (3 * head + part) * dim + i % dim;
        }
        return fused.gathered(order);
    }
}
