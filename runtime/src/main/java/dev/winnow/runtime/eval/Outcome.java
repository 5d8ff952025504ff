package dev.winnow.runtime.eval;

/**
 * What came of one question under one plan. All but the times is the same in every run.
 *
 * @param question   its number in the set, from 0
 * @param answer     stripped; a label's name; empty where the model only followed a reference text
 * @param score      how right it is, 0..1; NaN where no answer is known
 * @param agreement  1 where the answer is the dense one, else 0; for a reference text the share of places where the most likely token is
 *                   the dense model's
 * @param divergence KL(dense || plan) in nats, mean over the places compared: see {@link Evaluation}
 * @param compared   places compared
 * @param surprise   negative logarithm of a token's probability, mean over the reference text; NaN without one
 * @param followed   tokens of the reference text that were followed
 */
public record Outcome(int question, String answer, double score, double agreement, double divergence, int compared, double surprise,
                      int followed, Work work, Times times) {

    /** Whether the answer counts as right; false where no answer is known. */
    public boolean right() {
        return Judge.right(score);
    }
}
