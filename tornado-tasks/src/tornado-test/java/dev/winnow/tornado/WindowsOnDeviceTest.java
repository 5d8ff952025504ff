package dev.winnow.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.winnow.layers.CpuBackend;
import dev.winnow.layers.KvCache;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.StackListener;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.models.LanguageModel;
import dev.winnow.runtime.models.SyntheticModel;
import dev.winnow.weights.DType;
import dev.winnow.weights.SafetensorsWriter;
import dev.winnow.weights.Settings;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Layers that see a window only let go of entries that no later token sees, where a device holds them. */
class WindowsOnDeviceTest {
    private static final int WINDOW = 16;
    private static final int PROMPT = 100;
    private static final int STEPS = 70;

    @TempDir
    private Path model;

    @Test
    void whatNoTokenSeesIsForgotten() throws IOException {
        compare("mistral", 2);
    }

    @Test
    @Tag("families")
    void layersThatSeeAllForgetNothing() throws IOException {
        compare("gemma2", 1);
    }

    /** @param windowed layers of the two that see a window; the other sees all */
    private void compare(String family, int windowed) throws IOException {
        write(family);
        try (TornadoBackend backend = OnDevice.backend(); Winnow device = Winnow.open(model, backend);
                Winnow processor = Winnow.open(model, CpuBackend.create())) {
            Decoded expected = decode(processor.languageModel().orElseThrow());
            Decoded actual = decode(device.languageModel().orElseThrow());
            assertThat(actual.ids).isEqualTo(expected.ids);
            assertThat(actual.logits).containsExactly(expected.logits, within(1e-4f));
            assertThat(actual.entries).isEqualTo(expected.entries);
            assertThat(actual.entries.stream().filter(n -> n < WINDOW + 64 + 2)).hasSize(windowed);
            assertThat(actual.entries.stream().filter(n -> n == PROMPT + STEPS)).hasSize(2 - windowed);
        }
    }

    private void write(String family) throws IOException {
        Files.writeString(model.resolve("config.json"), """
                {"model_type": "%s", "hidden_size": 64, "intermediate_size": 96, "vocab_size": 300, "num_hidden_layers": 2,
                 "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "hidden_act": "silu", "rms_norm_eps": 1e-5,
                 "hidden_activation": "gelu_pytorch_tanh", "query_pre_attn_scalar": 16, "final_logit_softcapping": 30.0,
                 "attn_logit_softcapping": 50.0, "rope_theta": 10000.0, "max_position_embeddings": 512, "sliding_window": %d,
                 "tie_word_embeddings": %b}""".formatted(family, WINDOW, family.equals("gemma2")));
        Settings config = Settings.read(model.resolve("config.json"));
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsWriter.write(model.resolve("model.safetensors"),
                    SyntheticModel.tensors(config, DType.F32, 5, arena, CpuBackend.create()), Map.of());
        }
    }

    /** Ids chosen greedily, logits of the last, and the entries that each layer has in the end. */
    private record Decoded(List<Integer> ids, float[] logits, List<Integer> entries) {}

    private static Decoded decode(LanguageModel m) {
        Schedule schedule = ReductionPlan.NONE.schedule(m.shape());
        Workspace workspace = new Workspace();
        KvCache cache = m.newCache(0);
        cache.forgetUnseen();
        int[] prompt = IntStream.range(0, PROMPT).map(i -> 1 + 37 * i % 250).toArray();
        float[] logits = m.prefill(m.embed(prompt), cache, schedule, workspace, StackListener.NONE).clone();
        List<Integer> ids = new ArrayList<>();
        for (int i = 0; i < STEPS; i++) {
            int id = best(logits);
            ids.add(id);
            logits = m.step(id, cache, schedule, workspace).clone();
        }
        List<Integer> entries = IntStream.range(0, cache.layers()).mapToObj(l -> cache.layer(l).length()).toList();
        cache.drop();
        return new Decoded(ids, logits, entries);
    }

    private static int best(float[] logits) {
        int best = 0;
        for (int i = 1; i < logits.length; i++) if (logits[i] > logits[best]) best = i;
        return best;
    }
}
