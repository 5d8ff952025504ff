package dev.winnow.runtime.eval;

import static org.assertj.core.api.Assertions.assertThat;

import dev.winnow.runtime.eval.questions.Question;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FingerprintTest {
    @TempDir
    private Path folder;

    private Path model(String name, byte[] weights) throws IOException {
        Path directory = Files.createDirectory(folder.resolve(name));
        Files.writeString(directory.resolve("config.json"), "{}");
        Files.write(directory.resolve("model.safetensors"), weights);
        return directory;
    }

    @Test
    void aCopyIsTheSameModelAndWhatWinnowKeepsBesideItDoesNotCount() throws IOException {
        Path first = model("first", new byte[] {1, 2, 3});
        Path copy = model("copy", new byte[] {1, 2, 3});
        for (String name : List.of("README.md", "reduction.json", "winnow-q8.safetensors")) Files.writeString(copy.resolve(name), "x");
        assertThat(Fingerprint.ofModel(copy)).isEqualTo(Fingerprint.ofModel(first)).hasSize(32);
        assertThat(Fingerprint.ofModel(model("other", new byte[] {1, 2, 4}))).isNotEqualTo(Fingerprint.ofModel(first));
        Files.writeString(copy.resolve("config.json"), "{ }");
        assertThat(Fingerprint.ofModel(copy)).isNotEqualTo(Fingerprint.ofModel(first));
    }

    @Test
    void largeWeightsCountToTheLastByte() throws IOException {
        byte[] weights = new byte[(2 << 20) + 7];
        Path first = model("first", weights);
        weights[weights.length - 1] = 1;
        assertThat(Fingerprint.ofModel(model("second", weights))).isNotEqualTo(Fingerprint.ofModel(first));
    }

    @Test
    void questionsAreTheirTextsInOrder() {
        assertThat(Fingerprint.ofQuestions(List.of(question("1", "a"), question("2", "b"))))
                .isEqualTo(Fingerprint.ofQuestions(List.of(question("1", "a"), question("2", "b"))))
                .isNotEqualTo(Fingerprint.ofQuestions(List.of(question("2", "b"), question("1", "a"))))
                .isNotEqualTo(Fingerprint.ofQuestions(List.of(question("1", "a"), question("2", "c"))));
    }

    private static Question question(String id, String answer) {
        return new Question(id, "any", List.of(), "What?", List.of(answer), List.of(), OptionalInt.empty(), Optional.empty());
    }
}
