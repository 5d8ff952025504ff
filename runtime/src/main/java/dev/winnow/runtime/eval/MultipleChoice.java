package dev.winnow.runtime.eval;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Questions with choices: how they are asked, and which choice an answer names. */
final class MultipleChoice {
    /** "B", "(B)", "B.", "B: a cat", "Answer: B", "The answer is (B)". */
    private static final Pattern LETTER = Pattern.compile("(?:(?:the )?(?:correct )?(?:answer|option|choice)(?: is)?\\s*:?\\s*)?\\(?([A-Za-z])\\)?(?:[.:)].*|\\s*)",
            Pattern.CASE_INSENSITIVE | Pattern.DOTALL);

    private MultipleChoice() {}

    /**
     * The prompt with its choices, a letter before each, and the request to name one: the words that LLaVA-1.5 (Liu et al. 2023,
     * <i>Improved Baselines with Visual Instruction Tuning</i>) is asked with. A prompt that holds all choices already stays as it is.
     */
    static String prompt(String prompt, List<String> choices) {
        if (choices.isEmpty() || choices.stream().allMatch(prompt::contains)) return prompt;
        StringBuilder asked = new StringBuilder(prompt.strip());
        for (int i = 0; i < choices.size(); i++) asked.append('\n').append(letter(i)).append(". ").append(choices.get(i));
        return asked.append("\nAnswer with the option's letter from the given choices directly.").toString();
    }

    private static char letter(int choice) {
        return (char) ('A' + choice);
    }

    /** The place of the choice that an answer names: its text, its letter, or else the only one whose text the answer holds. */
    static OptionalInt chosen(String answer, List<String> choices) {
        String given = AnswerText.normalised(answer);
        List<String> texts = choices.stream().map(AnswerText::normalised).toList();
        if (texts.contains(given)) return OptionalInt.of(texts.indexOf(given));
        Matcher letter = LETTER.matcher(answer.strip());
        if (letter.matches()) {
            int place = Character.toUpperCase(letter.group(1).charAt(0)) - 'A';
            if (place < choices.size()) return OptionalInt.of(place);
        }
        List<Integer> held = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            if (!texts.get(i).isEmpty() && (" " + given + " ").contains(" " + texts.get(i) + " ")) held.add(i);
        }
        return held.size() == 1 ? OptionalInt.of(held.getFirst()) : OptionalInt.empty();
    }
}
