package dev.winnow.runtime.models;

import dev.winnow.layers.Backend;
import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.weights.Settings;
import java.util.List;

/** StarCoder 2 (Lozhkov et al. 2024): LayerNorm, biases everywhere and an MLP without a gate. */
final class StarCoder2 {
    private StarCoder2() {}

    private static final String DEFAULTS = """
            {"vocab_size": 49152, "hidden_size": 3072, "intermediate_size": 12288, "num_hidden_layers": 30, "num_attention_heads": 24,
             "num_key_value_heads": 2, "max_position_embeddings": 4096, "norm_epsilon": 1e-5, "hidden_act": "gelu_pytorch_tanh"}""";

    static LanguageModel load(Settings config, WeightScope root, Backend backend) {
        Settings c = config.withDefaults(DEFAULTS);
        Decoder d = Decoder.of(c, "norm_epsilon");
        RotaryEmbedding rotary = d.rotary();
        boolean bias = c.flag("use_bias", true);
        List<TransformerLayer> layers = root.at("model.layers").each(d.layers(), (layer, i) -> new TransformerLayer(
                d.layerNorm(layer, "input_layernorm"),
                d.attention(layer.at("self_attn"), bias, bias, d.mask(), rotary),
                d.layerNorm(layer, "post_attention_layernorm"),
                d.plain(layer.at("mlp"), "c_fc", "c_proj", bias)));
        WeightScope model = root.at("model");
        Embedding embedding = d.embedding(model, 1);
        return LanguageModel.of("starcoder2", embedding, layers, d.layerNorm(model, "norm"),
                new Head(d.head(root, "lm_head", embedding, false)), d.context(), model, backend);
    }
}
