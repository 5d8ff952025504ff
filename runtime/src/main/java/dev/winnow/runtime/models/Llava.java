package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Backend;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.Grid;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.PositionPolicy;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.TokenMap;
import dev.winnow.reduction.Tokens;
import dev.winnow.runtime.RequestException;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.Settings;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * LLaVA 1.5 (Liu et al. 2023, arXiv 2310.03744): patch features of a CLIP tower go through a two-layer projector and take the place
 * of image tokens in a Llama prompt.
 *
 * @param featureBlocks blocks whose outputs are the features, in the order they are concatenated; -1 is the input of block 0
 * @param keepsClass    whether the class token is a feature too ("full" selection)
 * @param imageToken    id of the placeholder
 */
public record Llava(VisionEncoder vision, int[] featureBlocks, boolean keepsClass, Projector projector, LanguageModel language, int imageToken) implements Model {

    @Override
    public String family() {
        return "llava";
    }

    /** The picture as the language model gets it: projected features and where they come from. */
    public record ImageFeatures(float[] features, TokenLedger ledger) {}

    static Llava load(Settings c, WeightScope root, Backend backend) {
        Settings visionConfig = c.optionalSection("vision_config").orElse(Settings.of("{\"hidden_size\":1024,\"intermediate_size\":4096,"
                + "\"patch_size\":14,\"image_size\":336,\"num_hidden_layers\":24,\"num_attention_heads\":16}", "LLaVA's default vision_config"));
        Settings textConfig = c.optionalSection("text_config").orElse(Settings.of("{}", "LLaVA's default text_config"));
        requireType(visionConfig, "vision_config", "clip_vision_model");
        requireType(textConfig, "text_config", "llama");

        // transformers 4.52 moved everything but the head under "model."
        boolean nested = root.has("model.multi_modal_projector.linear_1.weight");
        WeightScope parts = nested ? root.at("model") : root;
        VisionEncoder vision = Clip.vision(visionConfig, parts.sensitive().at("vision_tower.vision_model"), backend);
        LanguageModel language = Llama.load(textConfig, nested ? root.renamed("model.", "model.language_model.") : root.at("language_model"),
                backend);

        List<Integer> indices = c.type("vision_feature_layer").equals("array") ? c.integers("vision_feature_layer")
                : List.of(c.integer("vision_feature_layer", -2));
        if (indices.isEmpty()) throw new CheckpointException("config: vision_feature_layer names no layer");
        int[] blocks = new int[indices.size()];
        for (int i = 0; i < blocks.length; i++) {
            int index = indices.get(i);
            // entry 0 of Hugging Face's hidden states is what goes into block 0
            blocks[i] = index < 0 ? vision.layers() + index : index - 1;
            if (blocks[i] < -1 || blocks[i] >= vision.layers()) {
                throw new CheckpointException("config: vision_feature_layer " + index + " does not exist in a tower of " + vision.layers() + " layers");
            }
        }
        String strategy = c.string("vision_feature_select_strategy", "default");
        if (!strategy.equals("default") && !strategy.equals("full")) {
            throw new CheckpointException("config: vision_feature_select_strategy should be default or full but is " + strategy);
        }
        boolean bias = c.flag("multimodal_projector_bias", true);
        WeightScope p = parts.sensitive().at("multi_modal_projector");
        Projector projector = new Projector(backend, p.linear("linear_1", language.width(), vision.width() * blocks.length, bias),
                p.linear("linear_2", language.width(), language.width(), bias), Config.activation(c, "projector_hidden_act", "gelu"));
        // methods may ask what the projector makes of a token; with features of several layers there is no such thing
        VisionEncoder tower = blocks.length == 1 ? vision.before(projector::project) : vision;
        return new Llava(tower, blocks, strategy.equals("full"), projector, language,
                c.integer("image_token_index", c.integer("image_token_id", 32000)));
    }

    /** Two layers between the tower's features and the language model's embeddings. */
    record Projector(Backend backend, Linear first, Linear second, Activation activation) {
        /** @param features [n, first.in()] */
        float[] project(float[] features, int n, Workspace workspace) {
            float[] hidden = new float[n * first.out()];
            float[] projected = new float[n * second.out()];
            backend.linear(first, features, n, hidden, activation, workspace.work());
            backend.linear(second, hidden, n, projected, Activation.NONE, workspace.work());
            return projected;
        }
    }

    private static void requireType(Settings s, String section, String known) {
        String type = s.string("model_type", known);
        if (!type.equals(known)) {
            throw new CheckpointException("config: " + section + " has model_type '" + type + "'; LLaVA is supported with '" + known + "'");
        }
    }

    /** The last block that has to run. */
    public int lastBlock() {
        return Math.max(0, Arrays.stream(featureBlocks).max().orElseThrow());
    }

    @Override
    public ModelShape shape() {
        return new ModelShape(Optional.of(vision.shape(lastBlock())), language.stack().layers(), language.learned());
    }

    /** Places one image takes in an unreduced prompt. */
    public int tokensPerImage() {
        return vision.patchCount() + (keepsClass ? 1 : 0);
    }

    /**
     * One image through tower and projector.
     *
     * @param pixels [3, size, size] from offset on
     * @param blocks number of vision blocks to run; at least up to the features
     */
    public ImageFeatures look(float[] pixels, int offset, int image, int blocks, Schedule schedule, Workspace workspace, Trace trace,
                       StackListener listener) {
        VisionEncoder.Encoded encoded = vision.encode(pixels, offset, image, blocks, schedule, workspace, featureBlocks, trace, listener);
        TokenLedger ledger = encoded.tokens().ledger();
        int[] kept = IntStream.range(0, ledger.count()).filter(i -> keepsClass || ledger.kind(i) != TokenKind.CLASS).toArray();
        int inner = vision.width() * featureBlocks.length;
        float[] selected = new float[kept.length * inner];
        TokenMap selection = TokenMap.select(kept, ledger.count());
        selection.apply(features(encoded), inner, selected);
        float[] projected = projector.project(selected, kept.length, workspace);
        if (trace != null) trace.item("projector", projected, kept.length, language.width());
        return new ImageFeatures(projected, ledger.after(selection, PositionPolicy.PRESERVE));
    }

    /** What the projector reads of all live tokens: outputs of the feature blocks side by side, [tokens, width * blocks]. */
    public float[] features(VisionEncoder.Encoded encoded) {
        int n = encoded.tokens().count();
        int width = vision.width();
        int inner = width * featureBlocks.length;
        float[] features = new float[n * inner];
        for (int b = 0; b < featureBlocks.length; b++) {
            float[] states = encoded.captured().get(featureBlocks[b]);
            for (int i = 0; i < n; i++) System.arraycopy(states, i * width, features, i * inner + b * width, width);
        }
        return features;
    }

    /**
     * The prompt with image features in the places of image tokens.
     *
     * @param ids      with {@link #tokensPerImage} placeholders for each image
     * @param position of the first token
     */
    public Tokens merge(int[] ids, List<ImageFeatures> images, int position) {
        int placeholders = (int) Arrays.stream(ids).filter(i -> i == imageToken).count();
        if (placeholders != images.size() * tokensPerImage()) {
            throw new RequestException("the prompt has " + placeholders + " image tokens, but " + images.size()
                    + (images.size() == 1 ? " image takes " : " images take ") + images.size() * tokensPerImage());
        }
        int n = ids.length - placeholders + images.stream().mapToInt(f -> f.ledger().count()).sum();
        int width = language.width();
        float[] hidden = new float[n * width];
        TokenKind[] kinds = new TokenKind[n];
        int[] imageOf = new int[n];
        int[] cells = new int[n];
        int[] positions = new int[n];
        Arrays.setAll(positions, i -> position + i);
        int row = 0;
        int seen = 0;
        for (int id : ids) {
            if (id != imageToken) {
                language.embed(new int[] {id}, hidden, row);
                kinds[row] = TokenKind.TEXT;
                cells[row] = -1;
                imageOf[row++] = -1;
            } else if (seen++ % tokensPerImage() == 0) {
                int image = (seen - 1) / tokensPerImage();
                ImageFeatures f = images.get(image);
                System.arraycopy(f.features(), 0, hidden, row * width, f.ledger().count() * width);
                Arrays.fill(kinds, row, row + f.ledger().count(), TokenKind.VISUAL);
                Arrays.fill(imageOf, row, row + f.ledger().count(), image);
                for (int i = 0; i < f.ledger().count(); i++) cells[row + i] = f.ledger().cell(i);
                row += f.ledger().count();
            }
        }
        List<Grid> grids = IntStream.range(0, images.size()).mapToObj(i -> images.get(i).ledger().grid(i)).toList();
        return new Tokens(hidden, width, withNotes(TokenLedger.of(positions, kinds, imageOf, cells, grids), images));
    }

    /** What was noted in the tower goes along; places of text have zeros. */
    private static TokenLedger withNotes(TokenLedger prompt, List<ImageFeatures> images) {
        if (images.isEmpty()) return prompt;
        TokenLedger noted = prompt;
        int[] places = prompt.ofKind(TokenKind.VISUAL);
        for (String name : images.getFirst().ledger().notes()) {
            if (images.stream().anyMatch(f -> f.ledger().note(name) == null)) continue;
            int width = images.getFirst().ledger().note(name).width();
            float[] values = new float[prompt.count() * width];
            int next = 0;
            for (ImageFeatures f : images) {
                float[] own = f.ledger().note(name).values();
                for (int i = 0; i < own.length; i += width) System.arraycopy(own, i, values, places[next++] * width, width);
            }
            noted = noted.with(name, new TokenLedger.Note(width, values));
        }
        return noted;
    }
}
