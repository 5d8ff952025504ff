package dev.winnow.runtime.eval;

import dev.winnow.runtime.eval.questions.Question;
import dev.winnow.runtime.eval.questions.Questions;
import dev.winnow.weights.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;

/** The demo models' questions, with what the reference implementation answered. */
public final class DemoQuestions {
    public static final Path DEMO = Path.of("../examples/demo");
    public static final Path VLM = DEMO.resolve("shapes-vlm");
    public static final Path VIT = DEMO.resolve("shapes-vit");
    public static final Path ASKED = DEMO.resolve("questions-vlm/qa.jsonl");
    public static final Path LABELLED = DEMO.resolve("questions-vit/labels.csv");

    private DemoQuestions() {}

    /** Every so-manieth question. */
    public static List<Question> every(int stride) {
        List<Question> all = Questions.read(ASKED).list();
        return IntStream.range(0, all.size()).filter(i -> i % stride == 0).mapToObj(all::get).toList();
    }

    /** The reference implementation's answers, in the order of the questions. */
    public static List<String> predictions() throws IOException {
        return Files.readAllLines(DEMO.resolve("results-vlm-public.predictions.jsonl")).stream()
                .map(line -> Settings.of(line, "predictions").string("prediction")).toList();
    }
}
