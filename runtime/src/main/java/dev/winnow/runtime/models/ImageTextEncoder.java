package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.Tokens;
import java.util.Optional;

/**
 * A tower for pictures and one for texts whose vectors meet in one space; or the first of them alone.
 *
 * @param family           the configuration's {@code model_type}
 * @param visionProjection into the common space, or null where the tower ends in it
 * @param text             or null in a vision-only checkpoint
 * @param logitScale       logarithm of the factor on cosines
 * @param logitBias        added to them
 */
public record ImageTextEncoder(String family, VisionEncoder vision, Pooling pooling, Linear visionProjection, TextEncoder text,
                               float logitScale, float logitBias) implements Model {
    @Override
    public ModelShape shape() {
        return new ModelShape(Optional.of(vision.shape(vision.layers() - 1)), 0);
    }

    /** The vector of a picture before it is projected. */
    public float[] pooled(Tokens tokens, Workspace workspace) {
        return pooling.pool(tokens, vision.finalNorm(), vision.backend(), workspace);
    }

    /** A pooled vector in the common space, not normalised. */
    public float[] imageFeatures(float[] pooled, Workspace workspace) {
        if (visionProjection == null) return pooled;
        float[] features = new float[visionProjection.out()];
        vision.backend().linear(visionProjection, pooled, 1, features, Activation.NONE, workspace.work());
        return features;
    }

    /** A picture's vector: of length 1 where there are texts to compare it with. */
    public float[] imageEmbedding(Tokens tokens, Workspace workspace) {
        float[] features = imageFeatures(pooled(tokens, workspace), workspace);
        return text == null ? features : unit(features);
    }

    /**
     * A text in the common space, not normalised.
     *
     * @param mask which tokens may be attended to, or null for all
     */
    public float[] textFeatures(int[] ids, boolean[] mask, Workspace workspace, Trace trace) {
        return text.features(ids, mask, workspace, trace);
    }

    /** x / |x|. */
    public static float[] unit(float[] x) {
        double square = 0;
        for (float v : x) square += v * v;
        float[] unit = new float[x.length];
        for (int i = 0; i < x.length; i++) unit[i] = (float) (x[i] / Math.sqrt(square));
        return unit;
    }
}
