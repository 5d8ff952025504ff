package dev.winnow.runtime.eval.questions;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Questions read from a path, in the order of the files.
 *
 * @param format what the path turned out to hold, in words for a report
 * @param list   questions with ids that differ; never empty
 */
public record Questions(String format, List<Question> list) {
    public Questions {
        list = List.copyOf(list);
    }

    /**
     * Reads a file or folder of any supported format, with pictures where the format keeps them.
     *
     * @throws QuestionsException when there is nothing to read, or a file is damaged or not of a known format
     */
    public static Questions read(Path path) {
        return open(path);
    }

    private static Questions open(Path path) {
        Path file = path;
        if (Files.isDirectory(path)) {
            file = path.resolve("qa.jsonl");
            if (!Files.exists(file)) file = path.resolve("labels.csv");
        }
        Folder folder = Folder.of(file);
        boolean csv = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT).endsWith(".csv");
        return checked(csv ? "labels in CSV" : "JSON lines", csv ? LabelledCsv.read(file, folder) : JsonLines.read(file, folder), path);
    }

    private static Questions checked(String format, List<Question> questions, Path path) {
        if (questions.isEmpty()) throw new QuestionsException(path + ": holds no questions");
        Set<String> ids = new HashSet<>();
        for (Question q : questions) if (!ids.add(q.id())) throw new QuestionsException(path + ": two questions have the id " + q.id());
        return new Questions(format, questions);
    }

    /** The first questions, or all where there are fewer. */
    public Questions limit(int most) {
        return most >= list.size() ? this : new Questions(format, list.subList(0, most));
    }

    public int size() {
        return list.size();
    }
}
