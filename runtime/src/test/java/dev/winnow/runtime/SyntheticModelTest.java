package dev.winnow.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.winnow.layers.CpuBackend;
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
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Random-weight models have exactly the tensors of real ones, and run. */
class SyntheticModelTest {
    private static List<Tensor> tensors(String goldenModel, DType dtype, Arena arena) {
        Settings config = Settings.read(Golden.roots().getFirst().resolve(goldenModel).resolve("config.json"));
        return SyntheticModel.tensors(config, dtype, 7, arena, CpuBackend.create());
    }

    static Stream<Path> models() {
        Stream<Path> others = Stream.of("clip", "vit-classify", "llava-1img",
        "beit", "gemma3-vlm").map(Golden.roots().getFirst()::resolve);
        return Stream.concat(others, Golden.ofKind("causal_lm").stream().filter(p -> !p.getFileName().toString().startsWith("hub-")));
    }

    @ParameterizedTest
    @MethodSource("models")
    void namesAndShapesAreThoseOfARealCheckpoint(Path model) throws IOException {
        Settings config = Settings.read(model.resolve("config.json"));
        try (Arena arena = Arena.ofConfined(); Winnow real = Winnow.open(model)) {
            Map<String, List<Long>> made = SyntheticModel.tensors(config, DType.F32, 7, arena, CpuBackend.create()).stream()
                    .collect(Collectors.toMap(Tensor::name, SyntheticModelTest::shape));
            var checkpoint = real.directory().checkpoint();
            Map<String, List<Long>> stored = checkpoint.names().stream().collect(Collectors.toMap(n -> n, n -> shape(checkpoint.tensor(n))));
            assertThat(made).isEqualTo(stored);
        }
    }

    private static List<Long> shape(Tensor t) {
        return Arrays.stream(t.shape()).boxed().toList();
    }

    @Test
    void sameSeedSameWeights() {
        try (Arena arena = Arena.ofConfined()) {
            List<Tensor> once = tensors("llama-plain", DType.BF16, arena);
            List<Tensor> again = tensors("llama-plain", DType.BF16, arena);
            for (int i = 0; i < once.size(); i++) assertThat(once.get(i).toFloats()).isEqualTo(again.get(i).toFloats());
        }
    }

    @Test
    void answersThroughItsByteTokenizer(@TempDir Path dir) throws IOException {
        String config = Files.readString(Golden.roots().getFirst().resolve("llava-1img/config.json"))
                .replace("\"vocab_size\": 160", "\"vocab_size\": 300").replace("\"image_token_index\": 159", "\"image_token_index\": 290");
        Files.writeString(dir.resolve("config.json"), config);
        Files.writeString(dir.resolve("tokenizer.json"), SyntheticTokenizer.json(290));
        Files.copy(Golden.roots().getFirst().resolve("llava-1img/preprocessor_config.json"), dir.resolve("preprocessor_config.json"));
        try (Arena arena = Arena.ofShared()) {
            SafetensorsWriter.write(dir.resolve("model.safetensors"),
                    SyntheticModel.tensors(Settings.of(config, "config.json"), DType.BF16, 1, arena, CpuBackend.create()), Map.of());
        }
        RgbImage image = RgbImage.read(Golden.roots().getFirst().resolve("llava-1img/image0.png"));
        try (Winnow model = Winnow.open(dir)) {
            Answer answer = model.generate(Request.of("äh? \uD83D\uDE00", image).withMaxTokens(5).withIgnoreEos(true), piece -> { });
            assertThat(answer.tokens()).hasSize(5);
            // begin, 16 patches, line break, and the bytes of the prompt
            assertThat(answer.stats().promptTokens()).isEqualTo(1 + 16 + 1 + "äh? \uD83D\uDE00".getBytes(java.nio.charset.StandardCharsets.UTF_8).length);
        }
    }
}
