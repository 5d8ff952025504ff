package dev.winnow.weights.packed;

import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.Tensor;
import java.util.Arrays;

/**
 * Which scale an element of a matrix has: one for all, one per row, one per stretch of a row, or one per rectangle.
 *
 * @param values   [rows of the grid, columns]
 * @param columns  of the grid
 * @param rowsEach rows of the matrix that share a row of the grid
 * @param columnOf column of the grid by column of the matrix
 */
record ScaleGrid(float[] values, int columns, int rowsEach, int[] columnOf) {
    /** Where the scales of a row of the matrix begin; the column's place is added. */
    int row(int row) {
        return row / rowsEach * columns;
    }

    /**
     * Stored scales: of one element, or [out], [out, 1], [out, groups], or [ceil(out / height), ceil(in / width)].
     *
     * @param rectangle height and width of the rectangles that share a scale, or null where there are none
     */
    static ScaleGrid of(Tensor scales, int out, int in, int[] rectangle) {
        long[] shape = scales.shape();
        float[] values = scales.toFloats();
        if (values.length == 1) return new ScaleGrid(values, 1, Math.max(1, out), new int[in]);
        if (rectangle != null && Arrays.equals(shape, new long[] {ceil(out, rectangle[0]), ceil(in, rectangle[1])})) {
            return new ScaleGrid(values, ceil(in, rectangle[1]), rectangle[0], stretches(in, rectangle[1]));
        }
        boolean perRow = shape.length > 0 && shape.length <= 2 && shape[0] == out;
        int groups = shape.length == 2 ? scales.dim(1) : 1;
        if (perRow && groups > 0 && in % groups == 0) return new ScaleGrid(values, groups, 1, stretches(in, in / groups));
        throw new CheckpointException("tensor " + scales.name() + " has shape " + Arrays.toString(shape) + ", which is no grid of scales for"
                + " a matrix [" + out + ", " + in + "]: it should be one number, one per row, one per equal stretch of a row"
                + (rectangle == null ? "" : ", or one per rectangle of " + rectangle[0] + " by " + rectangle[1]));
    }

    /** Columns of the grid where each covers so many neighbours. */
    static int[] stretches(int in, int each) {
        int[] columnOf = new int[in];
        for (int c = 0; c < in; c++) columnOf[c] = c / each;
        return columnOf;
    }

    /** The same scales, where a stored list says to which group a column belongs. */
    ScaleGrid grouped(Tensor indices) {
        long[] stored = indices.toLongs();
        if (stored.length != columnOf.length) {
            throw new CheckpointException("tensor " + indices.name() + " has " + stored.length + " entries, but the matrix has "
                    + columnOf.length + " columns");
        }
        int[] of = new int[stored.length];
        for (int c = 0; c < of.length; c++) {
            if (stored[c] < 0 || stored[c] >= columns) {
                throw new CheckpointException("tensor " + indices.name() + " puts column " + c + " into group " + stored[c] + " of "
                        + columns);
            }
            of[c] = (int) stored[c];
        }
        return new ScaleGrid(values, columns, rowsEach, of);
    }

    /** Whether so many neighbours of a row, counted from its start, always share a scale. */
    boolean sharedBy(int neighbours) {
        for (int c = 0; c < columnOf.length; c++) if (columnOf[c] != columnOf[c / neighbours * neighbours]) return false;
        return true;
    }

    /** Whether every scale is a half-precision number. */
    boolean halves() {
        for (float v : values) if (Float.float16ToFloat(Float.floatToFloat16(v)) != v || Float.isInfinite(v)) return false;
        return true;
    }

    private static int ceil(int n, int by) {
        return Math.ceilDiv(n, by);
    }
}
