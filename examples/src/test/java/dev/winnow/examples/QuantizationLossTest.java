package dev.winnow.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.winnow.runtime.models.Quantization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The limits are well beyond what 40 questions measured: 3e-4 and 98%, 1.3e-2 and 89%. */
class QuantizationLossTest {
    private static final Path DEMO = Files.isDirectory(Path.of("demo")) ? Path.of("demo") : Path.of("examples/demo");

    @Test
    void asStoredLosesNothing() throws IOException {
        QuantizationLoss.Loss loss = QuantizationLoss.measure(DEMO, Quantization.NONE, 3);
        assertThat(loss.mean()).isLessThan(1e-9);
        assertThat(loss.sameTop()).isEqualTo(1);
    }

    @Test
    void eightBitsLoseLittleAndFourMore() throws IOException {
        QuantizationLoss.Loss q8 = QuantizationLoss.measure(DEMO, Quantization.Q8, 12);
        QuantizationLoss.Loss q4 = QuantizationLoss.measure(DEMO, Quantization.Q4, 12);
        assertThat(q8.mean()).isBetween(1e-7, 2e-3);
        assertThat(q8.sameTop()).isGreaterThan(0.95);
        assertThat(q4.mean()).isBetween(q8.mean(), 0.2);
        assertThat(q4.sameTop()).isGreaterThan(0.8);
    }
}
