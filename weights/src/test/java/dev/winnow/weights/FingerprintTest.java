package dev.winnow.weights;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A fingerprint stays as long as the files do. */
class FingerprintTest {
    @TempDir
    Path dir;

    private String fingerprint(String tensor, float value, int second) throws IOException {
        Path file = dir.resolve("model.safetensors");
        SafetensorsWriter.write(file, List.of(Tensor.ofFloats(tensor, new float[] {value}, 1)), Map.of());
        Files.setLastModifiedTime(file, FileTime.fromMillis(1000L * second));
        try (Checkpoint c = Checkpoint.open(dir)) {
            assertThat(c.file(tensor)).isEqualTo("model.safetensors");
            return c.fingerprint();
        }
    }

    @Test
    void changesWithNamesSizesAndTimes() throws IOException {
        String first = fingerprint("a", 1, 10);
        assertThat(first).matches("[0-9a-f]{64}");
        assertThat(fingerprint("a", 1, 10)).isEqualTo(first);
        assertThat(fingerprint("b", 1, 10)).isNotEqualTo(first);
        assertThat(fingerprint("a", 1, 11)).isNotEqualTo(first);
        assertThat(fingerprint("a".repeat(100), 1, 10)).isNotEqualTo(first);
    }
}
