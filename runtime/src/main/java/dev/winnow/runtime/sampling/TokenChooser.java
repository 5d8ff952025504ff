package dev.winnow.runtime.sampling;

/** Says which token comes next. For one sequence and one thread at a time. */
public interface TokenChooser {
    /**
     * The id of the next token.
     *
     * @param logits        one per id; valid during the call only and not to be changed
     * @param history       the tokens so far, prompt included
     * @param historyLength how many of them count
     */
    int next(float[] logits, int[] history, int historyLength);
}
