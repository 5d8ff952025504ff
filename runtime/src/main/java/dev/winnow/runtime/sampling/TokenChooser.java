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

    /** How many of the highest logits are enough to choose from, or 0 where it takes all. */
    default int enough() {
        return 0;
    }

    /**
     * {@link #next} from as many of the highest logits as are {@link #enough}.
     *
     * @param ids    by falling logit, equal ones by rising id
     * @param logits theirs
     */
    default int among(int[] ids, float[] logits) {
        throw new UnsupportedOperationException("this way of choosing takes all logits");
    }
}
