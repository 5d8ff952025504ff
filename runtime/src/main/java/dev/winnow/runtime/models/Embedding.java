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
        int width = words.dim(1);
        for (int i = row * width; scale != 1 && i < (row + ids.length) * width; i++) target[i] *= scale;
        if (positions != null) EmbeddingTable.add(positions, first, ids.length, target, row);
    }
}
