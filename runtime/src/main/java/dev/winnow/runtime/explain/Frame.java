package dev.winnow.runtime.explain;

import dev.winnow.runtime.images.Region;
import dev.winnow.runtime.images.RgbImage;
import java.awt.Rectangle;

/**
 * Where an image and the model's patches lie in a panel. Patches are whole pixels wide and high, so that lines along their edges
 * are sharp; the aspect of the image is kept up to that rounding.
 *
 * @param grid       patches per side
 * @param width      pixels of the panel
 * @param height     pixels of the panel
 * @param left       first column of the first patch
 * @param top        first row of the first patch
 * @param cellWidth  pixels of one patch
 * @param cellHeight pixels of one patch
 * @param region     what the patches cover of the image
 */
record Frame(int grid, int width, int height, int left, int top, int cellWidth, int cellHeight, Region region) {
    /** Wanted length of the longer side of all patches together, in pixels. */
    static final int SIDE = 324;
    /** Smallest patch that still shows a colour and an outline. */
    private static final int SMALLEST_CELL = 4;
    /** How much is shown around the patches on each side, as a share of theirs: the rest of a panorama would make them tiny. */
    private static final double SURROUNDINGS = 0.3;

    static Frame of(RgbImage image, Region region, int grid) {
        double unit = SIDE / Math.max(region.width(), region.height()) / grid;
        int cellWidth = cell(unit * region.width());
        int cellHeight = cell(unit * region.height());
        int patchesWide = grid * cellWidth;
        int patchesHigh = grid * cellHeight;
        double scaleX = patchesWide / region.width();
        double scaleY = patchesHigh / region.height();
        int left = surroundings(region.x() * scaleX, patchesWide);
        int top = surroundings(region.y() * scaleY, patchesHigh);
        int right = surroundings((image.width() - region.x() - region.width()) * scaleX, patchesWide);
        int bottom = surroundings((image.height() - region.y() - region.height()) * scaleY, patchesHigh);
        return new Frame(grid, left + patchesWide + right, top + patchesHigh + bottom, left, top, cellWidth, cellHeight, region);
    }

    private static int cell(double wanted) {
        return Math.max(SMALLEST_CELL, (int) Math.round(wanted));
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
        return new Rectangle(left, top, grid * cellWidth, grid * cellHeight);
    }

    /** One patch, by its row-major number. */
    Rectangle patch(int number) {
        return new Rectangle(left + number % grid * cellWidth, top + number / grid * cellHeight, cellWidth, cellHeight);
    }

    /** The number of the patch at a pixel, or -1 outside all of them. */
    int patchAt(int x, int y) {
        if (!patches().contains(x, y)) return -1;
        return (y - top) / cellHeight * grid + (x - left) / cellWidth;
    }
}
