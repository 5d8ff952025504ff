package dev.winnow.runtime.models;

import dev.winnow.weights.DType;

/**
 * How the matrices of a model are held for computing. On the processor, products of up to four rows, decoding's, with matrices of 4 bits
 * round the rows too, to bytes with a scale for each block of 32; no other products do.
 */
public enum Quantization {
    /** As stored. */
    NONE(null),
    /** All in blocks of 8 bits ({@link DType#Q8_0}): 1.06 bytes per weight. */
    Q8(DType.Q8_0),
    /**
     * The layers of the language model in blocks of 4 bits ({@link DType#Q4_0}), 0.56 bytes per weight; what is more sensitive to
     * rounding, the vocabulary's projection and all of vision, in blocks of 8.
     */
    Q4(DType.Q4_0);

    private final DType blocks;

    Quantization(DType blocks) {
        this.blocks = blocks;
    }

    /** The block format, or null for none. */
    DType blocks() {
        return blocks;
    }
}
