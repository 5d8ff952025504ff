package dev.winnow.runtime.images;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;

/**
 * From the bytes of an image file, which are not trusted, to upright RGB pixels. The size that the header states is checked before
 * anything of that size is allocated.
 */
final class ImageDecoder {
    /** Where an extended WebP file says what it contains, and the bit that says there is a colour profile. */
    private static final int WEBP_FLAGS = 20;
    private static final int WEBP_HAS_PROFILE = 0x20;

    static {
        ImageIO.setUseCache(false);
    }

    private ImageDecoder() {
    }

    static RgbImage decode(byte[] bytes, String name) {
        if (bytes.length == 0) throw new ImageException(name + ": is empty");
        ImageFormat format = ImageFormat.of(bytes)
                .orElseThrow(() -> new ImageException(name + ": is not a PNG, JPEG, GIF, BMP or WebP image"));
        try {
            RgbImage image = read(bytes, format, name);
            return Orientation.of(bytes, format).apply(image);
        } catch (IOException | RuntimeException e) {
            // decoders answer damaged files with all kinds of runtime exceptions
            if (e instanceof ImageException ours) throw ours;
            if (e.getCause() instanceof OutOfMemoryError) throw tooLargeForMemory(name, e);
            throw new ImageException(name + ": is damaged or not a supported " + format + " image (" + reason(e) + ")", e);
        } catch (OutOfMemoryError e) {
            throw tooLargeForMemory(name, e);
        }
    }

    /** Running out of memory is an error of this image alone: one large array could not be had, so there is memory to go on. */
    static ImageException tooLargeForMemory(String name, Throwable cause) {
        return new ImageException(name + ": does not fit into the memory that Java may use", cause);
    }

    private static RgbImage read(byte[] bytes, ImageFormat format, String name) throws IOException {
        Iterator<ImageReader> readers = ImageIO.getImageReadersByFormatName(format.imageIoName());
        if (!readers.hasNext()) throw new ImageException(name + ": is a " + format + " image, for which no decoder is installed");
        ImageReader reader = readers.next();
        try (ImageInputStream in = new UntrustedInput(readable(bytes, format))) {
            reader.setInput(in, false, format != ImageFormat.GIF);
            List<String> warnings = new ArrayList<>();
            reader.addIIOReadWarningListener((source, warning) -> warnings.add(warning));
            checkSize(reader.getWidth(0), reader.getHeight(0), name);
            RgbImage image = switch (format) {
                case JPEG -> JpegColours.toRgb(reader.readRaster(0, null), bytes);
                case GIF -> GifFrame.read(reader, name);
                case PNG, BMP, WEBP -> RgbImage.of(reader.read(0));
            };
            if (warnings.stream().anyMatch(ImageDecoder::saysCutShort)) throw new EOFException("cut short");
            return image;
        } finally {
            reader.dispose();
        }
    }

    /** @throws ImageException when an image of this size is refused */
    static void checkSize(int width, int height, String name) {
        if (width < 1 || height < 1) throw new ImageException(name + ": states a size of " + width + " x " + height + " pixels");
        if ((long) width * height > RgbImage.LARGEST_PIXELS) {
            throw new ImageException(String.format(Locale.ROOT,
                    "%s: has %d x %d pixels, which is over the limit of %d million pixels",
                    name, width, height, RgbImage.LARGEST_PIXELS / 1_000_000));
        }
    }

    /** Java fills what a JPEG file lacks with gray and only warns, in the words of one of the two JPEG libraries it uses. */
    private static boolean saysCutShort(String warning) {
        return warning.startsWith("Truncated File") || warning.startsWith("Premature end of JPEG file");
    }

    /** The bytes as the decoder should see them. */
    private static byte[] readable(byte[] bytes, ImageFormat format) throws IOException {
        if (format == ImageFormat.PNG) checkChunks(ByteBuffer.wrap(bytes));
        if (format != ImageFormat.WEBP) return bytes;
        long stated = 8 + (ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getInt(4) & 0xffff_ffffL);
        if (stated > bytes.length) throw new EOFException("cut short: " + bytes.length + " of " + stated + " bytes");
        boolean extended = bytes.length > WEBP_FLAGS && bytes[15] == 'X';
        if (!extended || (bytes[WEBP_FLAGS] & WEBP_HAS_PROFILE) == 0) return bytes;
        byte[] plain = bytes.clone();
        plain[WEBP_FLAGS] &= ~WEBP_HAS_PROFILE; // or else the decoder applies the colour profile
        return plain;
    }

    /** Java's PNG decoder allocates what a chunk says it holds, up to 2 GB, before it looks for the data. */
    private static void checkChunks(ByteBuffer png) throws IOException {
        int at = 8;
        while (at <= png.limit() - 8) {
            long end = at + 8 + (png.getInt(at) & 0xffff_ffffL);
            if (end > png.limit()) throw new EOFException("cut short in a chunk of " + (end - at - 8) + " bytes");
            at = (int) Math.min(end + 4, png.limit()); // a checksum follows
        }
    }

    private static String reason(Exception e) {
        String message = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        return message.strip().replaceAll("\\s+", " ");
    }
}
