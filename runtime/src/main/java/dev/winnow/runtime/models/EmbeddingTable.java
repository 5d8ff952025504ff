package dev.winnow.runtime.models;

import dev.winnow.runtime.RequestException;
import dev.winnow.weights.Tensor;

/** Rows of a stored embedding matrix. */
final class EmbeddingTable {
    private EmbeddingTable() {}

    /** Writes the embeddings of ids to rows row, row + 1, ... of target. The table is [vocabulary, width]. */
    static void lookUp(Tensor table, int[] ids, float[] target, int row) {
        int width = table.dim(1);
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] < 0 || ids[i] >= table.dim(0)) {
                throw new RequestException("token id " + ids[i] + " is outside the vocabulary of " + table.dim(0));
            }
            System.arraycopy(table.rows(ids[i], 1).toFloats(), 0, target, (row + i) * width, width);
        }
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
