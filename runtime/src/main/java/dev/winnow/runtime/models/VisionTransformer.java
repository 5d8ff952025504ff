package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Norm;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.Tokens;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.Settings;
import java.util.Optional;

/**
 * A vision transformer by itself: tokens, one vector of them, and perhaps labels.
 *
 * @param family     the configuration's {@code model_type}
 * @param pooler     a tanh layer on the pooled vector, or null
 * @param classifier on the pooled vector, or null
 * @param distilled  DeiT's second classifier, on the distillation token, or null
 * @param hidden     what the classifier has in front of it, or null
 */
public record VisionTransformer(String family, VisionEncoder encoder, Pooling pooling, Pooler pooler, Linear classifier, Linear distilled,
                                Hidden hidden) implements Model {
    /** A model whose classifiers read the pooled vector itself. */
    public VisionTransformer(String family, VisionEncoder encoder, Pooling pooling, Pooler pooler, Linear classifier, Linear distilled) {
        this(family, encoder, pooling, pooler, classifier, distilled, null);
    }

    /** The first half of a classifier that is an MLP: {@code norm(f(linear(x)))} (Yu et al. 2022). */
    public record Hidden(Linear linear, Activation activation, Norm norm) {}

    /** One more layer on the pooled vector. */
    public record Pooler(Linear linear, Activation activation) {}

    @Override
    public ModelShape shape() {
        return new ModelShape(Optional.of(encoder.shape(encoder.layers() - 1)), 0);
    }

    /** A picture as one vector: pooled, and through the pooler where there is one. */
    public float[] embedding(Tokens tokens, Workspace workspace) {
        float[] pooled = pooling.pool(tokens, encoder.finalNorm(), encoder.backend(), workspace);
        return pooler == null ? pooled : apply(pooler.linear(), pooled, pooler.activation(), workspace);
    }

    /** Logits of all labels; of two classifiers the mean. */
    public float[] logits(Tokens tokens, Workspace workspace, Trace trace) {
        float[] pooled = pooling.pool(tokens, encoder.finalNorm(), encoder.backend(), workspace);
        if (hidden != null) {
            pooled = apply(hidden.linear(), pooled, hidden.activation(), workspace);
            encoder.backend().normalise(hidden.norm(), pooled, 1, pooled.length, pooled);
        }
        float[] logits = apply(classifier, pooled, Activation.NONE, workspace);
        if (distilled == null) return logits;
        int width = encoder.width();
        float[] token = new float[width];
        System.arraycopy(tokens.hidden(), tokens.ledger().ofKind(TokenKind.REGISTER)[0] * width, token, 0, width);
        encoder.backend().normalise(encoder.finalNorm(), token, 1, width, token);
        float[] second = apply(distilled, token, Activation.NONE, workspace);
        if (trace != null) {
            trace.item("cls_logits", logits, logits.length);
            trace.item("distillation_logits", second, second.length);
        }
        float[] mean = PatchEmbedding.sum(logits, second);
        for (int i = 0; i < mean.length; i++) mean[i] /= 2;
        return mean;
    }

    private float[] apply(Linear linear, float[] x, Activation f, Workspace workspace) {
        float[] y = new float[linear.out()];
        encoder.backend().linear(linear, x, 1, y, f, workspace.work());
        return y;
    }

    /** A checkpoint's classifier: where its tensors are, or where the configuration says that there is one. */
    static Optional<Linear> classifier(Settings c, WeightScope root, String name, String architecture, int in) {
        boolean classifies = root.has(name + ".weight")
                || c.has("architectures") && c.strings("architectures").contains(architecture);
        return classifies ? Optional.of(root.linear(name, labels(c), in, true)) : Optional.empty();
    }

    private static int labels(Settings c) {
        int labels = c.optionalSection("id2label").map(s -> s.keys().size()).orElse(c.integer("num_labels", 2));
        if (labels < 1) throw new CheckpointException("config: a classifier needs labels, but id2label or num_labels gives " + labels);
        return labels;
    }
}
