package dev.winnow.runtime.eval;

import dev.winnow.runtime.eval.questions.Question;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/** Holds an answer against the accepted ones. Pictures with a label are judged by their class, whatever the judge. */
public enum Judge {
    /** The answer is one of the accepted ones to the letter, surrounding space aside. */
    EXACT {
        @Override
        double compare(String answer, Question question) {
            return question.answers().stream().anyMatch(accepted -> accepted.strip().equals(answer.strip())) ? 1 : 0;
        }
    },
    /** As exact, after both are normalised as the evaluation of VQA does. */
    NORMALISED {
        @Override
        double compare(String answer, Question question) {
            return normalised(question).contains(AnswerText.normalised(answer)) ? 1 : 0;
        }
    },
    /** Normalised, and the answer holds an accepted one as whole words. */
    CONTAINS {
        @Override
        double compare(String answer, Question question) {
            String words = " " + AnswerText.normalised(answer) + " ";
            return normalised(question).stream().anyMatch(accepted -> !accepted.isEmpty() && words.contains(" " + accepted + " ")) ? 1 : 0;
        }
    },
    /** The answer names one of the question's choices, by letter or by text, and that is an accepted one; without choices normalised. */
    CHOICE {
        @Override
        double compare(String answer, Question question) {
            if (question.choices().isEmpty()) return NORMALISED.compare(answer, question);
            OptionalInt chosen = MultipleChoice.chosen(answer, question.choices());
            return chosen.isPresent() && question.answers().contains(question.choices().get(chosen.getAsInt())) ? 1 : 0;
        }
    },
    /**
     * Accuracy of VQA: {@code min(1, n / 3)} for an answer that n people gave, all normalised. Where fewer than three answers are known,
     * giving one of them is enough.
     */
    VQA {
        @Override
        double compare(String answer, Question question) {
            String given = AnswerText.normalised(answer);
            long matches = normalised(question).stream().filter(given::equals).count();
            return Math.min(1, (double) matches / Math.min(3, question.answers().size()));
        }
    };

    /** Scores from here on count as right where only right and wrong exist: two of three people agree. */
    private static final double RIGHT = 0.5;

    abstract double compare(String answer, Question question);

    /** How right an answer is, 0..1; NaN where no answer is known. */
    public double score(String answer, Question question) {
        return question.answers().isEmpty() ? Double.NaN : compare(answer, question);
    }

    /** Whether a score counts as a right answer. */
    public static boolean right(double score) {
        return score >= RIGHT;
    }

    /**
     * The judge of this name.
     *
     * @throws IllegalArgumentException for an unknown one
     */
    public static Judge named(String name) {
        return Arrays.stream(values()).filter(j -> j.toString().equals(name)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("should be one of "
                        + Arrays.stream(values()).map(Judge::toString).collect(Collectors.joining(", ")) + " but is '" + name + "'"));
    }

    /** The name that users write. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }

    private static List<String> normalised(Question question) {
        return question.answers().stream().map(AnswerText::normalised).toList();
    }
}
