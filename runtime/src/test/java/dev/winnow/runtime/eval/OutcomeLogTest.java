package dev.winnow.runtime.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.runtime.RequestException;
import dev.winnow.runtime.eval.Evaluation.Answered;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutcomeLogTest {
    private static final OutcomeLog.Subject SUBJECT = new OutcomeLog.Subject("m", "q", List.of("fastv:k=2"), "judge exact");

    @TempDir
    private Path folder;
    private Path file;

    @BeforeEach
    void name() {
        file = folder.resolve("log.jsonl");
    }

    private static Outcome outcome(int question, String answer, double score) {
        Work work = new Work(144, 160, List.of(145), List.of(144, 36), 3, 10, 20, 30, 40, 50);
        return new Outcome(question, answer, score, 1, 0.25, 3, Double.NaN, 0, work, new Times(0.1, 0.2, 2, 0.01, 0.3));
    }

    private static Answered answered(int question) {
        return new Answered(outcome(question, "a \"red\"\nline", Double.NaN), List.of(outcome(question, "blue", 1)));
    }

    private OutcomeLog open(OutcomeLog.Subject subject) {
        return OutcomeLog.open(file, subject, 10);
    }

    @Test
    void keepsOutcomesToTheLastDigit() {
        try (OutcomeLog log = open(SUBJECT)) {
            assertThat(log.done()).isEmpty();
            log.answered(answered(4));
            log.answered(answered(1));
        }
        try (OutcomeLog log = open(SUBJECT)) {
            assertThat(log.done()).containsOnlyKeys(1, 4).containsEntry(4, answered(4));
        }
    }

    @Test
    void aLineThatWasCutShortIsForgotten() throws IOException {
        try (OutcomeLog log = open(SUBJECT)) {
            log.answered(answered(4));
        }
        Files.writeString(file, Files.readString(file) + "{\"dense\":{\"quest");
        try (OutcomeLog log = open(SUBJECT)) {
            assertThat(log.done()).containsOnlyKeys(4);
            log.answered(answered(5));
        }
        try (OutcomeLog log = open(SUBJECT)) {
            assertThat(log.done()).containsOnlyKeys(4, 5);
        }
    }

    @Test
    void aFileThatWasCutInItsFirstLineIsBegunAnew() throws IOException {
        Files.writeString(file, "{\"mod");
        try (OutcomeLog log = open(SUBJECT)) {
            assertThat(log.done()).isEmpty();
        }
        assertThat(Files.readString(file)).startsWith("{\"model\":\"m\"").endsWith("\n");
    }

    @Test
    void otherEvaluationsAreNotContinued() {
        open(SUBJECT).close();
        refuses(new OutcomeLog.Subject("other", "q", List.of("fastv:k=2"), "judge exact"), "of an evaluation of another model");
        refuses(new OutcomeLog.Subject("m", "other", List.of("fastv:k=2"), "judge exact"), "other questions");
        refuses(new OutcomeLog.Subject("m", "q", List.of(), "judge exact"), "other plans (fastv:k=2)");
        refuses(new OutcomeLog.Subject("m", "q", List.of("fastv:k=2"), "judge vqa"), "other settings (judge exact, not judge vqa)");
    }

    private void refuses(OutcomeLog.Subject subject, String why) {
        assertThatThrownBy(() -> open(subject)).isInstanceOf(RequestException.class).hasMessageContaining("log.jsonl").hasMessageContaining(why);
    }

    @Test
    void damagedLinesAreNamed() throws IOException {
        open(SUBJECT).close();
        String head = Files.readString(file);
        for (String line : List.of("{}", "nonsense", "{\"dense\":null,\"plans\":[]}", "[1]")) {
            Files.writeString(file, head + line + "\n");
            assertThatThrownBy(() -> open(SUBJECT)).isInstanceOf(RequestException.class).hasMessageContaining("log.jsonl line 2");
        }
        try (OutcomeLog log = OutcomeLog.open(folder.resolve("far.jsonl"), SUBJECT, 10)) {
            log.answered(answered(99));
        }
        assertThatThrownBy(() -> OutcomeLog.open(folder.resolve("far.jsonl"), SUBJECT, 10)).hasMessageContaining("does not fit");
        Files.writeString(file, "{\"family\":\"llama\"}\n");
        assertThatThrownBy(() -> open(SUBJECT)).hasMessageContaining("log.jsonl line 1");
    }
}
