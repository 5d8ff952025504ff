package dev.winnow.runtime.tune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.runtime.RequestException;
import dev.winnow.runtime.eval.Interval;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SavedReductionTest {
    private static final Interval SOME = new Interval(0.7, 0.6, 0.8);
    private static final Tuning.Score SCORE = new Tuning.Score("dense", 100, SOME, 0.1, new Usage(36, 4e8, 1e6, 0.1));
    private static final Tuning TUNING = new Tuning(List.of("ppe:keep=0.4", "classexit:layer=4"), new Tuning.Limit("tokens=25%", 36, 35.5),
            "accuracy", SCORE, SCORE, SCORE, SCORE, SCORE, List.of(SCORE), SOME, SOME, new Tuning.Effort(200, 9000, 60, false, 0));

    @TempDir
    private Path model;
    private Path file;

    @BeforeEach
    void aModel() throws IOException {
        Files.writeString(model.resolve("config.json"), "{\"model_type\": \"llava\"}");
        Files.write(model.resolve("model.safetensors"), new byte[] {1, 2, 3});
        file = model.resolve(SavedReduction.FILE);
    }

    @Test
    void comesBackAsItWasSaved() throws IOException {
        SavedReduction.write(file, TUNING, model);
        assertThat(SavedReduction.read(file, model)).isEqualTo(new SavedReduction(TUNING.plan(), "tokens=25%"));
        assertThat(Files.readString(file)).contains("\"overPreset\"").contains("\"evaluations\" : 200");
        // a second plan is saved over the first, which is no part of the model
        SavedReduction.write(file, TUNING, model);
        assertThat(SavedReduction.read(file, model).plan()).hasSize(2);
    }

    @Test
    void isRefusedForAnotherModel() throws IOException {
        SavedReduction.write(file, TUNING, model);
        Files.write(model.resolve("model.safetensors"), new byte[] {1, 2, 4});
        assertThatThrownBy(() -> SavedReduction.read(file, model)).isInstanceOf(RequestException.class)
                .hasMessageContaining("another model").hasMessageContaining(file.toString());
    }

    @Test
    void saysWhatIsMissingOrWrong() throws IOException {
        assertThatThrownBy(() -> SavedReduction.read(file, model)).isInstanceOf(RequestException.class).hasMessageContaining("is missing")
                .hasMessageContaining("winnow tune");
        Files.writeString(file, "{\"version\": 2}");
        assertThatThrownBy(() -> SavedReduction.read(file, model)).hasMessageContaining("version 2");
        Files.writeString(file, "[1]");
        assertThatThrownBy(() -> SavedReduction.read(file, model)).hasMessageContaining(SavedReduction.FILE);
        SavedReduction.write(file, TUNING, model);
        Files.writeString(file, Files.readString(file).replace("ppe:keep=0.4", "nosuch:keep=0.4"));
        assertThatThrownBy(() -> SavedReduction.read(file, model)).isInstanceOf(RequestException.class)
                .hasMessageContaining("nosuch").hasMessageContaining(file.toString());
    }
}
