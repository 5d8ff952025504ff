package dev.winnow.runtime.eval.questions;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Questions read from a path, in the order of its files.
 *
 * @param format what the path turned out to hold, in words for a report
 * @param list   questions with ids that differ, of which all or none say what is right; never empty
 */
public record Questions(String format, List<Question> list) {
    public Questions {
        list = List.copyOf(list);
    }

    /**
     * Reads a file or folder of any supported format, with pictures where the format keeps them: Winnow's JSON lines, labels in CSV, a
     * folder of pictures per class, VQA v1 and v2, TextVQA, GQA, POPE, MME, WebDataset, and Parquet of Hugging Face datasets.
     *
     * @throws QuestionsException when there is nothing to read, a picture is missing, or a file is damaged or of no known format
     */
    public static Questions read(Path path) {
        return read(path, null);
    }

    /**
     * As {@link #read(Path)}, with the folder that paths of pictures start from, for sets whose pictures lie elsewhere.
     *
     * @param pictures null for the folder of the questions
     */
    public static Questions read(Path path, Path pictures) {
        if (!Files.exists(path)) throw new QuestionsException(path + ": there is no such file or folder");
        if (pictures != null && !Files.isDirectory(pictures)) throw new QuestionsException(pictures + ": is not a folder of pictures");
        QuestionFormat.Found found = QuestionFormat.of(path.toAbsolutePath().normalize());
        Path file = found.files().getFirst();
        Folder folder = pictures == null ? Folder.of(file) : new Folder(pictures.toAbsolutePath().normalize());
        QuestionCollector into = new QuestionCollector();
        switch (found.format()) {
            case JSON_LINES -> JsonLines.read(file, folder, into);
            case JSON_ARRAY -> JsonLines.readArray(file, folder, into);
            case LABELS -> LabelledCsv.read(file, folder, into);
            case VQA -> VqaPair.read(file, folder, into);
            case TEXTVQA -> TextVqa.read(file, folder, into);
            case GQA -> Gqa.read(file, folder, into);
            case POPE -> PopeLines.read(file, folder, into);
            case MME -> Mme.read(file, into);
            case IMAGE_FOLDER -> ImageFolder.read(file, into);
            case WEBDATASET -> WebDataset.read(found.files(), into);
            case PARQUET -> ParquetTable.read(found.files(), folder, into);
        }
        if (into.questions().isEmpty()) throw new QuestionsException(path + ": holds no questions");
        return new Questions(found.format().words(), into.questions());
    }

    /** The first questions, or all where there are fewer. */
    public Questions limit(int most) {
        return most >= list.size() ? this : new Questions(format, list.subList(0, most));
    }

    public int size() {
        return list.size();
    }
}
