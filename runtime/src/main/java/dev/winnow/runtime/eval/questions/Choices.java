package dev.winnow.runtime.eval.questions;

import dev.winnow.weights.Quoted;
import java.util.List;

/** Accepted answers of a record that may offer choices: as texts, whatever way the record points at them. */
final class Choices {
    private Choices() {}

    /** The answers of a record; among choices a whole number is a place counted from 0, and a letter from A one too unless it is a choice. */
    static List<String> answers(Fields fields, List<String> choices) {
        List<String> answers = fields.texts("answers", "answer");
        if (choices.isEmpty()) return answers;
        boolean place = fields.isInteger("answer") && !fields.has("answers");
        return answers.stream().map(answer -> chosen(answer, place, choices, fields.where())).toList();
    }

    static String chosen(String answer, boolean place, List<String> choices, String where) {
        if (!place && choices.contains(answer)) return answer;
        int at = -1;
        if (place && answer.length() < 10) at = Integer.parseInt(answer);
        else if (!place && answer.length() == 1) at = Character.toUpperCase(answer.charAt(0)) - 'A';
        if (at >= 0 && at < choices.size()) return choices.get(at);
        throw new QuestionsException(where + ": answer " + Quoted.name(answer) + " is none of the " + choices.size() + " choices");
    }
}
