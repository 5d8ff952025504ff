package dev.winnow.runtime.images;

import java.util.List;

/**
 * A picture as a vision-language model takes it: one or several pieces of equal treatment.
 *
 * @param tiles   the pieces; where there are several, one of them is the whole picture made small
 * @param rows    of pieces, without the whole picture; 0 where it is not cut
 * @param columns of pieces
 * @param height  of the source picture in pixels
 * @param width   of the source picture in pixels
 * @param wholeTile which piece is the whole picture
 */
public record TiledImage(List<Pixels> tiles, int rows, int columns, int height, int width, int wholeTile) {
    /** The picture as a whole. */
    public Pixels whole() {
        return tiles.get(wholeTile);
    }
}
