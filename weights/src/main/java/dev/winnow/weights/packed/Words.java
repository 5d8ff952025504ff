package dev.winnow.weights.packed;

import dev.winnow.weights.Tensor;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** 32-bit words [rows, columns] with several codes in each, the first in the lowest bits. */
record Words(Tensor stored, int bits) {
    private static final ValueLayout.OfInt WORDS = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Codes in a word. */
    int each() {
        return Integer.SIZE / bits;
    }

    int word(long row, long column) {
        return stored.data().get(WORDS, Integer.BYTES * (row * stored.shape()[1] + column));
    }

    /** Code i of a word. */
    int code(int word, int i) {
        return word >>> i * bits & (1 << bits) - 1;
    }
}
