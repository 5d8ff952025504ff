package dev.winnow.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.winnow.layers.CpuBackend;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Whole models against the numbers that Hugging Face's code computes from the same weights. */
class GoldenTraceTest {
    @TestFactory
    Stream<DynamicTest> languageModels() {
        return tests(Golden.ofKind("causal_lm"));
    }

    @TestFactory
    Stream<DynamicTest> visionAndBoth() {
        return tests(Stream.of("clip", "vision", "vlm").flatMap(kind -> Golden.ofKind(kind).stream()).toList());
    }

    private static Stream<DynamicTest> tests(List<Path> directories) {
        return directories.stream().map(dir -> DynamicTest.dynamicTest(dir.getFileName() + " in " + dir.getParent().getFileName(),
                () -> assertThat(GoldenTrace.mismatches(dir, CpuBackend.create())).isEmpty()));
    }
}
