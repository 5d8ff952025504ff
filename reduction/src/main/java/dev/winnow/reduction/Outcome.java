package dev.winnow.reduction;

/** What a reduction event decides. */
public sealed interface Outcome {
    /** Everything stays. */
    record Unchanged() implements Outcome {}

    /**
     * New tokens for old.
     *
     * @param classStandsForImage whether a class token that survives goes on as a token of the picture instead of being dropped
     *                            with the encoder
     */
    record Reduce(TokenMap map, PositionPolicy positions, boolean classStandsForImage) implements Outcome {
        public Reduce(TokenMap map, PositionPolicy positions) {
            this(map, positions, false);
        }
    }

    /** Tokens stay, but are not seen as keys from this layer on. */
    record Hide(boolean[] hidden) implements Outcome {}

    /**
     * Cache entries that survive.
     *
     * @param keep for each key head the slots to keep, ascending
     */
    record Compact(int[][] keep) implements Outcome {}

    Outcome UNCHANGED = new Unchanged();
}
