package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Attention;
import dev.winnow.layers.AttentionMask;
import dev.winnow.layers.Backend;
import dev.winnow.layers.CompiledLayer;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.Norm;
import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.reduction.LearnedParts;
import dev.winnow.reduction.StackRunner;
import dev.winnow.reduction.Stage;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.Settings;
import dev.winnow.weights.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Llama 1 to 3 (Touvron et al. 2023, Grattafiori et al. 2024): pre-norm decoder with RMSNorm, rotary positions, grouped keys and a
 * gated MLP. Defaults are those of Hugging Face's {@code LlamaConfig}, which saved configurations leave out.
 */
final class Llama {
    private Llama() {}

    /** @param root where {@code model.*} and {@code lm_head} are */
    static LanguageModel load(Settings c, WeightScope root, Backend backend) {
        int width = Config.size(c, "hidden_size", 4096);
        int inner = Config.size(c, "intermediate_size", 11008);
        int heads = Config.size(c, "num_attention_heads", 32);
        int kvHeads = Config.size(c, "num_key_value_heads", heads);
        if (heads % kvHeads != 0) {
            throw new CheckpointException("config: num_attention_heads " + heads + " is not a multiple of num_key_value_heads " + kvHeads);
        }
        int headDim = c.has("head_dim") ? Config.size(c, "head_dim", 0) : Config.headSize(width, heads);
        if (headDim % 2 != 0) {
            throw new CheckpointException("config: rotary positions need an even head_dim, but it is " + headDim);
        }
        int queryWidth = Config.headsWidth(heads, headDim);
        int keyWidth = Config.headsWidth(kvHeads, headDim);
        int context = Config.size(c, "max_position_embeddings", 2048);
        int vocabulary = Config.size(c, "vocab_size", 32000);
        double epsilon = Config.atLeastZero(c, "rms_norm_eps", 1e-6);
        boolean attentionBias = c.flag("attention_bias", false);
        boolean mlpBias = c.flag("mlp_bias", false);
        Activation activation = Config.activation(c, "hidden_act", "silu");
        RotaryEmbedding rotary = new RotaryEmbedding(headDim, RopeSettings.theta(c, 10000), RopeSettings.scaling(c, context));

        WeightScope model = root.at("model");
        List<CompiledLayer> layers = new ArrayList<>();
        for (int i = 0; i < Config.layers(c, 32); i++) {
            // p-MoD wraps the layers that it routes
            WeightScope layer = model.at("layers").at(Integer.toString(i)).atAny("input_layernorm.weight", "", "decoder_layer");
            WeightScope a = layer.at("self_attn");
            WeightScope m = layer.at("mlp");
            layers.add(backend.compile(new TransformerLayer(
                    layer.rmsNorm("input_layernorm", width, epsilon),
                    new Attention(
                            a.linear("q_proj", queryWidth, width, attentionBias),
                            a.linear("k_proj", keyWidth, width, attentionBias),
                            a.linear("v_proj", keyWidth, width, attentionBias),
                            a.linear("o_proj", width, queryWidth, attentionBias),
                            heads, kvHeads, headDim, (float) (1 / Math.sqrt(headDim)), AttentionMask.CAUSAL, rotary),
                    layer.rmsNorm("post_attention_layernorm", width, epsilon),
                    new Mlp.Gated(
                            m.linear("gate_proj", inner, width, mlpBias),
                            m.linear("up_proj", inner, width, mlpBias),
                            m.linear("down_proj", width, inner, mlpBias), activation))));
        }
        Tensor embeddings = model.matrix("embed_tokens.weight", vocabulary, width);
        Linear head = c.flag("tie_word_embeddings", false) ? new Linear(root.sensitive().rounded(embeddings), null)
                : root.sensitive().linear("lm_head", vocabulary, width, false);
        Norm finalNorm = model.rmsNorm("norm", width, epsilon);
        StackRunner stack = new StackRunner(Stage.LANGUAGE, layers).before((hidden, n, workspace) -> {
            float[] normed = new float[n * width];
            backend.normalise(finalNorm, hidden, n, width, normed);
            return normed;
        });
        LearnedParts learned = new LearnedParts(backend, stack.descriptions(), model::find);
        return new LanguageModel(backend, embeddings, stack, finalNorm, head, context, learned);
    }
}
