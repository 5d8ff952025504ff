package dev.winnow.runtime.models;

import dev.winnow.layers.Backend;
import dev.winnow.layers.Norm;
import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.weights.Settings;
import java.util.List;

/** Gemma (Gemma Team 2024): norm weights are stored less one, words are embedded times the root of the width, and the head is tied. */
final class Gemma {
    private Gemma() {}

    private static final String DEFAULTS = """
            {"vocab_size": 256000, "hidden_size": 3072, "intermediate_size": 24576, "num_hidden_layers": 28, "num_attention_heads": 16,
             "num_key_value_heads": 16, "head_dim": 256, "max_position_embeddings": 8192, "rms_norm_eps": 1e-6}""";

    static LanguageModel load(Settings config, WeightScope root, Backend backend) {
        Decoder d = decoder(config.withDefaults(DEFAULTS));
        RotaryEmbedding rotary = d.rotary();
        boolean bias = config.flag("attention_bias", false);
        List<TransformerLayer> layers = root.at("model.layers").each(d.layers(), (layer, i) -> new TransformerLayer(
                norm(d, layer, "input_layernorm"),
                d.attention(layer.at("self_attn"), bias, bias, d.mask(), rotary),
                norm(d, layer, "post_attention_layernorm"),
                d.gated(layer.at("mlp"), false)));
        return model("gemma", d, root, layers, 0, backend);
    }

    /** Early configurations name another activation than the one that models were trained with, under another key. */
    static Decoder decoder(Settings c) {
        return Decoder.of(c, "rms_norm_eps", Config.activation(c, "hidden_activation", "gelu_pytorch_tanh"));
    }

    static Norm norm(Decoder d, WeightScope place, String name) {
        return place.rmsNormAroundOne(name, d.width(), d.epsilon());
    }

    /** What all Gemmas have around their layers. */
    static LanguageModel model(String family, Decoder d, WeightScope root, List<TransformerLayer> layers, double softcap, Backend backend) {
        WeightScope model = root.at("model");
        Embedding embedding = d.embedding(model, (float) Math.sqrt(d.width()));
        Head head = new Head(d.head(root, "lm_head", embedding, false), 1, (float) softcap);
        return LanguageModel.of(family, embedding, layers, norm(d, model, "norm"), head, d.context(), model, backend);
    }
}
