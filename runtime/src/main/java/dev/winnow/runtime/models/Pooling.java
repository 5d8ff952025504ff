package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Backend;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.Norm;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.Tokens;

/** How the tokens that a tower puts out become one vector. */
public sealed interface Pooling {
    /**
     * The vector.
     *
     * @param finalNorm the tower's norm after the last block
     */
    float[] pool(Tokens tokens, Norm finalNorm, Backend backend, Workspace workspace);

    /** The class token after the final norm: [width]. */
    record ClassToken() implements Pooling {
        @Override
        public float[] pool(Tokens tokens, Norm finalNorm, Backend backend, Workspace workspace) {
            return normed(tokens, 1, finalNorm, backend);
        }
    }

    /**
     * The norm of the mean of all patches, without a norm in front (BEiT); a merged patch counts as many as it stands for.
     *
     * @param norm or null for none
     */
    record Mean(Norm norm) implements Pooling {
        @Override
        public float[] pool(Tokens tokens, Norm finalNorm, Backend backend, Workspace workspace) {
            float[] mean = new float[tokens.width()];
            addMean(tokens.ledger(), tokens.hidden(), tokens.width(), mean, 0);
            if (norm != null) backend.normalise(norm, mean, 1, mean.length, mean);
            return mean;
        }
    }

    /** The mean of all patches after a norm of all of them at once (PoolFormer). */
    record WholeNormMean(GridNorm.Whole norm) implements Pooling {
        @Override
        public float[] pool(Tokens tokens, Norm finalNorm, Backend backend, Workspace workspace) {
            float[] normed = new float[tokens.count() * tokens.width()];
            norm.apply(backend, tokens.hidden(), tokens.count(), normed);
            float[] mean = new float[tokens.width()];
            addMean(tokens.ledger(), normed, tokens.width(), mean, 0);
            return mean;
        }
    }

    /** The class token beside the mean of all patches, both after the final norm (DINOv2): [2 width]. */
    record ClassAndMean() implements Pooling {
        @Override
        public float[] pool(Tokens tokens, Norm finalNorm, Backend backend, Workspace workspace) {
            int width = tokens.width();
            float[] normed = normed(tokens, tokens.count(), finalNorm, backend);
            float[] both = new float[2 * width];
            System.arraycopy(normed, 0, both, 0, width);
            addMean(tokens.ledger(), normed, width, both, width);
            return both;
        }
    }

    /**
     * A learned query looks at all tokens after the final norm, and an MLP follows (Zhai et al. 2022): [width]. What was merged weighs as
     * many tokens as it stands for.
     *
     * @param probe  [width]
     * @param output after the heads
     */
    record Attentive(float[] probe, Linear query, Linear key, Linear value, Linear output, int heads, Norm norm, Mlp.Plain mlp)
            implements Pooling {
        @Override
        public float[] pool(Tokens tokens, Norm finalNorm, Backend backend, Workspace workspace) {
            int n = tokens.count();
            int width = tokens.width();
            float[] normed = normed(tokens, n, finalNorm, backend);
            float[] q = new float[width];
            float[] k = new float[n * width];
            float[] v = new float[n * width];
            backend.linear(query, probe, 1, q, Activation.NONE, workspace.work());
            backend.linear(key, normed, n, k, Activation.NONE, workspace.work());
            backend.linear(value, normed, n, v, Activation.NONE, workspace.work());
            float[] gathered = new float[width];
            for (int h = 0; h < heads; h++) look(h, q, k, v, tokens.ledger(), gathered);
            workspace.work().attention(n, heads, width / heads);

            float[] pooled = new float[width];
            backend.linear(output, gathered, 1, pooled, Activation.NONE, workspace.work());
            float[] inner = new float[mlp.up().out()];
            float[] added = new float[width];
            backend.normalise(norm, pooled, 1, width, added);
            backend.linear(mlp.up(), added, 1, inner, mlp.activation(), workspace.work());
            backend.linear(mlp.down(), inner, 1, added, Activation.NONE, workspace.work());
            return PatchEmbedding.sum(pooled, added);
        }

        private void look(int head, float[] q, float[] k, float[] v, TokenLedger ledger, float[] gathered) {
            int width = q.length;
            int dim = width / heads;
            int from = head * dim;
            double[] logits = new double[ledger.count()];
            double highest = Double.NEGATIVE_INFINITY;
            for (int i = 0; i < logits.length; i++) {
                for (int c = from; c < from + dim; c++) logits[i] += q[c] * k[i * width + c];
                logits[i] = logits[i] / Math.sqrt(dim) + Math.log(ledger.size(i));
                highest = Math.max(highest, logits[i]);
            }
            double sum = 0;
            for (int i = 0; i < logits.length; i++) sum += logits[i] = Math.exp(logits[i] - highest);
            for (int i = 0; i < logits.length; i++) {
                for (int c = from; c < from + dim; c++) gathered[c] += (float) (logits[i] / sum) * v[i * width + c];
            }
        }
    }

    /** The first tokens after the final norm: [count, width]. */
    private static float[] normed(Tokens tokens, int count, Norm finalNorm, Backend backend) {
        float[] normed = new float[count * tokens.width()];
        backend.normalise(finalNorm, tokens.hidden(), count, tokens.width(), normed);
        return normed;
    }

    /** Adds the mean of the patches to what is in target from a place on. */
    private static void addMean(TokenLedger ledger, float[] values, int width, float[] target, int at) {
        int[] patches = ledger.ofKind(TokenKind.VISUAL);
        float all = 0;
        for (int i : patches) all += ledger.size(i);
        for (int i : patches) {
            for (int c = 0; c < width; c++) target[at + c] += values[i * width + c] * ledger.size(i);
        }
        for (int c = 0; c < width; c++) target[at + c] /= all;
    }
}
