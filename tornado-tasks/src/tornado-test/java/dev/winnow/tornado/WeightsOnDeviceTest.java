package dev.winnow.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.winnow.layers.BackendProvider.Device;
import dev.winnow.layers.CompiledVocabulary.Highest;
import dev.winnow.layers.CpuBackend;
import dev.winnow.layers.KvCache;
import dev.winnow.layers.Quantizer;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.Tokens;
import dev.winnow.runtime.LoadOptions;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.models.LanguageModel;
import dev.winnow.runtime.models.Quantization;
import dev.winnow.runtime.models.SyntheticModel;
import dev.winnow.weights.DType;
import dev.winnow.weights.SafetensorsWriter;
import dev.winnow.weights.Settings;
import dev.winnow.weights.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Weights in few bits through a whole model, embedding, layers and head; and a device that has too little room for them. */
class WeightsOnDeviceTest {
    private static final String CONFIG = """
            {"model_type": "llama", "hidden_size": 64, "intermediate_size": 96, "vocab_size": 300, "num_hidden_layers": 2,
             "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "hidden_act": "silu", "rms_norm_eps": 1e-5,
             "rope_theta": 10000.0, "max_position_embeddings": 64, "tie_word_embeddings": false}""";
    private static final int[] IDS = {1, 5, 2, 9, 4, 7, 3};

    @TempDir
    private static Path model;

    @BeforeAll
    static void write() throws IOException {
        write(model, UnaryOperator.identity());
    }

    /** @param change of each tensor */
    private static void write(Path to, UnaryOperator<Tensor> change) throws IOException {
        Files.writeString(to.resolve("config.json"), CONFIG);
        Settings config = Settings.read(to.resolve("config.json"));
        try (Arena arena = Arena.ofConfined()) {
            List<Tensor> tensors = SyntheticModel.tensors(config, DType.F32, 5, arena, CpuBackend.create());
            SafetensorsWriter.write(to.resolve("model.safetensors"), tensors.stream().map(change).toList(), Map.of());
        }
    }

    /** What products see of a matrix of so many bits, as f32; the head always has 8 of them, and words are read as they are. */
    private static Tensor widened(Tensor t, DType bits) {
        if (t.name().contains("embed_tokens") || !Quantizer.fits(t)) return t;
        Tensor rounded = Quantizer.quantize(t, t.name().startsWith("lm_head") ? DType.Q8_0 : bits);
        return Tensor.ofFloats(t.name(), rounded.toFloats(), t.shape());
    }

    /**
     * The processor computes with the same blocks widened to f32 beforehand. Products with the blocks themselves round activations to
     * 8 bits there, which a device does not.
     */
    @ParameterizedTest
    @EnumSource(value = Quantization.class, names = {"Q8", "Q4"})
    void fewBitsAreWidenedInTheKernels(Quantization bits, @TempDir Path wide) throws IOException {
        write(wide, t -> widened(t, bits == Quantization.Q8 ? DType.Q8_0 : DType.Q4_0));
        try (TornadoBackend backend = OnDevice.backend();
                Winnow device = Winnow.open(model, LoadOptions.on(backend).withQuantization(bits));
                Winnow processor = Winnow.open(wide, CpuBackend.create())) {
            long launches = backend.transfers().launches();
            float[][] expected = logits(processor.languageModel().orElseThrow());
            float[][] actual = logits(device.languageModel().orElseThrow());
            assertThat(backend.transfers().launches()).isGreaterThan(launches);
            for (int i = 0; i < expected.length; i++) close(actual[i], expected[i]);
        }
    }

    private static void close(float[] actual, float[] expected) {
        float most = 1;
        for (float e : expected) most = Math.max(most, Math.abs(e));
        assertThat(actual).containsExactly(expected, within(1e-4f * most));
    }

    /** After a prompt, after one more token, and of the token after that the highest. */
    private static float[][] logits(LanguageModel m) {
        Schedule schedule = ReductionPlan.NONE.schedule(m.shape());
        Workspace workspace = new Workspace();
        KvCache cache = m.newCache(0);
        float[] hidden = new float[IDS.length * m.width()];
        m.embed(IDS, hidden, 0);
        float[] prompt = m.prefill(new Tokens(hidden, m.width(), TokenLedger.uniform(IDS.length, 0, TokenKind.TEXT)), cache, schedule,
                workspace, StackListener.NONE);
        float[] step = m.step(6, cache, schedule, workspace).clone();
        float[] all = m.stepHighest(8, m.vocabulary(), cache, schedule, workspace).map(WeightsOnDeviceTest::byId)
                .orElseGet(() -> m.step(8, cache, schedule, workspace).clone());
        cache.drop();
        return new float[][] {prompt, step, all};
    }

    private static float[] byId(Highest highest) {
        float[] byId = new float[highest.ids().length];
        for (int i = 0; i < byId.length; i++) byId[highest.ids()[i]] = highest.values()[i];
        return byId;
    }

    @Test
    void howMuchIsMissingIsSaidBeforeAnythingIsLoaded() {
        TornadoProvider provider = new TornadoProvider();
        Device first = provider.devices().getFirst();
        Device small = new Device(first.index(), first.name(), first.kind(), first.driver(), 100_000, first.allocation());
        try (TornadoBackend backend = (TornadoBackend) provider.open(small)) {
            assertThatThrownBy(() -> Winnow.open(model, backend)).isInstanceOf(IllegalStateException.class)
                    .hasMessageMatching("the layers need \\d+\\.\\d MB of device 0 \\(.*\\), which has 0\\.1 MB for them:"
                            + " \\d+\\.\\d MB are missing");
            assertThat(backend.transfers().launches()).isZero();
        }
    }
}
