package dev.winnow.runtime.models;

import dev.winnow.runtime.RequestException;
import dev.winnow.weights.Tensor;

/** Rows of a stored embedding matrix. */
final class EmbeddingTable {
    private EmbeddingTable() {}

    /** Writes the embeddings of ids to rows row, row + 1, ... of target. The table is [vocabulary, width]. */
    static void lookUp(Tensor table, int[] ids, float[] target, int row) {
        int width = table.dim(1);
        long bytes = table.dtype().bytes(width);
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] < 0 || ids[i] >= table.dim(0)) {
                throw new RequestException("token id " + ids[i] + " is outside the vocabulary of " + table.dim(0));
            }
            Tensor one = new Tensor(table.name(), table.dtype(), new long[] {width}, table.data().asSlice(ids[i] * bytes, bytes));
            System.arraycopy(one.toFloats(), 0, target, (row + i) * width, width);
        }
    }
}
