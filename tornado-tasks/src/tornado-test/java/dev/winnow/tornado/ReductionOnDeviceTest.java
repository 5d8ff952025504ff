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
    private static final int STEPS = 6;

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "vit-classify | tome:r=2; tofu:r=2; evit:rate=0.5,fuse=false; evit:rate=0.5",
        "llava-1img   | tome:r=2; visionzip; fastv:k=1,ratio=0.5; visionzip + fastv:k=1,ratio=0.5; yopo:layers=1;"
            + " pyramiddrop:layers=1,ratios=0.4; fastervlm:keep=0.5; vlapruner:layer=1; vscan:keep=0.25,layer=1,shallow=1;"
            + " hidrop:inject=0,layers=1,ratios=0.4,exit=2; divprune:keep=0.4; todre:keep=0.3;"
            + " greedyprune:layer=1,keep=0.5,threshold=0.8; divprune:keep=0.5 + knorm:ratio=0.3",
        // no visual token survives
        "llava-1img   | fastv:k=1,ratio=1; classexit:layer=0; classexit:layer=1; random:keep=0",
        "llama-plain  | snapkv; streamingllm; h2o; layerdrop:layers=1; knorm:ratio=0.5; keydiff:ratio=0.6",
    })
    void whatIsKeptIsTheSame(String model, String plans) {
        assumeTrue(OnDevice.has(model), "golden case " + model + " is not at hand");
        Path dir = OnDevice.golden(model);
        TornadoBackend backend = OnDevice.model(model).backend();
        Winnow device = OnDevice.model(model).winnow();
        try (Winnow processor = Winnow.open(dir, CpuBackend.create())) {
            for (String plan : plans.split("; ")) {
                long launches = backend.transfers().launches();
                Map<String, Tensor> expected = OnDevice.trace(processor, dir, plan, STEPS);
                Map<String, Tensor> actual = OnDevice.trace(device, dir, plan, STEPS);
                assertThat(actual.keySet()).as(plan).isEqualTo(expected.keySet());
                for (Tensor e : expected.values()) {
                    assertThat(Golden.mismatch(actual.get(e.name()), e)).as(plan).isEqualTo(Optional.empty());
                }
                assertThat(expected.values()).as(plan).anyMatch(t -> t.dtype() == DType.I64);
                assertThat(backend.transfers().launches()).as(plan).isGreaterThan(launches);
            }
        }
    }
}
