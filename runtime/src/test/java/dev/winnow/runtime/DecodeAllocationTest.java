package dev.winnow.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.winnow.layers.CpuBackend;
import dev.winnow.layers.KvCache;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.StackListener;
import dev.winnow.runtime.models.LanguageModel;
import dev.winnow.runtime.models.SyntheticModel;
import dev.winnow.weights.DType;
import dev.winnow.weights.SafetensorsWriter;
import dev.winnow.weights.Settings;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a decoding step allocates, on all threads together. */
class DecodeAllocationTest {
    private static final int PROMPT = 48;
    /** The kernels' vectors are objects until the JVM has compiled them. */
    private static final int WARM_UP = 3000;
    private static final int STEPS = 200;
    /** At most; between two the JVM's compilers get time for what they have not done yet. */
    private static final int STRETCHES = 40;
    private static final int PAUSE_MILLIS = 500;
    /** The smallest object; some hundred bytes in all steps of a stretch together are the JVM's own. */
    private static final int OBJECT = 16;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    @TempDir
    private Path folder;

    /** The least of stretches of decoding, in bytes per step, until one allocates nothing. */
    private long bytesPerStep(int vocabulary, int layers) throws Exception {
        Path directory = Files.createDirectory(folder.resolve(vocabulary + "-" + layers));
        Settings config = Settings.of("""
                {"model_type": "llama", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": %d, "num_attention_heads": 4,
                 "vocab_size": %d, "max_position_embeddings": 8192}""".formatted(layers, vocabulary), "test");
        Files.writeString(directory.resolve("config.json"), config.text());
        try (Arena arena = Arena.ofShared()) {
            SafetensorsWriter.write(directory.resolve("model.safetensors"),
                    SyntheticModel.tensors(config, DType.F32, 1, arena, CpuBackend.create()), Map.of());
        }
        try (Winnow winnow = Winnow.open(directory)) {
            LanguageModel model = winnow.languageModel().orElseThrow();
            Schedule dense = ReductionPlan.NONE.schedule(model.shape());
            Workspace workspace = new Workspace();
            KvCache cache = model.newCache(PROMPT + WARM_UP + STRETCHES * STEPS);
            int[] ids = new int[PROMPT];
            Arrays.setAll(ids, i -> i);
            model.prefill(model.embed(ids), cache, dense, workspace, StackListener.NONE);
            for (int i = 0; i < WARM_UP; i++) model.step(i % vocabulary, cache, dense, workspace);
            long least = Long.MAX_VALUE;
            for (int stretch = 0; stretch < STRETCHES && least >= OBJECT; stretch++) {
                if (stretch > 0) Thread.sleep(PAUSE_MILLIS);
                long before = threads.getTotalThreadAllocatedBytes();
                for (int i = 0; i < STEPS; i++) model.step(i % vocabulary, cache, dense, workspace);
                least = Math.min(least, (threads.getTotalThreadAllocatedBytes() - before) / STEPS);
            }
            return least;
        }
    }

    @Test
    void aStepAllocatesNothing() throws Exception {
        assertThat(bytesPerStep(300, 2)).isLessThan(OBJECT);
    }

    /** Products that are shared out over threads; logits of 20000 words would be 80000 bytes. */
    @Test
    void norWithALargeVocabulary() throws Exception {
        assertThat(bytesPerStep(20_000, 4)).isLessThan(OBJECT);
    }
}
