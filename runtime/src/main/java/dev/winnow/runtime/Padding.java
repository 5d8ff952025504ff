package dev.winnow.runtime;

import java.util.stream.IntStream;

/**
 * Where the tokens of one sequence lie in its row of a padded batch.
 *
 * @param places ascending
 * @param length of the row
 */
record Padding(int[] places, int length) {
    /** @param mask of the row, not 0 at tokens; null where all of it is tokens */
    static Padding of(int[] mask, int length) {
        return new Padding(IntStream.range(0, length).filter(i -> mask == null || mask[i] != 0).toArray(), length);
    }

    /** The tokens of a row alone. */
    int[] tokens(int[] row) {
        return IntStream.of(places).map(i -> row[i]).toArray();
    }

    /**
     * Values [tokens, width] in the places of the tokens; those of padding are zero, since what a model computes there means nothing.
     * Values of fewer tokens, which a reduction leaves, have no such places and stay as they are.
     */
    float[] spread(float[] values, int width) {
        if (places.length == length || values.length != places.length * width) return values;
        float[] row = new float[length * width];
        for (int i = 0; i < places.length; i++) System.arraycopy(values, i * width, row, places[i] * width, width);
        return row;
    }
}
