package dev.winnow.runtime.cli;

import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.eval.Evaluation;
import dev.winnow.runtime.eval.Judge;
import dev.winnow.runtime.eval.questions.Questions;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The questions a command asks a model, and how their answers are judged. */
final class AskedOptions {
    @Option(names = "--questions", paramLabel = "FILE", required = true,
            description = "questions: JSON lines (image, question, answer or answers, type, choices, label, reference), labels.csv, or a public"
                    + " set as it lies on disk; without answers a plan is judged by how far it diverges from dense")
    private Path file;
    @Option(names = "--judge", paramLabel = "NAME", defaultValue = "exact",
            description = "how answers are judged: exact, normalised, contains, choice or vqa; default ${DEFAULT-VALUE}")
    private Judge judge;
    @Option(names = "--limit", paramLabel = "N", description = "ask the first N questions only")
    private Integer limit;
    @Option(names = {"--max-new-tokens", "-n"}, paramLabel = "N", defaultValue = "96",
            description = "most tokens of an answer or of a reference text; default ${DEFAULT-VALUE}")
    private int maxTokens;

    void check() {
        if (limit != null && limit < 1) throw new UsageException("--limit should be at least 1 but is " + limit);
        if (maxTokens < 1) throw new UsageException("--max-new-tokens should be at least 1 but is " + maxTokens);
    }

    Questions read() {
        return Questions.read(file);
    }

    /** Those that are asked, of all that were read. */
    Questions of(Questions all) {
        return limit == null ? all : all.limit(limit);
    }

    Evaluation evaluation(Winnow winnow, Questions asked) {
        return new Evaluation(winnow, asked.list(), judge, maxTokens);
    }

    Path file() {
        return file;
    }

    Judge judge() {
        return judge;
    }

    int maxTokens() {
        return maxTokens;
    }
}
