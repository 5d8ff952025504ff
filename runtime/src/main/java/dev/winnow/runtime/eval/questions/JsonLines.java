package dev.winnow.runtime.eval.questions;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Winnow's own format: a file of JSON objects, one a line.
 *
 * <p>Fields: {@code image} or {@code images} (or {@code file_name}), paths from the file's folder; {@code question} or {@code prompt};
 * {@code answer} or {@code answers}, a text or an array of texts; {@code choices}, where an answer may also be a place counted from 0 or
 * a letter; {@code label}, a class counted from 0; {@code reference}, a text; {@code type}; {@code id} or {@code question_id}. A line
 * without an id goes by its number. A prompt or a label must be there. Either all lines say what is right or none does; without, plans
 * can still be compared with the dense model. Other fields are ignored.
 */
final class JsonLines {
    private JsonLines() {}

    static List<Question> read(Path file, Folder folder) {
        List<Question> questions = new ArrayList<>();
        TextFile.lines(file, (text, where) -> {
            Fields line = JsonText.object(text, where);
            questions.add(question(line, where.substring(where.lastIndexOf(' ') + 1), folder));
            if (questions.getLast().judged() != questions.getFirst().judged()) {
                throw new QuestionsException(where + ": has " + (questions.getLast().judged() ? "an" : "no")
                        + " 'answer', 'label' or 'reference', but the first question has " + (questions.getFirst().judged() ? "one" : "none"));
            }
        });
        return questions;
    }

    /** A question from one object. */
    static Question question(Fields line, String otherwiseId, Folder folder) {
        String where = line.where();
        Optional<String> prompt = line.firstText("question", "prompt");
        OptionalInt label = line.has("label") ? OptionalInt.of(line.natural("label")) : OptionalInt.empty();
        if (prompt.isEmpty() && label.isEmpty()) throw new QuestionsException(where + ": 'question' (or 'prompt', or 'label') is missing");
        List<Picture> pictures = line.texts("images", "image", "file_name").stream().map(path -> folder.picture(path, where)).toList();
        List<String> choices = line.texts("choices");
        String type = line.text("type", label.isPresent() && prompt.isEmpty() ? Question.CLASS : Question.ANY);
        String id = line.firstText("id", "question_id").orElse(otherwiseId);
        if (id.isEmpty() || type.isEmpty()) throw new QuestionsException(where + ": '" + (id.isEmpty() ? "id" : "type") + "' is empty");
        return new Question(id, type, pictures, prompt.orElse(""), Choices.answers(line, choices), choices, label, line.firstText("reference"));
    }
}
