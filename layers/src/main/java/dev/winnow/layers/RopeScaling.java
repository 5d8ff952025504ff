package dev.winnow.layers;

import java.util.List;

/** How rotary frequencies are stretched beyond the trained context, after the Hugging Face {@code rope_scaling} types. */
public sealed interface RopeScaling {
    /** As trained. */
    record None() implements RopeScaling {}

    /** All frequencies divided by the factor (Chen et al. 2023). */
    record Linear(double factor) implements RopeScaling {}

    /**
     * The base grows with the sequence once it is longer than trained ("dynamic NTK", bloc97 2023). Keys already cached keep the
     * rotation they were written with, as in the reference implementation.
     */
    record Dynamic(double factor, int trainedLength) implements RopeScaling {}

    /** Low frequencies divided by the factor, high ones kept, a smooth band between (Llama 3.1). */
    record Llama3(double factor, double lowFrequencyFactor, double highFrequencyFactor, int trainedLength) implements RopeScaling {}

    /**
     * Every frequency divided by a factor of its own, searched for long sequences and for those within the trained length (Ding et al.
     * 2024). When a sequence outgrows the trained length, keys already cached are turned to the other factors; the reference implementation
     * runs the sequence anew.
     *
     * @param shortFactors one for each frequency
     * @param longFactors  likewise
     */
    record LongRope(List<Double> shortFactors, List<Double> longFactors, int trainedLength, double attentionFactor)
            implements RopeScaling {
        /** The attention factor that the paper recommends for a stretch of the given factor. */
        public static double recommendedAttentionFactor(double factor, int trainedLength) {
            return factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(trainedLength));
        }
    }

    /** Interpolation by wavelength with a correction of the attention temperature (Peng et al. 2023). */
    record Yarn(double factor, double betaFast, double betaSlow, int trainedLength, double attentionFactor) implements RopeScaling {
        /** The attention factor that the paper recommends for a stretch of the given factor. */
        public static double recommendedAttentionFactor(double factor) {
            return factor <= 1 ? 1 : 0.1 * Math.log(factor) + 1;
        }
    }
}
