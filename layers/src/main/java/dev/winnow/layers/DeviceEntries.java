package dev.winnow.layers;

/**
 * The entries of a {@link KeyValues} in the memory of a device. The cache says what happens to its entries and asks for them when a
 * method looks at them; so they stay where the layers run that read and write them.
 */
public interface DeviceEntries {
    /**
     * Copies the keys and values of slots from .. to - 1 of a head.
     *
     * @param at index in both arrays of the first of them; rows follow one another
     */
    void fetch(int head, int from, int to, float[] keys, float[] values, int at);

    /**
     * Moves the entries at ascending slots of each head to its first slots; called even where none has to move, so that what was held for
     * these slots can be given back.
     *
     * @param slots for each head, or null for one that stays as it is; as {@link #lowest} gave them, they need not cross again
     */
    void keep(int[][] slots);

    /** How many of some ascending slots are where they are to go. */
    static int unmoved(int[] slots) {
        int unmoved = 0;
        while (unmoved < slots.length && slots[unmoved] == unmoved) unmoved++;
        return unmoved;
    }

    /**
     * For each of the last n entries at an even place the one at an odd place whose key, averaged over heads, is most similar by its
     * cosine. All heads have the same number of entries.
     *
     * @param guarded    entries that neither are matched nor are a match, or null for none
     * @param partner    half the index of the match, the first of equals
     * @param similarity minus infinity where there is no match
     * @return whether that was done; if not, the host is to do it
     */
    default boolean partners(int n, boolean[] guarded, int[] partner, float[] similarity) {
        return false;
    }

    /**
     * Scores of the keys of each head: [heads][entries of the head].
     *
     * @return null where the host is to make them
     */
    default float[][] scores(KeyScore score) {
        return null;
    }

    /**
     * For each head the slots of so many entries with the lowest scores, ascending; of equal scores the first.
     *
     * @param counts at most as many as the head has
     * @return null where the host is to choose
     */
    default int[][] lowest(KeyScore score, int[] counts) {
        return null;
    }

    /** Gives the memory back; called when no layer will read the entries again. */
    void release();
}
