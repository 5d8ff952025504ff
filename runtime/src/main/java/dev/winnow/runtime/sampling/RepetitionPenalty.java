package dev.winnow.runtime.sampling;

/**
 * Divides the positive logits of tokens that came before by the penalty and multiplies the negative ones, once per token
 * however often it came ({@code RepetitionPenaltyLogitsProcessor}, Keskar et al. 2019, "CTRL").
 */
final class RepetitionPenalty {
    private RepetitionPenalty() {}

    /** Writes the changed logits to {@code out}, which already holds all of {@code logits}. */
    static void apply(double penalty, float[] logits, int[] history, int historyLength, float[] out) {
        for (int i = 0; i < historyLength; i++) {
            int id = history[i];
            // placeholders of images may have ids that the model has no logit for
            if (id < 0 || id >= logits.length) continue;
            float logit = logits[id];
            out[id] = (float) (logit < 0 ? logit * penalty : logit / penalty);
        }
    }
}
