package dev.winnow.runtime.eval.report;

import dev.winnow.runtime.eval.Judge;

/**
 * What was evaluated.
 *
 * @param model         name of its directory
 * @param family        its {@code model_type}
 * @param modelPrint    fingerprint of its files
 * @param questions     name of the file or folder
 * @param format        what it turned out to be
 * @param questionPrint fingerprint of the questions asked
 * @param available     questions in the file, of which the first were asked
 * @param quantization  how matrices were rounded, "none" if not
 */
public record Subject(String model, String family, String modelPrint, String questions, String format, String questionPrint, int available,
                      Judge judge, int maxTokens, String quantization) {

    /** What accuracy means, in words. */
    String measure(boolean labels) {
        if (labels) return "the most probable label is the right one";
        return switch (judge) {
            case EXACT -> "exact match of the stripped answer";
            case NORMALISED -> "match after normalising as the evaluation of VQA does";
            case CONTAINS -> "the normalised answer holds an accepted one";
            case CHOICE -> "the answer names the right choice";
            case VQA -> "VQA accuracy: min(1, people who gave this answer / 3)";
        };
    }
}
