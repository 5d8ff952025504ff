package dev.winnow.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.winnow.layers.CpuBackend;
import dev.winnow.runtime.Golden;
import dev.winnow.runtime.Winnow;
import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A plan for each site: what is kept on the device is what is kept on the processor, and so is what comes of it. */
class ReductionOnDeviceTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "vit-classify | tome:r=2",
        "llava-1img | tome:r=2",
        "llava-1img | visionzip",
        "llava-1img | fastv:k=1,ratio=0.5",
        "llava-1img | visionzip + fastv:k=1,ratio=0.5",
        "llava-1img | snapkv",
        "llama-plain | streamingllm",
        "llama-plain | h2o",
        "llama-plain | layerdrop:layers=1",
    })
    void whatIsKeptIsTheSame(String model, String plan) {
        assumeTrue(OnDevice.has(model), "golden case " + model + " is not at hand");
        Path dir = OnDevice.golden(model);
        Map<String, Tensor> expected;
        try (Winnow winnow = Winnow.open(dir, CpuBackend.create())) {
            expected = OnDevice.trace(winnow, dir, plan, 6);
        }
        try (TornadoBackend backend = OnDevice.backend(); Winnow winnow = Winnow.open(dir, backend)) {
            Map<String, Tensor> actual = OnDevice.trace(winnow, dir, plan, 6);
            assertThat(actual.keySet()).isEqualTo(expected.keySet());
            for (Tensor e : expected.values()) assertThat(Golden.mismatch(actual.get(e.name()), e)).isEqualTo(Optional.empty());
            assertThat(expected.values()).anyMatch(t -> t.dtype() == DType.I64);
            assertThat(backend.transfers().launches()).isPositive();
        }
    }
}
