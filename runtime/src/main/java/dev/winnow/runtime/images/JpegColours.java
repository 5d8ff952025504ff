package dev.winnow.runtime.images;

import java.awt.image.DataBufferByte;
import java.awt.image.Raster;
import java.io.IOException;

/**
 * The colours of a JPEG image from its samples as they are stored. Java's decoder gives up on CMYK and applies embedded colour
 * profiles; this follows the rules and the arithmetic of the JPEG library that Pillow uses, and Pillow's way with CMYK.
 */
final class JpegColours {
    private static final int START_OF_SCAN = 0xda;
    private static final int END_OF_IMAGE = 0xd9;
    private static final int APP0 = 0xe0;
    private static final int APP14 = 0xee;
    private static final int HALF = 1 << 15;

    private boolean jfif;
    /** The colour transform that an Adobe marker states: 0 none, 1 YCbCr, 2 YCCK; -1 when there is no such marker. */
    private int adobe = -1;
    private boolean namedRgb;

    private JpegColours(byte[] file) {
        int at = 2;
        while (at + 4 <= file.length) {
            int marker = file[at + 1] & 255;
            if (file[at] != (byte) 0xff || marker == 0xff) {
                at++;
                continue;
            }
            if (marker == START_OF_SCAN || marker == END_OF_IMAGE) return;
            if (marker <= 1 || marker >= 0xd0 && marker <= 0xd8) { // these stand alone
                at += 2;
                continue;
            }
            int length = (file[at + 2] & 255) << 8 | file[at + 3] & 255;
            if (at + 2 + length > file.length) return;
            segment(marker, file, at + 4, length - 2);
            at += 2 + Math.max(length, 2);
        }
    }

    private void segment(int marker, byte[] file, int at, int length) {
        if (marker == APP0 && length >= 5 && is(file, at, 'J', 'F', 'I', 'F', 0)) jfif = true;
        if (marker == APP14 && length >= 12 && is(file, at, 'A', 'd', 'o', 'b', 'e')) adobe = file[at + 11] & 255;
        boolean frame = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
        if (frame && length >= 15) namedRgb = file[at + 6] == 'R' && file[at + 9] == 'G' && file[at + 12] == 'B';
    }

    private static boolean is(byte[] file, int at, int... expected) {
        for (int i = 0; i < expected.length; i++) if (file[at + i] != expected[i]) return false;
        return true;
    }

    /**
     * The RGB image of a JPEG file.
     *
     * @param stored its samples, without any conversion
     * @param file   all bytes, for the markers that say what the samples are
     */
    static RgbImage toRgb(Raster stored, byte[] file) throws IOException {
        if (!(stored.getDataBuffer() instanceof DataBufferByte buffer)) throw new IOException("samples are not bytes");
        byte[] samples = buffer.getData();
        int pixels = stored.getWidth() * stored.getHeight();
        int bands = stored.getNumBands();
        if (samples.length != (long) bands * pixels) throw new IOException("samples are not interleaved");
        JpegColours colours = new JpegColours(file);
        byte[] rgb = switch (bands) {
            case 1 -> repeated(samples);
            case 3 -> colours.isRgb() ? samples : fromLuma(samples, 3);
            case 4 -> colours.isYcck() ? fromInks(fromLuma(samples, 4), 0) : fromInks(samples, 255);
            default -> throw new IOException(bands + " components");
        };
        return new RgbImage(stored.getWidth(), stored.getHeight(), rgb);
    }

    private boolean isRgb() {
        return !jfif && (adobe >= 0 ? adobe == 0 : namedRgb);
    }

    private boolean isYcck() {
        return adobe > 0;
    }

    private static byte[] repeated(byte[] gray) {
        byte[] rgb = new byte[3 * gray.length];
        for (int i = 0; i < rgb.length; i++) rgb[i] = gray[i / 3];
        return rgb;
    }

    /** Turns luma and two chroma samples of every pixel into red, green and blue, in place, in 16-bit fixed point. */
    private static byte[] fromLuma(byte[] samples, int stride) {
        for (int i = 0; i < samples.length; i += stride) {
            int luma = samples[i] & 255;
            int blueness = (samples[i + 1] & 255) - 128;
            int redness = (samples[i + 2] & 255) - 128;
            samples[i] = clip(luma + (91881 * redness + HALF >> 16));
            samples[i + 1] = clip(luma + (-22554 * blueness - 46802 * redness + HALF >> 16));
            samples[i + 2] = clip(luma + (116130 * blueness + HALF >> 16));
        }
        return samples;
    }

    /**
     * From cyan, magenta, yellow and black. As Adobe stores them, 255 is no ink at all; YCCK decodes to the opposite for the first
     * three. {@code noInk} is the value that stands for none of those.
     */
    private static byte[] fromInks(byte[] samples, int noInk) {
        byte[] rgb = new byte[samples.length / 4 * 3];
        for (int from = 0, to = 0; from < samples.length; from += 4) {
            int light = samples[from + 3] & 255;
            for (int i = 0; i < 3; i++) {
                int product = Math.abs(noInk - (samples[from + i] & 255)) * light + 128;
                rgb[to++] = clip(light - ((product >> 8) + product >> 8));
            }
        }
        return rgb;
    }

    private static byte clip(int value) {
        return (byte) Math.clamp(value, 0, 255);
    }
}
