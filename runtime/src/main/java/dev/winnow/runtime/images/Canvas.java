package dev.winnow.runtime.images;

/** Cutting images to a size and putting them on a background, which is the same operation with other numbers. */
final class Canvas {
    private Canvas() {
    }

    /**
     * A canvas of {@code width} x {@code height} pixels in one colour (0xRRGGBB) with the image's top left corner at
     * ({@code left}, {@code top}); what lies outside the canvas is cut off.
     */
    static RgbImage place(RgbImage image, int width, int height, int left, int top, int colour) {
        if (left == 0 && top == 0 && width == image.width() && height == image.height()) return image;
        byte[] out = new byte[3 * width * height];
        if (colour != 0) {
            for (int i = 0; i < out.length; i += 3) {
                out[i] = (byte) (colour >> 16);
                out[i + 1] = (byte) (colour >> 8);
                out[i + 2] = (byte) colour;
            }
        }
        int firstX = Math.max(left, 0);
        int columns = Math.min(left + image.width(), width) - firstX;
        if (columns <= 0) return new RgbImage(width, height, out);
        for (int y = Math.max(top, 0); y < Math.min(top + image.height(), height); y++) {
            int from = (y - top) * image.width() + firstX - left;
            System.arraycopy(image.rgb(), 3 * from, out, 3 * (y * width + firstX), 3 * columns);
        }
        return new RgbImage(width, height, out);
    }
}
