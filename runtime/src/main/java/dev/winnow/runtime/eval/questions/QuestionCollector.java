package dev.winnow.runtime.eval.questions;

import dev.winnow.weights.Quoted;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Questions as they are read: their ids differ, and either all say what is right or none does. */
final class QuestionCollector {
    private static final int MOST = 10_000_000;

    private final List<Question> questions = new ArrayList<>();
    private final Set<String> ids = new HashSet<>();

    /** @param where file and line or record of the question, for messages */
    void add(Question question, String where) {
        if (questions.size() == MOST) throw new QuestionsException(where + ": there are more than " + MOST + " questions");
        if (!ids.add(question.id())) {
            throw new QuestionsException(where + ": another question has the id " + Quoted.name(question.id()) + " too");
        }
        questions.add(question);
        boolean first = questions.getFirst().judged();
        if (question.judged() != first) {
            throw new QuestionsException(where + ": " + (first ? "answer (or label, or reference) is missing, which earlier questions have"
                    : "has an answer (or label, or reference), which earlier questions lack"));
        }
    }

    List<Question> questions() {
        return questions;
    }
}
