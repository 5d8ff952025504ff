package dev.winnow.weights.packed;

import java.util.Optional;

/** A way in which matrices are stored. */
interface Layout {
    /** Whether the parts make a matrix of this layout. */
    boolean packs(Parts parts);

    /**
     * Reads a matrix of this layout.
     *
     * @param out rows that the model asks for
     * @param in  columns that it asks for
     */
    PackedMatrix read(Parts parts, int out, int in);

    /** The size of a group as a phrase. */
    static String groups(ScaleGrid scales, int in, Optional<?> order) {
        String size = scales.columns() == 1 ? "a scale per row" : "groups of " + in / scales.columns();
        return order.isPresent() && !scales.sharedBy(Math.max(1, in / scales.columns())) ? size + ", reordered" : size;
    }
}
