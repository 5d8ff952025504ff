package dev.winnow.runtime.models;

import dev.winnow.weights.Tensor;

/**
 * How ids become the input of the first layer.
 *
 * @param words     [vocabulary, width]
 * @param positions [context, width], learned and added to the words (Radford et al. 2019), or null
 * @param scale     factor on the words
 */
public record Embedding(Tensor words, Tensor positions, float scale) {
    /**
     * Embeds ids into rows row, row + 1, ... of target.
     *
     * @param first position of the first id; the others follow it
     */
    void lookUp(int[] ids, int first, float[] target, int row) {
        EmbeddingTable.lookUp(words, ids, target, row);
        finish(first, ids.length, target, row);
    }

    /** Embeds one id into a row of target. */
    void lookUp(int id, int position, float[] target, int row) {
        EmbeddingTable.lookUp(words, id, target, row);
        finish(position, 1, target, row);
    }

    private void finish(int first, int count, float[] target, int row) {
        int width = words.dim(1);
        for (int i = row * width; scale != 1 && i < (row + count) * width; i++) target[i] *= scale;
        if (positions != null) EmbeddingTable.add(positions, first, count, target, row);
    }
}
