package dev.winnow.runtime.images;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Objects;
import javax.imageio.ImageIO;

/**
 * A picture of 8 bits a channel.
 *
 * @param width  columns
 * @param height rows
 * @param rgb    red, green and blue of each pixel, row after row from the top: {@code 3 * width * height} bytes, not copied
 */
public record RgbImage(int width, int height, byte[] rgb) {
    /** Images with more pixels than this are refused. */
    public static final long LARGEST_PIXELS = 100_000_000;
    /** Files with more bytes than this are refused. */
    static final int LARGEST_FILE = 512 << 20;

    public RgbImage {
        Objects.requireNonNull(rgb, "rgb");
        if (width < 1 || height < 1 || 3L * width * height != rgb.length) {
            throw new IllegalArgumentException(rgb.length + " bytes do not hold " + width + " x " + height + " RGB pixels");
        }
    }

    /**
     * Reads a PNG, JPEG, GIF (its first frame), BMP or WebP file, turned upright as its EXIF orientation says. The colours are those
     * of Pillow's {@code convert("RGB")}: gray is repeated, palettes are looked up, transparency is dropped without blending, colour
     * profiles are ignored, 16-bit colour keeps its high bytes, and 16-bit gray saturates at 255.
     *
     * @throws ImageException when the file is missing, damaged, cut short, in another format or too large
     */
    public static RgbImage read(Path file) {
        if (Files.isDirectory(file)) throw new ImageException(file + ": is a directory, not an image");
        byte[] bytes;
        try (InputStream in = Files.newInputStream(file)) {
            bytes = in.readNBytes(LARGEST_FILE + 1);
        } catch (NoSuchFileException e) {
            throw new ImageException(file + ": no such image file", e);
        } catch (IOException e) {
            throw new ImageException(file + ": cannot be read (" + e + ")", e);
        } catch (OutOfMemoryError e) {
            throw ImageDecoder.tooLargeForMemory(file.toString(), e);
        }
        if (bytes.length > LARGEST_FILE) throw new ImageException(file + ": over the limit of " + LARGEST_FILE + " bytes");
        return decode(bytes, file.toString());
    }

    /** As {@link #read}, from the contents of a file; messages call it {@code name}. */
    public static RgbImage decode(byte[] bytes, String name) {
        return ImageDecoder.decode(bytes, name);
    }

    /** The pixels of any Java image, converted as {@link #read} says. */
    public static RgbImage of(BufferedImage image) {
        return new RgbImage(image.getWidth(), image.getHeight(), RgbSamples.of(image));
    }

    /** A copy as {@link BufferedImage#TYPE_INT_RGB}. */
    public BufferedImage toBufferedImage() {
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        int[] row = new int[width];
        int at = 0;
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                row[x] = (rgb[at++] & 255) << 16 | (rgb[at++] & 255) << 8 | rgb[at++] & 255;
            }
            image.getRaster().setDataElements(0, y, width, 1, row);
        }
        return image;
    }

    /**
     * Writes a PNG file, which appears whole or not at all.
     *
     * @throws ImageException when it cannot be written
     */
    public void writePng(Path file) {
        Path temporary = null;
        try {
            temporary = Files.createTempFile(file.toAbsolutePath().getParent(), ".image", ".png");
            if (!ImageIO.write(toBufferedImage(), "png", temporary.toFile())) throw new IOException("no PNG writer");
            try {
                Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
            } catch (AtomicMoveNotSupportedException e) {
                Files.move(temporary, file, StandardCopyOption.REPLACE_EXISTING);
            }
        } catch (IOException e) {
            deleteQuietly(temporary);
            throw new ImageException(file + ": cannot be written (" + e + ")", e);
        }
    }

    private static void deleteQuietly(Path file) {
        if (file == null) return;
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            // the failure that led here is the one to report
        }
    }
}
