package dev.winnow.layers;

/** A normalisation over the width of each token. */
public sealed interface Norm {
    /** Mean and variance normalised (Ba et al. 2016). Weight and bias have the width's length. */
    record Layer(float[] weight, float[] bias, float epsilon) implements Norm {}

    /** Root mean square normalised (Zhang and Sennrich 2019). */
    record Rms(float[] weight, float epsilon) implements Norm {}
}
