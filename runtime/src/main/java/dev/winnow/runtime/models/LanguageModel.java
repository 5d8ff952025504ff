package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Backend;
import dev.winnow.layers.KvCache;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Norm;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.StackRunner;
import dev.winnow.weights.Tensor;

/**
 * A decoder: embeddings, blocks, final norm and vocabulary projection. The families that differ in names and layers build one.
 *
 * @param embeddings [vocabulary, width]
 * @param head       [vocabulary, width]; the embeddings themselves in tied models
 * @param context    longest sequence the model was made for
 */
record LanguageModel(Backend backend, Tensor embeddings, StackRunner stack, Norm finalNorm, Linear head, int context) {

    int width() {
        return embeddings.dim(1);
    }

    int vocabulary() {
        return embeddings.dim(0);
    }

    /** Embeddings of ids into rows of target, from row on. */
    void embed(int[] ids, float[] target, int row) {
        long bytes = (long) width() * embeddings.dtype().bytes();
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] < 0 || ids[i] >= vocabulary()) {
                throw new IllegalArgumentException("token id " + ids[i] + " is outside the vocabulary of " + vocabulary());
            }
            Tensor one = new Tensor("embedding", embeddings.dtype(), new long[] {width()}, embeddings.data().asSlice(ids[i] * bytes, bytes));
            System.arraycopy(one.toFloats(), 0, target, (row + i) * width(), width());
        }
    }

    KvCache newCache(int room) {
        return new KvCache(stack.descriptions(), room);
    }

    /** The final norm of rows of hidden states, in a new array. */
    float[] finalNorm(float[] hidden, int firstRow, int rows) {
        float[] normed = new float[rows * width()];
        System.arraycopy(hidden, firstRow * width(), normed, 0, normed.length);
        backend.normalise(finalNorm, normed, rows, width(), normed);
        return normed;
    }

    /** Logits [rows, vocabulary] of normed hidden states. */
    float[] logits(float[] normed, int rows, Workspace workspace) {
        float[] logits = new float[rows * vocabulary()];
        backend.linear(head, normed, rows, logits, Activation.NONE, workspace.work());
        return logits;
    }
}
