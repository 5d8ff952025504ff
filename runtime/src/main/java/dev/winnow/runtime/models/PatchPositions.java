package dev.winnow.runtime.models;

import dev.winnow.reduction.Grid;

/** What tells the patches of a picture apart by their places. */
sealed interface PatchPositions {
    /** Whether a picture of so many patches can be looked at. */
    boolean fits(Grid grid);

    /**
     * Adds to patches their places.
     *
     * @param seen    the part of the grid, from its top left corner, that is no padding
     * @param patches [grid.cells(), width] from offset on
     */
    void add(Grid grid, Grid seen, float[] patches, int offset, int width);

    /**
     * Nothing is added: attention itself knows places.
     *
     * @param side of the only grid there is, or 0 for any
     */
    record InAttention(int side) implements PatchPositions {
        @Override
        public boolean fits(Grid grid) {
            return side == 0 || grid.height() == side && grid.width() == side;
        }

        @Override
        public void add(Grid grid, Grid seen, float[] patches, int offset, int width) {}
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
        public void add(Grid grid, Grid seen, float[] patches, int offset, int width) {
            float[] places = grid.height() == side && grid.width() == side ? table : other.resample(table, side, grid, width);
            for (int i = 0; i < grid.cells() * width; i++) patches[offset + i] += places[i];
        }
    }

    /**
     * One vector for each place of a square; what is no padding of a picture is spread over all of it, whatever its size, and padding has
     * the first place (Dehghani et al. 2023, arXiv 2307.06304, as Idefics3 does it).
     *
     * @param table [side * side, width]
     */
    record Spread(int side, float[] table) implements PatchPositions {
        @Override
        public boolean fits(Grid grid) {
            return grid.height() <= side && grid.width() <= side;
        }

        @Override
        public void add(Grid grid, Grid seen, float[] patches, int offset, int width) {
            int[] places = places(grid, seen);
            for (int i = 0; i < places.length; i++) {
                for (int c = 0; c < width; c++) patches[offset + i * width + c] += table[places[i] * width + c];
            }
        }

        /** The place of each patch of a grid in the table. */
        int[] places(Grid grid, Grid seen) {
            int[] places = new int[grid.cells()];
            for (int y = 0; y < seen.height(); y++) {
                for (int x = 0; x < seen.width(); x++) {
                    places[y * grid.width() + x] = place(y, seen.height()) * side + place(x, seen.width());
                }
            }
            return places;
        }

        /** Where the i-th of n patches falls; edges are compared as floats, as the model was trained. */
        private int place(int i, int n) {
            float at = (float) (i * (1.0 / n));
            int place = 0;
            while (place < side - 1 && (float) (1.0 / side + place * (1.0 / side)) <= at) place++;
            return place;
        }
    }
}
