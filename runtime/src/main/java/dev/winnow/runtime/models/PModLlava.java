package dev.winnow.runtime.models;

import dev.winnow.layers.Backend;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.methods.depth.PMod;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.Quoted;
import dev.winnow.weights.Settings;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * p-MoD (Zhang et al. 2024, arXiv 2412.04449): a LLaVA 1.5 most of whose language layers have a router that lets only some of the picture's
 * tokens in. The model is what it is with that schedule, so it acts without being asked for. Its configuration and names are those of
 * MCG-NJU/p-MoD, or, with the same {@code mod_} settings, those of LLaVA in transformers.
 */
final class PModLlava {
    private static final String FAMILY = "pmod_llava_llama";
    static final String LAYERS = "mod_target_layers";
    /** The layers for which the originals write the decay, whatever the model has. */
    private static final int SPAN = 32;
    private static final Pattern DECAY = Pattern.compile("(shiftedcos|shiftedlinear)_decay_(\\d+\\.\\d+)_(\\d+\\.\\d+)");
    private static final Pattern WEIGHT = Pattern.compile("tanh(?:_(\\d+(?:\\.\\d+)?)_(-?\\d+(?:\\.\\d+)?))?");
    private static final String TOWER = "clip-vit-large-patch14-336";

    private PModLlava() {}

    /** A checkpoint under the names of its authors, with the tower in it. */
    static VisionLanguageModel load(Settings c, WeightScope root, Backend backend) {
        String ratio = c.string("image_aspect_ratio", "pad");
        if (ratio.startsWith("anyres")) {
            throw new CheckpointException("config.json: image_aspect_ratio '" + Quoted.plain(ratio)
                    + "' is not supported for pmod_llava_llama, which takes pictures whole (pad or square)");
        }
        String projector = c.string("mm_projector_type", "mlp2x_gelu");
        if (!projector.equals("mlp2x_gelu")) {
            throw new CheckpointException("config.json: mm_projector_type should be mlp2x_gelu but is '" + Quoted.plain(projector) + "'");
        }
        String tower = c.string("mm_vision_tower", TOWER);
        if (!c.has("vision_config") && !tower.contains(TOWER)) {
            throw new CheckpointException("config.json: mm_vision_tower '" + Quoted.plain(tower) + "' is not known, and there is no"
                    + " vision_config that says what it is; without one it should be " + TOWER);
        }
        WeightScope renamed = root.renamed("multi_modal_projector.linear_1", "model.mm_projector.0")
                .renamed("multi_modal_projector.linear_2", "model.mm_projector.2")
                .renamed("vision_tower.vision_model", "model.vision_tower.vision_tower.vision_model");
        VisionLanguageParts parts = new VisionLanguageParts(renamed.sensitive(), root);
        Settings llava = llava(c);
        VisionEncoder vision = Llava.tower(FAMILY, llava, parts, backend);
        LanguageModel language = routed(Llama.load(c, root, backend), c, root);
        return Llava.of(FAMILY, llava, parts, vision, language, backend);
    }

    /** What transformers would say of such a model around the language model. */
    private static Settings llava(Settings c) {
        boolean whole = c.string("mm_vision_select_feature", "patch").equals("cls_patch");
        String vision = c.optionalSection("vision_config").map(v -> ", \"vision_config\": " + v.text()).orElse("");
        return Settings.of(String.format(Locale.ROOT,
                "{\"vision_feature_layer\": %d, \"vision_feature_select_strategy\": \"%s\", \"image_token_index\": %d%s}",
                c.integer("mm_vision_select_layer", -2), whole ? "full" : "default", c.integer("image_token_index", 32000), vision),
                "config.json");
    }

    /**
     * A language model with the schedule that a configuration says it was trained with; as it is where there is none.
     *
     * @param root where {@code model.layers} are
     */
    static LanguageModel routed(LanguageModel language, Settings c, WeightScope root) {
        if (!c.has(LAYERS)) return language;
        PMod method = method(c);
        int depth = language.stack().layers();
        for (int l = 0; l < depth; l++) {
            if (!method.routes(l, depth)) continue;
            WeightScope router = root.at("model.layers." + l + ".router.router");
            router.matrix("weight", 1, language.width());
            if (c.flag("mod_bias_enabled", true)) router.vector("bias", 1);
        }
        return language.trainedWith(method);
    }

    private static PMod method(Settings c) {
        Matcher decay = matched(DECAY, c, LAYERS, "shiftedcos_decay_0.85_0.15", "a decay of shiftedcos or shiftedlinear with its bounds");
        Matcher weight = matched(WEIGHT, c, "mod_weight_norm", "tanh_0.2_1", "tanh with its factor and summand");
        String tokens = c.string("mod_target_token_type", "vision_all");
        if (!tokens.equals("vision_all")) {
            throw new CheckpointException("config.json: mod_target_token_type should be vision_all but is '" + Quoted.plain(tokens) + "'");
        }
        boolean plain = weight.group(1) == null;
        double keep = c.number("mod_router_factor", 0.5);
        if (keep < 0 || keep > 1) throw new CheckpointException("config.json: mod_router_factor should be from 0 to 1 but is " + keep);
        String spec = String.format(Locale.ROOT, "pmod:keep=%s,most=%s,least=%s,scale=%s,shift=%s,decay=%s,span=%d", keep, decay.group(2),
                decay.group(3), plain ? "1" : weight.group(1), plain ? "1" : weight.group(2), decay.group(1), SPAN);
        return (PMod) ReductionPlan.parse(List.of(spec)).methods().getFirst();
    }

    private static Matcher matched(Pattern pattern, Settings c, String key, String example, String what) {
        String value = c.string(key, example);
        Matcher m = pattern.matcher(value);
        if (m.matches()) return m;
        throw new CheckpointException("config.json: " + key + " should be " + what + ", such as " + example + ", but is '"
                + Quoted.plain(value) + "'");
    }
}
