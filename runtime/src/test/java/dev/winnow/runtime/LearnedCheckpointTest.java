package dev.winnow.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.layers.CpuBackend;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.PlanException;
import dev.winnow.runtime.images.RgbImage;
import dev.winnow.runtime.models.SyntheticModel;
import dev.winnow.runtime.models.SyntheticTokenizer;
import dev.winnow.weights.DType;
import dev.winnow.weights.SafetensorsWriter;
import dev.winnow.weights.Settings;
import dev.winnow.weights.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Checkpoints that carry the parameters of learned methods under their authors' names. */
class LearnedCheckpointTest {
    private static final int WIDTH = 64;
    private static final int LAYERS = 3;

    @TempDir
    private Path folder;

    /** Writes a random model of a golden configuration with some tensors renamed and some added. */
    private Path write(String golden, UnaryOperator<String> configured, UnaryOperator<String> renamed, List<Tensor> more)
            throws IOException {
        Path source = Golden.roots().getFirst().resolve(golden);
        String config = configured.apply(Files.readString(source.resolve("config.json"))
                .replace("\"vocab_size\": 160", "\"vocab_size\": 300")
                .replace("\"image_token_index\": 159", "\"image_token_index\": 290"));
        Path dir = Files.createTempDirectory(folder, "model");
        Files.writeString(dir.resolve("config.json"), config);
        Files.writeString(dir.resolve("tokenizer.json"), SyntheticTokenizer.json(golden.startsWith("llava") ? 290 : -1));
        if (golden.startsWith("llava")) Files.copy(source.resolve("preprocessor_config.json"), dir.resolve("preprocessor_config.json"));
        try (Arena arena = Arena.ofShared()) {
            List<Tensor> tensors = new ArrayList<>(more);
            for (Tensor t : SyntheticModel.tensors(Settings.of(config, "config.json"), DType.F32, 1, arena, CpuBackend.create())) {
                tensors.add(t.withName(renamed.apply(t.name())));
            }
            SafetensorsWriter.write(dir.resolve("model.safetensors"), tensors, Map.of());
        }
        return dir;
    }

    private static Tensor random(String name, long... shape) {
        int n = 1;
        for (long d : shape) n *= (int) d;
        float[] values = new float[n];
        Random random = new Random(name.hashCode());
        for (int i = 0; i < n; i++) values[i] = (float) (0.1 * random.nextGaussian());
        return Tensor.ofFloats(name, values, shape);
    }

    private static ModelShape shapeOf(Path model) {
        try (Winnow winnow = Winnow.open(model)) {
            return winnow.model().shape();
        }
    }

    private static Answer ask(Path model, Request request) {
        try (Winnow winnow = Winnow.open(model)) {
            return winnow.generate(request.withIgnoreEos(true).withMaxTokens(6), piece -> { });
        }
    }

    @Test
    void layersThatPModWrapsAreFound() throws IOException {
        RgbImage image = RgbImage.read(Golden.roots().getFirst().resolve("llava-1img/image0.png"));
        Path plain = write("llava-1img", c -> c, n -> n, List.of());
        ModelShape shape = shapeOf(plain);
        int width = shape.languageWidth();
        int depth = shape.languageLayers();
        List<Tensor> routers = new ArrayList<>();
        for (int l = 1; l < depth; l++) {
            routers.add(random("language_model.model.layers." + l + ".router.router.weight", 1, width));
            routers.add(random("language_model.model.layers." + l + ".router.router.bias", 1));
        }
        Path wrapped = write("llava-1img", c -> c,
                n -> n.replaceFirst("^(language_model\\.model\\.layers\\.[1-9])\\.", "$1.decoder_layer."), routers);
        Request question = Request.of("What?", image);
        assertThat(ask(wrapped, question).tokens()).isEqualTo(ask(plain, question).tokens());
        Answer routed = ask(wrapped, question.withReduction("pmod"));
        assertThat(routed.stats().prefillFlops()).isLessThan(ask(wrapped, question).stats().prefillFlops());
        Stats dense = ask(wrapped, question).stats();
        assertThat(routed.stats().cacheBytes()).isLessThan(dense.cacheBytes());
        int text = dense.promptTokens() - dense.imageTokens();
        for (int l = 0; l < depth; l++) {
            double share = Math.cos(Math.PI * l / (depth - 1)) / 2 + 0.5;
            int visual = share > 0.85 ? dense.imageTokens() : (int) (dense.imageTokens() * (float) Math.max(share, 0.15));
            assertThat(routed.stats().languageTokens().get(l)).as("tokens that run layer " + l).isEqualTo(text + visual);
        }
        requireEntries(routed, ask(wrapped, question.withReduction("knorm:keep=50%")));
        assertThatThrownBy(() -> ask(plain, question.withReduction("pmod"))).isInstanceOf(PlanException.class)
                .hasMessageContaining("layers.1.router.router.weight");
    }

    /** Explained entries take as many bytes as the cache says, going by an answer whose cache holds others. */
    private static void requireEntries(Answer answer, Answer other) {
        assertThat(answer.explanation().entries()).isPositive();
        assertThat(answer.explanation().entries() * other.stats().cacheBytes())
                .isEqualTo(other.explanation().entries() * answer.stats().cacheBytes());
    }

    @Test
    void gatesOfDyVteAreFound() throws IOException {
        RgbImage image = RgbImage.read(Golden.roots().getFirst().resolve("llava-1img/image0.png"));
        Path plain = write("llava-1img", c -> c, n -> n, List.of());
        ModelShape shape = shapeOf(plain);
        int width = shape.languageWidth();
        int depth = shape.languageLayers();
        List<Tensor> gates = new ArrayList<>();
        for (int l = 0; l < depth; l++) {
            gates.add(random("language_model.model.visual_gates_router." + l + ".w1.weight", 20, 2 * width));
            gates.add(random("language_model.model.visual_gates_router." + l + ".w2.weight", 2, 20));
        }
        Path gated = write("llava-1img", c -> c, n -> n, gates);
        Answer answer = ask(gated, Request.of("What?", image).withReduction("dyvte"));
        assertThat(answer.stats().languageTokens().getFirst()).isLessThanOrEqualTo(answer.stats().promptTokens());
        assertThat(answer.tokens()).hasSize(6);
    }

    @Test
    void aSwiftKvCheckpointIsALlama() throws IOException {
        List<Tensor> parts = new ArrayList<>(List.of(Tensor.ofFloats("model.norm_swiftkv.weight", ones(), WIDTH)));
        for (int l = 1; l < LAYERS; l++) {
            String a = "model.layers." + l + ".self_attn.";
            parts.add(random(a + "q_proj_swiftkv.weight", 64, WIDTH));
            if (l == 1) parts.add(random(a + "k_proj_swiftkv.weight", 32, WIDTH));
            if (l == 1) parts.add(random(a + "v_proj_swiftkv.weight", 32, WIDTH));
        }
        Path model = write("llama-plain", c -> c.replace("\"model_type\": \"llama\"", "\"model_type\": \"llama_swiftkv\""), n -> n, parts);
        Request request = Request.of("a prompt of some length");
        Answer dense = ask(model, request);
        Answer swift = ask(model, request.withReduction("swiftkv"));
        assertThat(swift.stats().languageTokens()).containsExactly(dense.stats().promptTokens(), 1, 1);
        assertThat(swift.stats().cacheBytes() * 3).as("two of three layers share a cache").isEqualTo(dense.stats().cacheBytes() * 2);
        requireEntries(swift, ask(model, request.withReduction("knorm:keep=50%")));
        assertThat(ask(model, request.withReduction("swiftkv:layer=3")).tokens()).isEqualTo(dense.tokens());
        assertThatThrownBy(() -> ask(model, request.withReduction("swiftkv", "layerskip"))).isInstanceOf(PlanException.class)
                .hasMessageContaining("every decoding step");
    }

    @Test
    void learnersOfAdaptiveComputationModulesAreFound() throws IOException {
        List<Tensor> parts = new ArrayList<>();
        for (int l = 0; l < LAYERS; l += 2) {
            String mlp = "model.layers." + l + ".mlp.";
            parts.add(random(mlp + "w1", WIDTH, 32));
            parts.add(random(mlp + "b1", 32));
            parts.add(random(mlp + "w2", 32, WIDTH));
            parts.add(random(mlp + "b2", 5 * WIDTH));
            parts.add(random(mlp + "gating_network.fc.weight", 5, WIDTH));
            parts.add(random(mlp + "gating_network.fc.bias", 5));
        }
        Path model = write("llama-plain", c -> c, n -> n, parts);
        Request request = Request.of("a prompt of some length");
        long none = ask(model, request.withReduction("acm:learners=0")).stats().prefillFlops();
        long all = ask(model, request.withReduction("acm:learners=4")).stats().prefillFlops();
        assertThat(none).isLessThan(all);
        assertThat(all).isLessThan(ask(model, request).stats().prefillFlops());
        assertThat(ask(model, request.withReduction("acm")).tokens()).hasSize(6);
        assertThatThrownBy(() -> ask(write("llama-plain", c -> c, n -> n, List.of()), request.withReduction("acm")))
                .isInstanceOf(PlanException.class).hasMessageContaining("mlp.w1");
    }

    private static float[] ones() {
        float[] ones = new float[WIDTH];
        Arrays.fill(ones, 1f);
        return ones;
    }

    /** Layers that add nothing behind the exit: every draft is what the whole model says. */
    @Test
    void draftsOfAModelThatIsDoneAtTheExitAreAllRight() throws IOException {
        Path model = write("llama-plain", c -> c, n -> n, List.of());
        Path done = silenced(model);
        Request request = Request.of("words").withReduction("layerskip:exit=1,draft=6");
        try (Winnow winnow = Winnow.open(done)) {
            Stats stats = winnow.generate(request.withIgnoreEos(true).withMaxTokens(15), piece -> { }).stats();
            // the first token comes with the prompt; 14 more in two rounds of one and six drafts
            assertThat(stats.draftedTokens()).isEqualTo(12);
            assertThat(stats.acceptedDrafts()).isEqualTo(12);
        }
    }

    private Path silenced(Path model) throws IOException {
        Path dir = Files.createTempDirectory(folder, "silenced");
        for (String file : List.of("config.json", "tokenizer.json")) Files.copy(model.resolve(file), dir.resolve(file));
        try (Winnow winnow = Winnow.open(model)) {
            List<Tensor> tensors = new ArrayList<>();
            for (String name : winnow.directory().checkpoint().names()) {
                Tensor t = winnow.directory().checkpoint().tensor(name);
                boolean silent = name.matches("model\\.layers\\.[12]\\.(self_attn\\.o_proj|mlp\\.down_proj)\\.weight");
                tensors.add(silent ? Tensor.ofFloats(name, new float[(int) t.elements()], t.shape()) : t);
            }
            SafetensorsWriter.write(dir.resolve("model.safetensors"), tensors, Map.of());
        }
        return dir;
    }
}
