package dev.winnow.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.layers.CpuBackend;
import dev.winnow.runtime.images.RgbImage;
import dev.winnow.runtime.models.SyntheticModel;
import dev.winnow.runtime.models.SyntheticTokenizer;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.DType;
import dev.winnow.weights.SafetensorsWriter;
import dev.winnow.weights.Settings;
import dev.winnow.weights.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** p-MoD checkpoints: their schedule comes with them. The decay is that of 32 layers, so there are as many, and narrow. */
class PModLlavaTest {
    private static final int LAYERS = 32;
    private static final int PATCHES = 16;
    private static final String TEXT = """
            "vocab_size": 300, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 32, "num_attention_heads": 2,
            "max_position_embeddings": 128, "rms_norm_eps": 1e-5""";
    private static final String MOD = """
            "mod_target_layers": "shiftedcos_decay_0.85_0.15", "mod_target_token_type": "vision_all", "mod_router_factor": 0.5,
            "mod_weight_norm": "tanh_0.2_1", "mod_bias_enabled": true""";
    private static final String VISION = """
            "vision_config": {"model_type": "clip_vision_model", "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
             "num_attention_heads": 2, "image_size": 32, "patch_size": 8}""";
    private static final String AUTHORS = "{\"model_type\": \"pmod_llava_llama\", \"image_token_index\": 290,"
            + " \"mm_vision_select_layer\": -2, \"mm_projector_type\": \"mlp2x_gelu\", " + TEXT + ", " + MOD + ", " + VISION + "}";
    private static final String TRANSFORMERS = "{\"model_type\": \"llava\", \"image_token_index\": 290, " + VISION
            + ", \"text_config\": {\"model_type\": \"llama\", " + TEXT + ", " + MOD + "}}";
    private static final String PLAIN = TRANSFORMERS.replace(", " + MOD, "");

    @TempDir
    private Path folder;

    /** Tensors of the authors' layout, with layers wrapped as theirs are, and attention far from uniform. */
    private static List<Tensor> authors() {
        List<Tensor> tensors = new ArrayList<>();
        try (Arena arena = Arena.ofShared()) {
            for (Tensor t : SyntheticModel.tensors(Settings.of(AUTHORS, "config.json"), DType.F32, 1, arena, CpuBackend.create())) {
                boolean routed = t.name().matches("model\\.layers\\.(9|[123][0-9])\\..*") && !t.name().contains("router");
                String name = routed ? t.name().replaceFirst("^(model\\.layers\\.[0-9]+)\\.", "$1.decoder_layer.") : t.name();
                Random random = new Random(name.hashCode());
                float[] values = t.toFloats();
                boolean norm = t.shape().length == 1 && name.contains("norm") && name.endsWith("weight");
                for (int i = 0; i < values.length; i++) values[i] = (float) ((norm ? 1 : 0) + 0.25 * random.nextGaussian());
                tensors.add(Tensor.ofFloats(name, values, t.shape()));
            }
        }
        return tensors;
    }

    private static String inTransformers(String name) {
        return name.replace("model.mm_projector.0", "multi_modal_projector.linear_1")
                .replace("model.mm_projector.2", "multi_modal_projector.linear_2")
                .replace("model.vision_tower.vision_tower.", "vision_tower.").replaceFirst("^(model|lm_head)\\.", "language_model.$1.");
    }

    private Path write(String config, UnaryOperator<Tensor> change) throws IOException {
        Path directory = Files.createTempDirectory(folder, "pmod");
        Files.writeString(directory.resolve("config.json"), config);
        Files.writeString(directory.resolve("tokenizer.json"), SyntheticTokenizer.json(290));
        Files.writeString(directory.resolve("preprocessor_config.json"),
                "{\"image_processor_type\": \"CLIPImageProcessor\", \"size\": {\"shortest_edge\": 32}, \"crop_size\": 32}");
        List<Tensor> tensors = authors().stream().map(change).filter(Objects::nonNull).toList();
        SafetensorsWriter.write(directory.resolve("model.safetensors"), tensors, Map.of());
        return directory;
    }

    private static Answer ask(Path model, String... plan) {
        byte[] rgb = new byte[3 * 40 * 40];
        new Random(3).nextBytes(rgb);
        Request request = Request.of("What?", new RgbImage(40, 40, rgb)).withIgnoreEos(true).withMaxTokens(8).withReduction(plan);
        try (Winnow winnow = Winnow.open(model)) {
            return winnow.generate(request, piece -> { });
        }
    }

    @Test
    void theScheduleOfTheCheckpointActsByItself() throws IOException {
        Path authors = write(AUTHORS, t -> t);
        Answer answer = ask(authors);
        int text = answer.stats().promptTokens() - PATCHES;
        for (int l = 0; l < LAYERS; l++) {
            double share = Math.cos(Math.PI * l / 31) / 2 + 0.5;
            int visual = share > 0.85 ? PATCHES : (int) (PATCHES * (float) Math.max(share, 0.15));
            assertThat(answer.stats().languageTokens().get(l)).as("tokens that run layer " + l).isEqualTo(text + visual);
        }
        Path plain = write(PLAIN, t -> t.withName(inTransformers(t.name())));
        Answer asked = ask(plain, "pmod:span=32");
        assertThat(asked.tokens()).isEqualTo(answer.tokens());
        assertThat(asked.stats().cacheBytes()).isEqualTo(answer.stats().cacheBytes());
        Answer dense = ask(plain);
        assertThat(dense.stats().languageTokens()).containsOnly(text + PATCHES);
        assertThat(dense.tokens()).isNotEqualTo(answer.tokens());
        Answer kept = ask(write(TRANSFORMERS, t -> t.withName(inTransformers(t.name()))));
        assertThat(kept.tokens()).isEqualTo(answer.tokens());
        assertThat(kept.stats().prefillFlops()).isEqualTo(answer.stats().prefillFlops());
    }

    /** A plan with the same method takes the place of the checkpoint's own, others come beside it. */
    @Test
    void aPlanCanSayOtherwise() throws IOException {
        Path authors = write(AUTHORS, t -> t);
        Answer own = ask(authors);
        Answer more = ask(authors, "pmod:least=0.6,span=32");
        assertThat(more.stats().languageTokens().getLast()).isGreaterThan(own.stats().languageTokens().getLast());
        Answer evicted = ask(authors, "knorm:keep=50%");
        assertThat(evicted.stats().languageTokens()).isEqualTo(own.stats().languageTokens());
        assertThat(evicted.stats().cacheBytes()).isLessThan(own.stats().cacheBytes());
    }

    @Test
    void routersThatAreNotThereAreMissed() throws IOException {
        String router = "model.layers.12.router.router.weight";
        Path without = write(AUTHORS, t -> t.name().equals(router) ? null : t);
        assertThatThrownBy(() -> Winnow.open(without)).isInstanceOf(CheckpointException.class)
                .hasMessageContaining("tensor " + router + " is missing; the configuration asks for [1, 16]");
        Path wider = write(AUTHORS, t -> t.name().equals(router) ? Tensor.ofFloats(router, new float[17], 1, 17) : t);
        assertThatThrownBy(() -> Winnow.open(wider)).isInstanceOf(CheckpointException.class)
                .hasMessageContaining("tensor " + router + " has shape [1, 17], but the configuration asks for [1, 16]");
        Path blind = write(AUTHORS, t -> t.name().contains("vision_tower") ? null : t);
        assertThatThrownBy(() -> Winnow.open(blind)).isInstanceOf(CheckpointException.class)
                .hasMessageContaining("model.vision_tower.vision_tower.vision_model.embeddings.position_embedding.weight is missing");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "shiftedcos_decay_0.85_0.15|deep_all|mod_target_layers should be a decay of shiftedcos or shiftedlinear",
        "tanh_0.2_1|softmax|mod_weight_norm should be tanh with its factor and summand",
        "vision_all|vision_hr|mod_target_token_type should be vision_all but is 'vision_hr'",
        "\"mod_router_factor\": 0.5|\"mod_router_factor\": 5|mod_router_factor should be from 0 to 1",
        "mlp2x_gelu|linear|mm_projector_type should be mlp2x_gelu but is 'linear'",
        "\"mod_bias|\"image_aspect_ratio\": \"anyres\", \"mod_bias|image_aspect_ratio 'anyres' is not supported",
        "\"vision_config\"|\"mm_vision_tower\": \"siglip\", \"other\"|mm_vision_tower 'siglip' is not known"})
    void configurationsThatAreNotRunAreNamed(String is, String becomes, String message) throws IOException {
        Path directory = write(AUTHORS.replace(is, becomes), t -> t);
        assertThatThrownBy(() -> Winnow.open(directory)).isInstanceOf(CheckpointException.class).hasMessageContaining(message);
    }
}
