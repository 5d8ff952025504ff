package dev.winnow.examples.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufFileTest {
    @TempDir
    Path directory;

    @Test
    void metadataAndEntriesReadBack() throws IOException {
        Path path = directory.resolve("a.gguf");
        new GgufFile().text("general.architecture", "llama").integer("count", 7).real("real", 1e-5f).flag("flag", true)
                .texts("names", List.of("Ġ", "[300]", "")).integers("types", 1, -2).texts("none", List.of())
                .tensor("a", GgmlType.F32, new int[] {3}, r -> new float[] {1, 2, 3})
                .tensor("b", GgmlType.F32, new int[] {2, 5}, r -> new float[] {10 * r, 1, 2, 3, 4})
                .write(path);
        GgufReading read = GgufReading.of(path);
        assertThat(read.metadata()).containsEntry("general.architecture", "llama").containsEntry("count", 7).containsEntry("real", 1e-5f)
                .containsEntry("flag", true).containsEntry("names", List.of("Ġ", "[300]", "")).containsEntry("types", List.of(1, -2))
                .containsEntry("none", List.of()).hasSize(7);
        assertThat(read.tensors()).containsExactly(Map.entry("a", new GgufReading.Entry(List.of(3L), 0, 0)),
                Map.entry("b", new GgufReading.Entry(List.of(5L, 2L), 0, 32)));
        assertThat(read.data("a", 12).getFloat(8)).isEqualTo(3f);
        assertThat(read.data("b", 40).getFloat(20)).isEqualTo(10f);
        assertThat(read.data("b", 40).getFloat(36)).isEqualTo(4f);
    }

    @Test
    void everyTensorStartsAtAMultipleOfThirtyTwoAndTheFileEndsThere() throws IOException {
        Path path = directory.resolve("b.gguf");
        GgufFile gguf = new GgufFile();
        for (int n = 1; n < 20; n++) {
            float value = n;
            gguf.tensor("t" + n, GgmlType.F32, new int[] {n}, r -> {
                float[] row = new float[(int) value];
                row[row.length - 1] = value;
                return row;
            });
        }
        gguf.write(path);
        GgufReading read = GgufReading.of(path);
        long end = 0;
        for (int n = 1; n < 20; n++) {
            assertThat(read.tensors().get("t" + n).offset()).isEqualTo(end);
            assertThat(read.data("t" + n, 4 * n).getFloat(4 * (n - 1))).isEqualTo(n);
            end += (4L * n + 31) / 32 * 32;
        }
        assertThat(Files.size(path)).isEqualTo(read.dataStart() + end);
        assertThat(directory).isDirectoryNotContaining(p -> p.toString().endsWith(".unfinished"));
    }

    @Test
    void longTensorsGoOutInChunksWithEveryRowInItsPlace() throws IOException {
        Path path = directory.resolve("c.gguf");
        int rows = 5000;
        int columns = 1024;
        new GgufFile().tensor("long", GgmlType.F32, new int[] {rows, columns}, r -> {
            float[] row = new float[columns];
            row[0] = r;
            row[columns - 1] = -r;
            return row;
        }).write(path);
        ByteBuffer data = GgufReading.of(path).data("long", rows * columns * 4);
        for (int r = 0; r < rows; r++) {
            assertThat(data.getFloat(4 * r * columns)).isEqualTo(r);
            assertThat(data.getFloat(4 * (r * columns + columns - 1))).isEqualTo(-r);
        }
    }
}
