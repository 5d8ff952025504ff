package dev.winnow.runtime.eval;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.winnow.runtime.RequestException;
import dev.winnow.runtime.eval.Evaluation.Answered;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Finished outcomes in a file of JSON lines, so that an interrupted evaluation goes on where it was: first what was evaluated, then a line
 * for each question, in the order they were finished. A last line that was cut short is written anew. For use by any number of threads.
 */
public final class OutcomeLog implements Evaluation.Progress, AutoCloseable {
    private static final JsonMapper JSON = JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES).enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES).build();

    /**
     * What was evaluated; a file of anything else is not continued.
     *
     * @param model     fingerprint of the model's files
     * @param questions fingerprint of the questions
     * @param plans     as printed
     * @param settings  all else that outcomes depend on
     */
    public record Subject(String model, String questions, List<String> plans, String settings) {}

    private final Map<Integer, Answered> done;
    private final BufferedWriter writer;
    private final Path file;

    private OutcomeLog(Path file, Map<Integer, Answered> done, BufferedWriter writer) {
        this.file = file;
        this.done = done;
        this.writer = writer;
    }

    /**
     * Opens a file to go on with, or begins it.
     *
     * @throws RequestException when it is of another evaluation, damaged, or cannot be written
     */
    public static OutcomeLog open(Path file, Subject subject, int questions) {
        try {
            Map<Integer, Answered> done = new LinkedHashMap<>();
            if (!Files.exists(file) || !Files.readString(file).contains("\n")) {
                Files.writeString(file, JSON.writeValueAsString(subject) + "\n");
            } else {
                String whole = Files.readString(file);
                whole = whole.substring(0, whole.lastIndexOf('\n') + 1);
                List<String> lines = whole.lines().toList();
                requireSame(file, read(lines.getFirst(), Subject.class, file, 1), subject);
                for (int i = 1; i < lines.size(); i++) {
                    Answered answered = read(lines.get(i), Answered.class, file, i + 1);
                    requireOf(answered, subject, questions, file, i + 1);
                    done.put(answered.dense().question(), answered);
                }
                Files.writeString(file, whole);
            }
            return new OutcomeLog(file, done, Files.newBufferedWriter(file, StandardCharsets.UTF_8, StandardOpenOption.APPEND));
        } catch (IOException e) {
            throw new RequestException(file + " cannot be used to resume: " + e.getMessage());
        }
    }

    private static <T> T read(String line, Class<T> type, Path file, int number) {
        try {
            return JSON.readValue(line, type);
        } catch (JsonProcessingException e) {
            throw new RequestException(file + " line " + number + ": is no line that an evaluation wrote to resume from");
        }
    }

    private static void requireSame(Path file, Subject found, Subject wanted) {
        String other = !wanted.model().equals(found.model()) ? "another model"
                : !wanted.questions().equals(found.questions()) ? "other questions"
                : !wanted.plans().equals(found.plans()) ? "other plans (" + String.join("; ", found.plans()) + ")"
                : !wanted.settings().equals(found.settings()) ? "other settings (" + found.settings() + ", not " + wanted.settings() + ")" : null;
        if (other != null) throw new RequestException(file + " cannot be resumed: it is of an evaluation of " + other);
    }

    private static void requireOf(Answered answered, Subject subject, int questions, Path file, int number) {
        boolean fits = answered.dense() != null && answered.plans().size() == subject.plans().size()
                && answered.dense().question() >= 0 && answered.dense().question() < questions
                && answered.plans().stream().allMatch(o -> o.question() == answered.dense().question());
        if (!fits) throw new RequestException(file + " line " + number + ": does not fit the plans and questions of its first line");
    }

    /** What was finished before, by the question's number. */
    public Map<Integer, Answered> done() {
        return Map.copyOf(done);
    }

    @Override
    public synchronized void answered(Answered question) {
        try {
            writer.write(JSON.writeValueAsString(question));
            writer.write('\n');
            writer.flush();
        } catch (IOException e) {
            throw new RequestException(file + " cannot be written: " + e.getMessage());
        }
    }

    @Override
    public void close() {
        try {
            writer.close();
        } catch (IOException e) {
            throw new RequestException(file + " cannot be written: " + e.getMessage());
        }
    }
}
