package dev.winnow.runtime.eval;

import dev.winnow.runtime.Stats;

/**
 * Measured while a question was answered on one core, with others beside it; different in every run.
 *
 * @param firstToken   seconds from pixels to the first token, or to the label
 * @param decode       seconds of the steps after it
 * @param steps        how many steps that were
 * @param reduction    seconds inside reduction events, part of the two passes
 * @param cpu          processor seconds of the whole answer, by the clock of its thread
 */
public record Times(double firstToken, double decode, int steps, double reduction, double cpu) {
    static Times of(Stats s, double cpu) {
        return new Times(s.firstTokenSeconds(), s.decodeSeconds(), Math.max(0, s.generatedTokens() - 1), s.reductionSeconds(), cpu);
    }
}
