package dev.winnow.runtime.models;

import dev.winnow.layers.Backend;
import dev.winnow.layers.Residual;
import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.weights.Settings;
import java.util.List;

/** Granite 3 (IBM 2024): Llama's layers with factors on the embeddings, the attention logits, what layers add, and the logits. */
final class Granite {
    private Granite() {}

    private static final String DEFAULTS = """
            {"vocab_size": 32000, "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32,
             "max_position_embeddings": 2048, "rms_norm_eps": 1e-6, "hidden_act": "silu", "embedding_multiplier": 1.0,
             "attention_multiplier": 1.0, "residual_multiplier": 1.0, "logits_scaling": 1.0, "tie_word_embeddings": false}""";

    static LanguageModel load(Settings config, WeightScope root, Backend backend) {
        Settings c = config.withDefaults(DEFAULTS);
        Decoder d = Decoder.of(c, "rms_norm_eps");
        RotaryEmbedding rotary = d.rotary();
        boolean attentionBias = c.flag("attention_bias", false);
        boolean mlpBias = c.flag("mlp_bias", false);
        float scale = (float) c.number("attention_multiplier");
        Residual residual = Residual.scaled((float) c.number("residual_multiplier"));
        List<TransformerLayer> layers = root.at("model.layers").each(d.layers(), (layer, i) -> new TransformerLayer(
                d.rms(layer, "input_layernorm"),
                d.attention(layer.at("self_attn"), attentionBias, attentionBias, d.mask(), rotary).withScale(scale),
                d.rms(layer, "post_attention_layernorm"),
                d.gated(layer.at("mlp"), mlpBias),
                residual));
        WeightScope model = root.at("model");
        Embedding embedding = d.embedding(model, (float) c.number("embedding_multiplier"));
        Head head = new Head(d.head(root, "lm_head", embedding, false), (float) Config.positive(c, "logits_scaling"), 0);
        return LanguageModel.of("granite", embedding, layers, d.rms(model, "norm"), head, d.context(), model, backend);
    }
}
