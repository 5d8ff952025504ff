package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Attention;
import dev.winnow.layers.AttentionMask;
import dev.winnow.layers.Backend;
import dev.winnow.layers.CompiledLayer;
import dev.winnow.layers.KeyValues;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.Norm;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.StackRunner;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.Tokens;
import dev.winnow.runtime.RequestException;
import dev.winnow.weights.Settings;
import dev.winnow.weights.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * CLIP (Radford et al. 2021): a vision tower and a causal text tower whose projected class and end tokens meet in one space. The
 * vision tower alone is also what LLaVA looks through.
 *
 * @param visionProjection or null in a tower without one
 * @param text             or null in a vision-only checkpoint
 * @param logitScale       logarithm of the factor on cosines
 */
public record Clip(VisionEncoder vision, Linear visionProjection, Text text, float logitScale) implements Model {

    @Override
    public String family() {
        return text == null ? "clip_vision_model" : "clip";
    }

    @Override
    public ModelShape shape() {
        return new ModelShape(Optional.of(vision.shape(vision.layers() - 1)), 0);
    }

    /**
     * The text tower.
     *
     * @param positions [context, width]
     * @param eos       where to pool: the first token with this id, or, for 2 (old configurations), the first highest id
     */
    public record Text(Tensor embeddings, float[] positions, List<CompiledLayer> layers, Norm finalNorm, Linear projection,
                       int context, int eos) {
        public int width() {
            return embeddings.dim(1);
        }

        void embed(int[] ids, float[] hidden) {
            EmbeddingTable.lookUp(embeddings, ids, hidden, 0);
            for (int i = 0; i < ids.length * width(); i++) hidden[i] += positions[i];
        }

        /** All blocks over the tokens; masked ones are not attended to. */
        void run(Tokens tokens, boolean[] mask, Workspace workspace, Trace trace) {
            KeyValues kv = new KeyValues(heads(), width() / heads(), tokens.count());
            float[] bias = null;
            if (mask != null) {
                bias = new float[mask.length];
                for (int i = 0; i < bias.length; i++) bias[i] = mask[i] ? 0 : Float.NEGATIVE_INFINITY;
            }
            for (int l = 0; l < layers.size(); l++) {
                kv.clear();
                layers.get(l).attend(tokens.hidden(), tokens.count(), tokens.ledger().positions(), bias, kv, List.of(), workspace);
                layers.get(l).mlp(tokens.hidden(), tokens.count(), workspace);
                if (trace != null) trace.item("text.layer." + l, tokens.hidden(), tokens.count(), width());
            }
        }

        private int heads() {
            return layers.getFirst().description().attention().heads();
        }

        /** Index of the token that stands for the text. */
        public int pooled(int[] ids) {
            int best = 0;
            for (int i = 0; i < ids.length; i++) {
                if (eos == 2 ? ids[i] > ids[best] : ids[i] == eos) {
                    best = i;
                    if (eos != 2) break;
                }
            }
            return best;
        }
    }

    static Clip load(Settings c, WeightScope root, Backend backend) {
        if (!c.has("text_config") && !c.has("vision_config")) {
            VisionEncoder tower = vision(c, root.at("vision_model"), backend);
            return new Clip(tower, root.has("visual_projection.weight")
                    ? root.linear("visual_projection", Config.size(c, "projection_dim", 512), tower.width(), false) : null, null, 0);
        }
        int shared = Config.size(c, "projection_dim", 512);
        VisionEncoder vision = vision(section(c, "vision_config"), root.at("vision_model"), backend);
        Text text = text(section(c, "text_config"), root, shared, backend);
        return new Clip(vision, root.linear("visual_projection", shared, vision.width(), false), text, root.vector("logit_scale")[0]);
    }

    /** The projected class token, not normalised. */
    public float[] imageFeatures(float[] normedClass, Workspace workspace) {
        float[] features = new float[visionProjection.out()];
        vision.backend().linear(visionProjection, normedClass, 1, features, Activation.NONE, workspace.work());
        return features;
    }

    /**
     * The projected end token of a text, not normalised.
     *
     * @param mask which tokens may be attended to, or null for all
     */
    public float[] textFeatures(int[] ids, boolean[] mask, Workspace workspace, Trace trace) {
        int width = text.width();
        int n = ids.length;
        if (n > text.context()) {
            throw new RequestException("the text has " + n + " tokens, but the model's context is " + text.context());
        }
        float[] hidden = new float[n * width];
        text.embed(ids, hidden);
        if (trace != null) trace.item("text.embed", hidden, n, width);
        Tokens tokens = new Tokens(hidden, width, TokenLedger.uniform(n, 0, TokenKind.TEXT));
        text.run(tokens, mask, workspace, trace);
        float[] normed = new float[n * width];
        vision.backend().normalise(text.finalNorm(), tokens.hidden(), n, width, normed);
        int end = text.pooled(ids) * width;
        float[] pooled = Arrays.copyOfRange(normed, end, end + width);
        float[] features = new float[text.projection().out()];
        vision.backend().linear(text.projection(), pooled, 1, features, Activation.NONE, workspace.work());
        if (trace != null) {
            trace.item("text.final_norm", normed, n, width);
            trace.item("text_last_hidden", normed, n, width);
            trace.item("text_pooled", pooled, width);
        }
        return features;
    }

    /** x / |x|. */
    public static float[] unit(float[] x) {
        double square = 0;
        for (float v : x) square += v * v;
        float[] unit = new float[x.length];
        for (int i = 0; i < x.length; i++) unit[i] = (float) (x[i] / Math.sqrt(square));
        return unit;
    }

    private static Settings section(Settings c, String key) {
        return c.optionalSection(key).orElse(Settings.of("{}", key));
    }

    /** The vision tower; {@code pre_layrnorm} is spelled so in every checkpoint. */
    static VisionEncoder vision(Settings c, WeightScope tower, Backend backend) {
        int width = Config.size(c, "hidden_size", 768);
        int image = Config.imageSize(c, 224);
        int patch = Config.size(c, "patch_size", 32);
        int channels = Config.size(c, "num_channels", 3);
        double epsilon = Config.atLeastZero(c, "layer_norm_eps", 1e-5);
        VisionTransformer.requirePatches(image, patch);
        int grid = image / patch;
        WeightScope e = tower.at("embeddings");
        return new VisionEncoder(backend, image, patch, width,
                new Linear(e.matrix("patch_embedding.weight", width, channels, patch, patch), null),
                e.vector("class_embedding", width), e.vector("position_embedding.weight", 1 + grid * grid, width),
                tower.layerNorm("pre_layrnorm", width, epsilon),
                new StackRunner(Stage.VISION, layers(c, tower, width, 3072, 12, 12, epsilon, AttentionMask.BIDIRECTIONAL, backend)),
                tower.layerNorm("post_layernorm", width, epsilon));
    }

    private static Text text(Settings c, WeightScope root, int shared, Backend backend) {
        WeightScope tower = root.at("text_model");
        int width = Config.size(c, "hidden_size", 512);
        int context = Config.size(c, "max_position_embeddings", 77);
        double epsilon = Config.atLeastZero(c, "layer_norm_eps", 1e-5);
        WeightScope e = tower.at("embeddings");
        return new Text(e.matrix("token_embedding.weight", Config.size(c, "vocab_size", 49408), width),
                e.vector("position_embedding.weight", context, width),
                layers(c, tower, width, 2048, 12, 8, epsilon, AttentionMask.CAUSAL, backend),
                tower.layerNorm("final_layer_norm", width, epsilon),
                root.linear("text_projection", shared, width, false), context, c.integer("eos_token_id", 49407));
    }

    private static List<CompiledLayer> layers(Settings c, WeightScope tower, int width, int usualInner, int usualLayers, int usualHeads,
                                              double epsilon, AttentionMask mask, Backend backend) {
        int heads = Config.size(c, "num_attention_heads", usualHeads);
        int headDim = Config.headSize(width, heads);
        int inner = Config.size(c, "intermediate_size", usualInner);
        Activation activation = Config.activation(c, "hidden_act", "quick_gelu");
        List<CompiledLayer> layers = new ArrayList<>();
        for (int i = 0; i < Config.layers(c, usualLayers); i++) {
            WeightScope layer = tower.at("encoder.layers").at(Integer.toString(i));
            WeightScope a = layer.at("self_attn");
            layers.add(backend.compile(new TransformerLayer(
                    layer.layerNorm("layer_norm1", width, epsilon),
                    new Attention(a.linear("q_proj", width, width, true), a.linear("k_proj", width, width, true),
                            a.linear("v_proj", width, width, true), a.linear("out_proj", width, width, true),
                            heads, heads, headDim, (float) (1 / Math.sqrt(headDim)), mask, null),
                    layer.layerNorm("layer_norm2", width, epsilon),
                    new Mlp.Plain(layer.linear("mlp.fc1", inner, width, true), layer.linear("mlp.fc2", width, inner, true), activation))));
        }
        return layers;
    }
}
