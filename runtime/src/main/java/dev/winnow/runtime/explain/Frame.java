package dev.winnow.runtime.explain;

import dev.winnow.reduction.Grid;
import dev.winnow.runtime.images.Region;
import dev.winnow.runtime.images.RgbImage;
import java.awt.Rectangle;

/**
 * Where an image and the model's patches lie in a panel. Patches are whole pixels wide and high, so that lines along their edges
 * are sharp; the aspect of the image is kept up to that rounding.
 *
 * @param grid       the patches
 * @param width      pixels of the panel
 * @param height     pixels of the panel
 * @param left       first column of the first patch
 * @param top        first row of the first patch
 * @param cellWidth  pixels of one patch
 * @param cellHeight pixels of one patch
 * @param region     what the patches cover of the image
 */
record Frame(Grid grid, int width, int height, int left, int top, int cellWidth, int cellHeight, Region region) {
    /** Wanted length of the longer side of all patches together, in pixels. */
    static final int SIDE = 324;
    /** Smallest patch that still shows a colour and an outline. */
    private static final int SMALLEST_CELL = 4;
    /** How much is shown around the patches on each side, as a share of theirs: the rest of a panorama would make them tiny. */
    private static final double SURROUNDINGS = 0.3;

    static Frame of(RgbImage image, Region region, Grid grid) {
        double unit = SIDE / Math.max(region.width(), region.height());
        int cellWidth = cell(unit * region.width() / grid.width(), SMALLEST_CELL);
        int cellHeight = cell(unit * region.height() / grid.height(), SMALLEST_CELL);
        int patchesWide = grid.width() * cellWidth;
        int patchesHigh = grid.height() * cellHeight;
        double scaleX = patchesWide / region.width();
        double scaleY = patchesHigh / region.height();
        int left = surroundings(region.x() * scaleX, patchesWide);
        int top = surroundings(region.y() * scaleY, patchesHigh);
        int right = surroundings((image.width() - region.x() - region.width()) * scaleX, patchesWide);
        int bottom = surroundings((image.height() - region.y() - region.height()) * scaleY, patchesHigh);
        return new Frame(grid, left + patchesWide + right, top + patchesHigh + bottom, left, top, cellWidth, cellHeight, region);
    }

    /** The patches alone, at most so many pixels on the longer side, and never more than the image has. */
    static Frame patches(Region region, Grid grid, int longest) {
        double unit = Math.min(1, longest / Math.max(region.width(), region.height()));
        int cellWidth = cell(unit * region.width() / grid.width(), 1);
        int cellHeight = cell(unit * region.height() / grid.height(), 1);
        return new Frame(grid, grid.width() * cellWidth, grid.height() * cellHeight, 0, 0, cellWidth, cellHeight, region);
    }

    private static int cell(double wanted, int smallest) {
        return Math.max(smallest, (int) Math.round(wanted));
    }

    private static int surroundings(double pixels, int patches) {
        return (int) Math.round(Math.clamp(pixels, 0, SURROUNDINGS * patches));
    }

    /** Source columns per pixel of the panel. */
    double stepX() {
        return region.width() / patches().width;
    }

    /** Source rows per pixel of the panel. */
    double stepY() {
        return region.height() / patches().height;
    }

    /** Column of the source at the panel's left edge. */
    double sourceX() {
        return region.x() - left * stepX();
    }

    /** Row of the source at the panel's top edge. */
    double sourceY() {
        return region.y() - top * stepY();
    }

    /** All patches together. */
    Rectangle patches() {
        return new Rectangle(left, top, grid.width() * cellWidth, grid.height() * cellHeight);
    }

    /** One patch, by its row-major number. */
    Rectangle patch(int number) {
        return new Rectangle(left + grid.column(number) * cellWidth, top + grid.row(number) * cellHeight, cellWidth, cellHeight);
    }

    /** The number of the patch at a pixel, or -1 outside all of them. */
    int patchAt(int x, int y) {
        if (!patches().contains(x, y)) return -1;
        return (y - top) / cellHeight * grid.width() + (x - left) / cellWidth;
    }
}
