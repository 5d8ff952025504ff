package dev.winnow.runtime.eval.questions;

import java.nio.file.Path;
import java.util.List;

/**
 * Winnow's own format: a file of JSON objects, one a line, or an array of them. {@code image} or {@code images} (or {@code file_name}, as
 * in Hugging Face's metadata.jsonl) are paths of pictures from the file's folder; the other fields are those of {@link QuestionRecord}.
 * An object without an id goes by the number of its line, or by its place in the array.
 */
final class JsonLines {
    private JsonLines() {}

    static void read(Path file, Folder folder, QuestionCollector into) {
        TextFile.lines(file, (text, number, where) -> add(JsonText.object(text, where), number, folder, into));
    }

    static void readArray(Path file, Folder folder, QuestionCollector into) {
        int[] place = {0};
        JsonRecords.array(file, record -> add(record, place[0]++, folder, into));
    }

    private static void add(Fields fields, int number, Folder folder, QuestionCollector into) {
        String where = fields.where();
        List<Picture> pictures = fields.texts("images", "image", "file_name").stream().map(path -> folder.picture(path, where)).toList();
        into.add(QuestionRecord.of(fields, String.valueOf(number), pictures), where);
    }
}
