package dev.winnow.runtime.models;

import dev.winnow.runtime.RequestException;
import dev.winnow.weights.Tensor;

/** Rows of a stored embedding matrix. */
final class EmbeddingTable {
    private EmbeddingTable() {}

    /** Writes the embeddings of ids to rows row, row + 1, ... of target. The table is [vocabulary, width]. */
    static void lookUp(Tensor table, int[] ids, float[] target, int row) {
        for (int i = 0; i < ids.length; i++) lookUp(table, ids[i], target, row + i);
    }

    /** Writes the embedding of one id to a row of target. */
    static void lookUp(Tensor table, int id, float[] target, int row) {
        if (id < 0 || id >= table.dim(0)) {
            throw new RequestException("token id " + id + " is outside the vocabulary of " + table.dim(0));
        }
        int width = table.dim(1);
        table.copyTo((long) id * width, width, target, row * width);
    }

    /** Adds the entries of count positions from first on to rows row, row + 1, ... of target. The table is [context, width]. */
    static void add(Tensor table, int first, int count, float[] target, int row) {
        int width = table.dim(1);
        if (first + count > table.dim(0)) {
            throw new RequestException("position " + (first + count - 1) + " is beyond the model's context of " + table.dim(0));
        }
        float[] learned = table.rows(first, count).toFloats();
        for (int i = 0; i < learned.length; i++) target[row * width + i] += learned[i];
    }
}
