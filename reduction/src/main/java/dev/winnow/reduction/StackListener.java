package dev.winnow.reduction;

/** Follows a walk through a stack. Arguments are valid during the call only. */
public interface StackListener {
    /** A layer has run (or was skipped). */
    default void layer(Stage stage, int layer, Tokens tokens) {}

    /**
     * Tokens have run a layer; comes before {@link #layer}. Not called for a layer that was skipped.
     *
     * @param count of those that did, without those that went around it; as reductions between its halves left them. Of a prompt's last
     *              layer too: those that it has keys and values of
     */
    default void ran(Stage stage, int layer, int count) {}

    /**
     * An event has acted.
     *
     * @param outcome what it decided
     * @param tokens  the tokens after it
     * @param nanos   time it took
     */
    default void acted(ReductionEvent event, Outcome outcome, Tokens tokens, long nanos) {}

    /**
     * An event tells what its decision rests on; comes before {@link #acted}.
     *
     * @param shape of values
     */
    default void reported(ReductionEvent event, String name, float[] values, int[] shape) {}

    /** Whether {@link #reported} does anything: what nobody hears of need not be made, nor come from where it was made. */
    default boolean hears() {
        return true;
    }

    /** One that does not listen. */
    StackListener NONE = new StackListener() {
        @Override
        public boolean hears() {
            return false;
        }
    };
}
