package dev.winnow.runtime.eval.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.RequestException;
import dev.winnow.runtime.eval.Evaluation;
import dev.winnow.runtime.eval.Results;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * A folder of reports: {@code results.json} and {@code answers.jsonl}, the same in every run; {@code times.json}; {@code report.md} and
 * {@code report.html}, which show both.
 */
public final class ReportFiles {
    private static final JsonMapper LINES = new JsonMapper();
    private static final JsonMapper PRETTY = JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    private final Path folder;

    private ReportFiles(Path folder) {
        this.folder = folder;
    }

    /**
     * A folder to write to, made if its parent is there.
     *
     * @throws RequestException when it cannot be
     */
    public static ReportFiles in(Path folder) {
        if (Files.exists(folder) && !Files.isDirectory(folder)) throw new RequestException(folder + " is a file, not a folder for reports");
        try {
            if (!Files.exists(folder)) Files.createDirectory(folder);
        } catch (IOException e) {
            throw new RequestException(folder + " cannot be made: there is no directory " + folder.toAbsolutePath().getParent()
                    + ", or it is read-only");
        }
        if (!Files.isWritable(folder)) throw new RequestException(folder + " is read-only, so reports cannot be written there");
        return new ReportFiles(folder);
    }

    /**
     * Writes all files.
     *
     * @param plans those of the results, without the dense one
     * @param times whether to write measured times; without, every file is the same in every run
     */
    public void write(Subject subject, Results results, Evaluation evaluation, List<ReductionPlan> plans, boolean times) {
        write("results.json", json(PRETTY, ResultsJson.counted(subject, results)) + "\n");
        StringBuilder answers = new StringBuilder();
        for (Map<String, Object> answer : ResultsJson.answers(results)) answers.append(json(LINES, answer)).append('\n');
        write("answers.jsonl", answers.toString());
        if (times) write("times.json", json(PRETTY, ResultsJson.times(results)) + "\n");
        write("report.md", MarkdownReport.of(subject, results, times));
        write("report.html", HtmlReport.of(subject, results, evaluation, plans, times));
    }

    private static String json(JsonMapper mapper, Object value) {
        try {
            return mapper.writeValueAsString(value);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write the results as JSON: " + e.getOriginalMessage(), e);
        }
    }

    private void write(String name, String text) {
        try {
            Files.writeString(folder.resolve(name), text);
        } catch (IOException e) {
            throw new RequestException(folder.resolve(name) + " cannot be written: " + e.getMessage());
        }
    }
}
