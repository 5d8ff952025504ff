package dev.winnow.runtime.images;

/**
 * One image as a vision model takes it.
 *
 * @param values   [channels, height, width], rescaled and normalised
 * @param channels always 3: red, green, blue
 * @param height   rows
 * @param width    columns
 * @param region   the part of the source image that these values cover, for pictures of what happened to which patch
 */
public record Pixels(float[] values, int channels, int height, int width, Region region) {
}
