package dev.winnow.runtime.images;

import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.ComponentColorModel;
import java.awt.image.DirectColorModel;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;

/**
 * RGB bytes from Java images, with the results of Pillow's {@code convert("RGB")}. Samples are taken as they are stored: Java's own
 * conversions apply colour profiles and a gray gamma, which Pillow does not.
 */
final class RgbSamples {
    private RgbSamples() {
    }

    /** Interleaved RGB, row after row. */
    static byte[] of(BufferedImage image) {
        ColorModel colours = image.getColorModel();
        if (colours instanceof IndexColorModel palette) return ofIndices(image.getRaster(), palette);
        return isPlain(colours) ? ofSamples(image.getRaster(), colours) : converted(image);
    }

    private static boolean isPlain(ColorModel colours) {
        int space = colours.getColorSpace().getType();
        return (colours instanceof ComponentColorModel || colours instanceof DirectColorModel)
                && (space == ColorSpace.TYPE_GRAY || space == ColorSpace.TYPE_RGB)
                && !colours.isAlphaPremultiplied()
                && colours.getComponentSize(0) <= 16;
    }

    private static byte[] ofIndices(Raster raster, IndexColorModel palette) {
        int width = raster.getWidth();
        int[] colours = new int[palette.getMapSize()];
        palette.getRGBs(colours);
        byte[] rgb = new byte[3 * width * raster.getHeight()];
        int[] row = new int[width];
        int at = 0;
        for (int y = 0; y < raster.getHeight(); y++) {
            raster.getSamples(raster.getMinX(), raster.getMinY() + y, width, 1, 0, row);
            for (int index : row) {
                int colour = index < colours.length ? colours[index] : 0;
                rgb[at++] = (byte) (colour >> 16);
                rgb[at++] = (byte) (colour >> 8);
                rgb[at++] = (byte) colour;
            }
        }
        return rgb;
    }

    /** Gray, gray with alpha, RGB or RGB with alpha; the alpha is dropped. */
    private static byte[] ofSamples(Raster raster, ColorModel colours) {
        int width = raster.getWidth();
        int bands = raster.getNumBands();
        int green = bands >= 3 ? 1 : 0;
        int blue = bands >= 3 ? 2 : 0;
        byte[][] tables = {toBytes(colours, 0, bands), toBytes(colours, green, bands), toBytes(colours, blue, bands)};
        byte[] rgb = new byte[3 * width * raster.getHeight()];
        int[] row = new int[bands * width];
        int at = 0;
        for (int y = 0; y < raster.getHeight(); y++) {
            raster.getPixels(raster.getMinX(), raster.getMinY() + y, width, 1, row);
            for (int x = 0; x < row.length; x += bands) {
                rgb[at++] = tables[0][row[x]];
                rgb[at++] = tables[1][row[x + green]];
                rgb[at++] = tables[2][row[x + blue]];
            }
        }
        return rgb;
    }

    /** The byte for every sample value of a band. */
    private static byte[] toBytes(ColorModel colours, int band, int bands) {
        int bits = colours.getComponentSize(band);
        byte[] bytes = new byte[1 << bits];
        for (int sample = 0; sample < bytes.length; sample++) {
            // Pillow reads 16-bit gray alone as integers, which it then clips
            if (bits == 16 && bands == 1) bytes[sample] = (byte) Math.min(sample, 255);
            else if (bits >= 8) bytes[sample] = (byte) (sample >> bits - 8);
            else bytes[sample] = (byte) (sample * 255 / (bytes.length - 1));
        }
        return bytes;
    }

    private static byte[] converted(BufferedImage image) {
        int width = image.getWidth();
        byte[] rgb = new byte[3 * width * image.getHeight()];
        int[] row = new int[width];
        int at = 0;
        for (int y = 0; y < image.getHeight(); y++) {
            image.getRGB(0, y, width, 1, row, 0, width);
            for (int colour : row) {
                rgb[at++] = (byte) (colour >> 16);
                rgb[at++] = (byte) (colour >> 8);
                rgb[at++] = (byte) colour;
            }
        }
        return rgb;
    }
}
