package dev.winnow.layers;

/** A normalisation over stretches of channels as long as its weight: the width of a token, or a head of it. */
public sealed interface Norm {
    float[] weight();

    /** Channels that are normalised together. */
    default int width() {
        return weight().length;
    }

    /** The same norm, what comes of it times a factor. */
    Norm times(float factor);

    private static float[] scaled(float[] values, float factor) {
        float[] scaled = values.clone();
        for (int i = 0; i < scaled.length; i++) scaled[i] *= factor;
        return scaled;
    }

    /** Mean and variance normalised (Ba et al. 2016). Weight and bias have the width's length. */
    record Layer(float[] weight, float[] bias, float epsilon) implements Norm {
        @Override
        public Norm times(float factor) {
            return new Layer(scaled(weight, factor), scaled(bias, factor), epsilon);
        }
    }

    /** No normalisation, factors alone: a learned scale on what half a layer adds (Touvron et al. 2021). */
    record Factors(float[] weight) implements Norm {
        @Override
        public Norm times(float factor) {
            return new Factors(scaled(weight, factor));
        }
    }

    /** Root mean square normalised (Zhang and Sennrich 2019). */
    record Rms(float[] weight, float epsilon) implements Norm {
        @Override
        public Norm times(float factor) {
            return new Rms(scaled(weight, factor), epsilon);
        }
    }
}
