package dev.winnow.runtime.eval.questions;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * POPE (Li et al. 2023, "Evaluating Object Hallucination in Large Vision-Language Models", arXiv 2305.10355; files of the repository
 * RUCAIBox/POPE, {@code output/coco/coco_pope_random.json}): JSON objects, one a line, {@code question_id}, {@code image}, {@code text},
 * {@code label} ("yes" or "no"), in LLaVA's edition {@code category}. Pictures are COCO's val2014, looked for beside the file, in
 * {@code val2014} and in {@code images}. Without a category the type is what the file's name says: random, popular or adversarial.
 */
final class PopeLines {
    private static final List<String> KINDS = List.of("random", "popular", "adversarial");

    private PopeLines() {}

    static void read(Path file, Folder folder, QuestionCollector into) {
        String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
        String kind = KINDS.stream().filter(name::contains).findFirst().orElse(Question.ANY);
        TextFile.lines(file, (text, number, where) -> {
            Fields line = JsonText.object(text, where);
            String image = line.text("image");
            Picture picture = folder.pictureAtAny(List.of(image, "val2014/" + image, "images/" + image), where);
            String id = line.text("question_id", String.valueOf(number));
            into.add(Question.of(id, line.text("category", kind), picture, line.text("text"), line.texts("label")), where);
        });
    }
}
