package dev.winnow.runtime.eval.questions;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.List;

/**
 * GQA (Hudson and Manning 2019, arXiv 1902.09506; format at cs.stanford.edu/people/dorarad/gqa/download.html): an object of questions by
 * their ids, with {@code imageId}, {@code question}, {@code answer} (absent in test sets) and {@code types}, of which the structural one
 * (verify, query, choose, logical, compare) becomes the type. Pictures are {@code <imageId>.jpg}, beside the file or in {@code images}.
 */
final class Gqa {
    private Gqa() {}

    static void read(Path file, Folder folder, QuestionCollector into) {
        JsonRecords.values(file, (id, fields) -> {
            String name = fields.text("imageId") + ".jpg";
            JsonNode structure = fields.node().path("types").path("structural");
            Picture picture = folder.pictureAtAny(List.of(name, "images/" + name), fields.where());
            if (id.isEmpty()) throw new QuestionsException(fields.where() + ": the id should not be empty");
            into.add(Question.of(id, structure.isTextual() && !structure.asText().isEmpty() ? structure.asText() : Question.ANY, picture,
                    fields.text("question"), fields.texts("answer")), fields.where());
        });
    }
}
