package dev.winnow.runtime.eval.questions;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * One thing to ask a model, and what is known of the answer.
 *
 * @param id        unique among the questions read together
 * @param type      what kind of question it is, for tables by type; never empty
 * @param pictures  in the order of the prompt, none for text alone
 * @param prompt    what to ask; empty for a picture to classify
 * @param answers   accepted answers; where several people were asked (VQAv2, TextVQA) one from each, equal ones repeated, which the
 *                  VQA measure counts; for a label its name if known; may be empty
 * @param choices   texts to choose from, in order; empty where the answer is free. The accepted answers are among them
 * @param label     class of a picture, counted from 0, for classifiers
 * @param reference text that should follow the prompt, for perplexity and divergence
 */
public record Question(String id, String type, List<Picture> pictures, String prompt, List<String> answers, List<String> choices,
                       OptionalInt label, Optional<String> reference) {
    /** The type of questions whose file names none. */
    public static final String ANY = "question";
    /** The type of pictures with a label. */
    public static final String CLASS = "class";

    public Question {
        pictures = List.copyOf(pictures);
        answers = List.copyOf(answers);
        choices = List.copyOf(choices);
        if (id.isEmpty() || type.isEmpty()) throw new IllegalArgumentException("a question needs an id and a type");
    }

    /** A question in words. */
    public static Question of(String id, String type, Picture picture, String prompt, List<String> answers) {
        return new Question(id, type, List.of(picture), prompt, answers, List.of(), OptionalInt.empty(), Optional.empty());
    }

    /** A picture with a label, and the label's name unless it is empty. */
    public static Question labelled(String id, Picture picture, int label, String name) {
        return new Question(id, CLASS, List.of(picture), "", name.isEmpty() ? List.of() : List.of(name), List.of(),
                OptionalInt.of(label), Optional.empty());
    }

    /** Whether something is known that an answer can be held against. */
    public boolean judged() {
        return !answers.isEmpty() || label.isPresent() || reference.isPresent();
    }
}
