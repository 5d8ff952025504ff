package dev.winnow.layers;

/**
 * A {@link Vocabulary} on the device that its layers run on, so that ids cross and states and logits do not. For one sequence at a time,
 * as the layers.
 */
public interface CompiledVocabulary {
    /** The most ids that {@link #highest} can be asked for. */
    int MOST = 512;

    /**
     * What the head made of some ids.
     *
     * @param ids    by falling number, equal ones by rising id
     * @param values their numbers behind the activation
     */
    record Highest(int[] ids, float[] values) {}

    /** Whether {@link #embed} can be asked. */
    boolean embeds();

    /** Makes the states of one id, to stay where the layers find them: x, [width], may hold old values until it comes home. */
    void embed(int id, float[] x);

    /**
     * The ids whose numbers are highest, after the norm and the head.
     *
     * @param x [width], at home or not
     * @param k how many, at most {@link #MOST} and all that there are
     */
    Highest highest(float[] x, int k, Work work);
}
