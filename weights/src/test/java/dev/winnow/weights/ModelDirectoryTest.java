package dev.winnow.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelDirectoryTest {
    @TempDir
    Path dir;

    @BeforeEach
    void writeConfig() throws IOException {
        Files.writeString(dir.resolve("config.json"), "{\"model_type\":\"vit\"}");
    }

    @Test
    void configAndWeights() {
        SafetensorsWriter.write(dir.resolve("model.safetensors"), List.of(Tensor.ofLongs("w", new long[] {5}, 1)), Map.of());
        ModelDirectory model = ModelDirectory.open(dir);
        assertThat(model.path()).isEqualTo(dir);
        assertThat(model.config().string("model_type")).isEqualTo("vit");
        Checkpoint checkpoint = model.checkpoint();
        assertThat(checkpoint.tensor("w").toLongs()).containsExactly(5);
        assertThat(model.checkpoint()).isSameAs(checkpoint);
        model.close();
        model.close();
        assertThatThrownBy(() -> checkpoint.tensor("w")).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(model::checkpoint).isInstanceOf(IllegalStateException.class).hasMessageContaining("is closed");
    }

    @Test
    void weightsAreNotNeededUntilAskedFor() {
        try (ModelDirectory model = ModelDirectory.open(dir)) {
            assertThatThrownBy(model::checkpoint).isInstanceOf(CheckpointException.class).hasMessageContaining("holds neither");
        }
    }

    @Test
    void furtherFiles() throws IOException {
        Files.writeString(dir.resolve("generation_config.json"), "{\"top_k\":7}");
        Files.writeString(dir.resolve("broken.json"), "{");
        try (ModelDirectory model = ModelDirectory.open(dir)) {
            assertThat(model.optional("generation_config.json").orElseThrow().integer("top_k")).isEqualTo(7);
            assertThat(model.optional("preprocessor_config.json")).isEmpty();
            assertThatThrownBy(() -> model.optional("broken.json")).isInstanceOf(CheckpointException.class)
                    .hasMessageStartingWith("broken.json: not valid JSON");
        }
    }

    @Test
    void nothingToOpen() throws IOException {
        refused(dir.resolve("gone"), "no such directory");
        refused(dir.resolve("config.json"), "not a directory");
        Files.delete(dir.resolve("config.json"));
        refused(dir, "holds no config.json");
    }

    private static void refused(Path path, String why) {
        assertThatThrownBy(() -> ModelDirectory.open(path)).isInstanceOf(CheckpointException.class).hasMessage(path + ": " + why);
    }
}
