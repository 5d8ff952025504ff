package dev.winnow.runtime.images;

/**
 * A rectangle of a source image, in pixels of that image with the origin at its top left corner. It may reach beyond the image
 * where the image was padded.
 */
public record Region(double x, double y, double width, double height) {
}
