package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Attention;
import dev.winnow.layers.AttentionMask;
import dev.winnow.layers.Backend;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.Norm;
import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.Settings;
import java.util.List;

/**
 * What most families of decoders have in common: sizes, and the parts of a layer under the names that Llama's code gave them. A family
 * says how it puts them together and where it differs.
 *
 * @param inner      neurons of an MLP
 * @param context    longest sequence the model was made for
 * @param epsilon    of all norms
 * @param activation of the MLPs
 */
record Decoder(Settings config, int layers, int width, int inner, int heads, int kvHeads, int headDim, int vocabulary, int context,
               double epsilon, Activation activation) {
    Decoder {
        if (heads % kvHeads != 0) {
            throw new CheckpointException("config: num_attention_heads " + heads + " is not a multiple of num_key_value_heads " + kvHeads);
        }
    }

    /**
     * Reads a configuration; heads share nothing and divide the width where it says nothing else.
     *
     * @param epsilon key of the norms' epsilon
     */
    static Decoder of(Settings c, String epsilon) {
        return of(c, epsilon, Config.activation(c, "hidden_act"));
    }

    static Decoder of(Settings c, String epsilon, Activation activation) {
        int width = Config.size(c, "hidden_size");
        int heads = Config.size(c, "num_attention_heads");
        return new Decoder(c, Config.layers(c, "num_hidden_layers"), width, Config.size(c, "intermediate_size"), heads,
                Config.size(c, "num_key_value_heads", heads),
                c.has("head_dim") ? Config.size(c, "head_dim") : Config.headSize(width, heads),
                Config.size(c, "vocab_size"), Config.size(c, "max_position_embeddings"), Config.atLeastZero(c, epsilon),
                activation);
    }

    int queryWidth() {
        return Config.headsWidth(heads, headDim);
    }

    int keyWidth() {
        return Config.headsWidth(kvHeads, headDim);
    }

    RotaryEmbedding rotary() {
        return RopeSettings.rotary(config, headDim, context);
    }

    Norm rms(WeightScope place, String name) {
        return place.rmsNorm(name, width, epsilon);
    }

    Norm layerNorm(WeightScope place, String name) {
        return place.layerNorm(name, width, epsilon);
    }

    // ---- attention ----

    /** @param bias of queries, keys and values, and of the output */
    Attention attention(WeightScope a, boolean bias, boolean outputBias, AttentionMask mask, RotaryEmbedding rotary) {
        return attention(a.linear("q_proj", queryWidth(), width, bias), a.linear("k_proj", keyWidth(), width, bias),
                a.linear("v_proj", keyWidth(), width, bias), a.linear("o_proj", width, queryWidth(), outputBias), mask, rotary);
    }

    /** @param fused queries, keys and values, one after the other: views of it are what the attention gets */
    Attention attention(Linear fused, Linear output, AttentionMask mask, RotaryEmbedding rotary) {
        return attention(fused.rows(0, queryWidth()), fused.rows(queryWidth(), keyWidth()),
                fused.rows(queryWidth() + keyWidth(), keyWidth()), output, mask, rotary);
    }

    Attention attention(Linear query, Linear key, Linear value, Linear output, AttentionMask mask, RotaryEmbedding rotary) {
        return new Attention(query, key, value, output, heads, kvHeads, headDim, (float) (1 / Math.sqrt(headDim)), mask, rotary);
    }

    /** Every layer looks back as far as {@code sliding_window}, if there is one. */
    AttentionMask mask() {
        return config.has("sliding_window") ? AttentionMask.sliding(Config.size(config, "sliding_window")) : AttentionMask.CAUSAL;
    }

    /**
     * A layer looks back as far as {@code sliding_window} if {@code layer_types} says so.
     *
     * @param slides what counts where there are no {@code layer_types}
     */
    AttentionMask mask(int layer, boolean slides) {
        if (!config.has("layer_types")) return slides ? mask() : AttentionMask.CAUSAL;
        List<String> types = config.strings("layer_types");
        if (types.size() != layers) {
            throw new CheckpointException("config: layer_types has " + types.size() + " entries for " + layers + " layers");
        }
        return switch (types.get(layer)) {
            case "full_attention" -> AttentionMask.CAUSAL;
            case "sliding_attention" -> mask();
            default -> throw new CheckpointException("config: layer_types should be full_attention or sliding_attention but entry " + layer
                    + " is '" + types.get(layer) + "'");
        };
    }

    // ---- MLP ----

    Mlp.Gated gated(WeightScope m, boolean bias) {
        return gated(m, "gate_proj", "up_proj", "down_proj", inner, bias);
    }

    Mlp.Gated gated(WeightScope m, String gate, String up, String down, int neurons, boolean bias) {
        return new Mlp.Gated(m.linear(gate, neurons, width, bias), m.linear(up, neurons, width, bias), m.linear(down, width, neurons, bias),
                activation);
    }

    Mlp.Plain plain(WeightScope m, String up, String down, boolean bias) {
        return new Mlp.Plain(m.linear(up, inner, width, bias), m.linear(down, width, inner, bias), activation);
    }

    /** Gated experts below {@code experts}, and their router {@code gate}. */
    Mlp experts(WeightScope m, int count, boolean normalised, String gate, String up, String down, int neurons) {
        int active = Config.size(config, "num_experts_per_tok");
        if (active > count) {
            throw new CheckpointException("config: num_experts_per_tok " + active + " is more than the " + count + " experts");
        }
        return new Mlp.MixtureOfExperts(m.linear("gate", count, width, false),
                m.at("experts").each(count, (expert, i) -> gated(expert, gate, up, down, neurons, false)), active, normalised);
    }

    // ---- the model around the layers ----

    /** The words of {@code embed_tokens}, times a factor. */
    Embedding embedding(WeightScope model, float scale) {
        return new Embedding(model.matrix("embed_tokens.weight", vocabulary, width), null, scale);
    }

    /** The projection to the vocabulary: its weight is that of the embeddings, unless {@code tie_word_embeddings} says no. */
    Linear head(WeightScope root, String name, Embedding embedding, boolean bias) {
        if (!config.flag("tie_word_embeddings", true)) return root.linear(name, vocabulary, width, bias);
        return new Linear(embedding.words(), bias ? root.vector(name + ".bias", vocabulary) : null);
    }

    /** A model with Llama's names around its layers: {@code model.embed_tokens}, {@code model.norm} and {@code lm_head}. */
    LanguageModel model(String family, WeightScope root, List<TransformerLayer> layers, Backend backend) {
        WeightScope model = root.at("model");
        Embedding embedding = embedding(model, 1);
        Head head = new Head(head(root, "lm_head", embedding, false));
        return LanguageModel.of(family, embedding, layers, rms(model, "norm"), head, context, model, backend);
    }
}
