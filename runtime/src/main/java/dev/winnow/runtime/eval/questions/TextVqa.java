package dev.winnow.runtime.eval.questions;

import java.nio.file.Path;
import java.util.List;

/**
 * TextVQA (Singh et al. 2019, arXiv 1904.08920; files at textvqa.org/dataset, {@code TextVQA_0.5.1_val.json}): an object whose
 * {@code data} are records with {@code question_id}, {@code image_id}, {@code question} and, but for the test set, {@code answers} of ten
 * people. Pictures are {@code <image_id>.jpg}, beside the file or in {@code train_images}, {@code test_images} or {@code images}.
 */
final class TextVqa {
    private TextVqa() {}

    static void read(Path file, Folder folder, QuestionCollector into) {
        JsonRecords.array(file, "data", fields -> {
            String name = fields.text("image_id") + ".jpg";
            List<String> places = List.of(name, "train_images/" + name, "test_images/" + name, "images/" + name);
            Picture picture = folder.pictureAtAny(places, fields.where());
            into.add(Question.of(fields.text("question_id"), Question.ANY, picture, fields.text("question"), fields.texts("answers")),
                    fields.where());
        });
    }
}
