package dev.winnow.runtime.eval.questions;

import dev.winnow.weights.Quoted;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A question as fields of one record, by the names that JSON lines and columns of tables use alike.
 *
 * <p>{@code question} or {@code prompt}; {@code answers} or {@code answer}: a text, texts, or objects whose {@code answer} is a text;
 * {@code choices} or {@code options}, where an answer may also be a place counted from 0 or a letter from A; {@code label}, a class
 * counted from 0; {@code reference}, a text; {@code type}, {@code category}, {@code question_type} or {@code answer_type}; {@code id} or
 * {@code question_id}. A prompt, a label or a reference must be there. Other fields are ignored.
 */
final class QuestionRecord {
    private QuestionRecord() {}

    /** @param otherwiseId id where the record has none */
    static Question of(Fields fields, String otherwiseId, List<Picture> pictures) {
        Optional<String> prompt = fields.firstText("question", "prompt");
        Optional<String> reference = fields.firstText("reference");
        OptionalInt label = fields.has("label") ? OptionalInt.of(fields.natural("label")) : OptionalInt.empty();
        if (prompt.isEmpty() && label.isEmpty() && reference.isEmpty()) {
            throw new QuestionsException(fields.where() + ": 'question' (or 'prompt') is missing");
        }
        String type = fields.firstText("type", "category", "question_type", "answer_type")
                .orElse(label.isPresent() && prompt.isEmpty() ? Question.CLASS : Question.ANY);
        String id = fields.firstText("id", "question_id").orElse(otherwiseId);
        if (id.isEmpty() || type.isEmpty()) {
            throw new QuestionsException(fields.where() + ": '" + (id.isEmpty() ? "id" : "type") + "' should not be empty");
        }
        List<String> choices = fields.texts("choices", "options");
        return new Question(id, type, pictures, prompt.orElse(""), answers(fields, choices), choices, label, reference);
    }

    private static List<String> answers(Fields fields, List<String> choices) {
        List<String> answers = fields.texts("answers", "answer");
        if (choices.isEmpty()) return answers;
        boolean place = fields.isInteger("answer") && !fields.has("answers");
        return answers.stream().map(answer -> choice(answer, place, choices, fields.where())).toList();
    }

    /** The choice that an answer is, by its text, its place or its letter. */
    private static String choice(String answer, boolean place, List<String> choices, String where) {
        if (!place && choices.contains(answer)) return answer;
        int at = -1;
        if (place && answer.length() < 10) at = Integer.parseInt(answer);
        if (!place && answer.length() == 1) at = Character.toUpperCase(answer.charAt(0)) - 'A';
        if (at >= 0 && at < choices.size()) return choices.get(at);
        throw new QuestionsException(where + ": answer " + Quoted.name(answer) + " is none of the " + choices.size() + " choices");
    }
}
