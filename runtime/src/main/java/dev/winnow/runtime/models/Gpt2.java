package dev.winnow.runtime.models;

import dev.winnow.layers.AttentionMask;
import dev.winnow.layers.Backend;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.weights.Settings;
import java.util.List;

/** GPT-2 (Radford et al. 2019): LayerNorm, learned positions, biases everywhere, and weights stored as [in, out]. */
final class Gpt2 {
    private Gpt2() {}

    private static final String DEFAULTS = """
            {"vocab_size": 50257, "n_positions": 1024, "n_embd": 768, "n_layer": 12, "n_head": 12, "layer_norm_epsilon": 1e-5,
             "activation_function": "gelu_new"}""";

    static LanguageModel load(Settings config, WeightScope root, Backend backend) {
        Settings c = config.withDefaults(DEFAULTS);
        int width = Config.size(c, "n_embd");
        int heads = Config.size(c, "n_head");
        Decoder d = new Decoder(c, Config.layers(c, "n_layer"), width, Config.size(c, "n_inner", Math.multiplyExact(4, width)),
                heads, heads, Config.headSize(width, heads), Config.size(c, "vocab_size"), Config.size(c, "n_positions"),
                Config.atLeastZero(c, "layer_norm_epsilon"), Config.activation(c, "activation_function"));
        WeightScope model = root.atAny("wte.weight", "transformer", "");
        List<TransformerLayer> layers = model.at("h").each(d.layers(), (layer, i) -> new TransformerLayer(
                d.layerNorm(layer, "ln_1"),
                d.attention(layer.transposed("attn.c_attn", 3 * width, width), layer.transposed("attn.c_proj", width, width),
                        AttentionMask.CAUSAL, null).withScale(scale(d, i)),
                d.layerNorm(layer, "ln_2"),
                new Mlp.Plain(layer.transposed("mlp.c_fc", d.inner(), width), layer.transposed("mlp.c_proj", width, d.inner()),
                        d.activation())));
        Embedding embedding = new Embedding(model.matrix("wte.weight", d.vocabulary(), width),
                model.matrix("wpe.weight", d.context(), width), 1);
        return LanguageModel.of("gpt2", embedding, layers, d.layerNorm(model, "ln_f"),
                new Head(d.head(root, "lm_head", embedding, false)), d.context(), model, backend);
    }

    private static float scale(Decoder d, int layer) {
        double scale = d.config().flag("scale_attn_weights", true) ? 1 / Math.sqrt(d.headDim()) : 1;
        return (float) (d.config().flag("scale_attn_by_inverse_layer_idx", false) ? scale / (layer + 1) : scale);
    }
}
