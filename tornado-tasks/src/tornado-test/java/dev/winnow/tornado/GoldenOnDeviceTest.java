package dev.winnow.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.winnow.runtime.GoldenTrace;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole models on the device against the numbers that Hugging Face's code computes, as close as on the processor. */
class GoldenOnDeviceTest {
    @ParameterizedTest
    @ValueSource(strings = {"llama-plain", "llama-bf16", "clip", "vit-classify", "llava-1img"})
    void modelsAgreeWithTheirReference(String name) {
        requireAtHand(name);
        assertThat(GoldenTrace.mismatches(OnDevice.golden(name), OnDevice.model(name).winnow())).isEmpty();
    }

    /** Windows, bounded logits, norms after the halves and of heads, scaled branches, and layers that stay on the processor. */
    @Tag("families")
    @ParameterizedTest
    @ValueSource(strings = {"llama-f16", "mistral-sliding", "gemma2", "gemma3-text", "olmo2", "qwen3", "granite", "dinov2", "gpt2",
        "mixtral", "phi", "beit", "qwen2-vl"})
    void soDoOtherFamilies(String name) {
        requireAtHand(name);
        try (TornadoBackend backend = OnDevice.backend()) {
            assertThat(GoldenTrace.mismatches(OnDevice.golden(name), backend)).isEmpty();
        }
    }

    private static void requireAtHand(String name) {
        assumeTrue(OnDevice.has(name), "golden case " + name + " is not at hand");
    }
}
