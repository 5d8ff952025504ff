package dev.winnow.runtime.models;

import dev.winnow.reduction.Grid;

/** What tells the patches of a picture apart by their places. */
sealed interface PatchPositions {
    /** Whether a picture of so many patches can be looked at. */
    boolean fits(Grid grid);

    /**
     * Adds to patches their places.
     *
     * @param patches [grid.cells(), width] from offset on
     */
    void add(Grid grid, float[] patches, int offset, int width);

    /** Nothing is added: attention itself knows places. */
    record InAttention(int side) implements PatchPositions {
        @Override
        public boolean fits(Grid grid) {
            return grid.height() == side && grid.width() == side;
        }

        @Override
        public void add(Grid grid, float[] patches, int offset, int width) {}
    }

    /**
     * One vector for each place of a square.
     *
     * @param table [side * side, width]
     * @param other how vectors for other numbers of patches come from these, or null where there is no way
     */
    record Learned(int side, float[] table, Bicubic other) implements PatchPositions {
        @Override
        public boolean fits(Grid grid) {
            return other != null || grid.height() == side && grid.width() == side;
        }

        @Override
        public void add(Grid grid, float[] patches, int offset, int width) {
            float[] places = grid.height() == side && grid.width() == side ? table : other.resample(table, side, grid, width);
            for (int i = 0; i < grid.cells() * width; i++) patches[offset + i] += places[i];
        }
    }
}
