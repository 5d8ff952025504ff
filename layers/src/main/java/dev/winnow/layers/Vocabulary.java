package dev.winnow.layers;

import dev.winnow.weights.Tensor;

/**
 * What is around the layers of a decoder: from an id to the states that enter the first layer, and from those that leave the last one
 * to a number for each id. Data only; a {@link Backend} compiles it.
 *
 * @param words      [vocabulary, width], or null where states are more than a row of a table times a factor
 * @param scale      factor on the words
 * @param norm       behind the last layer
 * @param head       [vocabulary, width]
 * @param activation of what the head makes; it does not fall
 */
public record Vocabulary(Tensor words, float scale, Norm norm, Linear head, Activation activation) {}
