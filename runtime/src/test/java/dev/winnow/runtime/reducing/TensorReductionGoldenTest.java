package dev.winnow.runtime.reducing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.winnow.weights.Checkpoint;
import dev.winnow.weights.Settings;
import dev.winnow.weights.Tensor;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Single methods against what the authors' code computes. */
class TensorReductionGoldenTest {
    static Stream<Path> cases() {
        return ReductionCases.find(p -> p.toString().endsWith(".json") && TensorReduction.of(Settings.read(p).string("case")) != null);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void givesTheReferenceResult(Path json) {
        ReductionCase c = ReductionCase.read(json);
        String file = json.getFileName().toString().replace(".json", ".safetensors");
        try (Checkpoint reference = Checkpoint.open(json.resolveSibling(file))) {
            Map<String, Tensor> tensors = ReductionCases.tensors(reference);
            Map<String, Tensor> out = ReductionCases.byName(TensorReduction.run(c.method(), c.options(), tensors));
            Set<String> wanted = tensors.keySet().stream().filter(n -> n.startsWith("out.")).collect(Collectors.toSet());
            assertThat(out.keySet()).isEqualTo(wanted);
            ReductionCases.assertEqual(out, tensors, wanted);
        }
    }
}
