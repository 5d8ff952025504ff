package dev.winnow.runtime.images;

import java.io.ByteArrayInputStream;
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
import javax.imageio.stream.MemoryCacheImageInputStream;

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
            return Orientation.of(bytes, format).apply(read(bytes, format, name));
        } catch (IOException | RuntimeException e) {
            // decoders answer damaged files with all kinds of runtime exceptions
            if (e instanceof ImageException ours) throw ours;
            throw new ImageException(name + ": is damaged or not a supported " + format + " image (" + reason(e) + ")", e);
        } catch (OutOfMemoryError e) {
            // it is one large array that could not be had, so there is memory to go on
            throw new ImageException(name + ": does not fit into the memory that Java may use", e);
        }
    }

    private static RgbImage read(byte[] bytes, ImageFormat format, String name) throws IOException {
        Iterator<ImageReader> readers = ImageIO.getImageReadersByFormatName(format.imageIoName());
        if (!readers.hasNext()) throw new ImageException(name + ": is a " + format + " image, for which no decoder is installed");
        ImageReader reader = readers.next();
        // a stream of our own keeps ImageIO's service lookup, and its temporary files, out of the way
        try (ImageInputStream in = new MemoryCacheImageInputStream(new ByteArrayInputStream(readable(bytes, format)))) {
            reader.setInput(in, false, format != ImageFormat.GIF);
            List<String> warnings = new ArrayList<>();
            reader.addIIOReadWarningListener((source, warning) -> warnings.add(warning));
            checkSize(reader.getWidth(0), reader.getHeight(0), name);
            RgbImage image = switch (format) {
                case JPEG -> JpegColours.toRgb(reader.readRaster(0, null), bytes);
                case GIF -> GifFrame.read(reader, name);
                case PNG, BMP, WEBP -> RgbImage.of(reader.read(0));
            };
            return image;
        } finally {
            reader.dispose();
        }
    }

    /** @throws ImageException when an image of this size is refused */
    static void checkSize(int width, int height, String name) {
        if (width < 1 || height < 1) throw new ImageException(name + ": states a size of " + width + " x " + height + " pixels");
        if ((long) width * height > RgbImage.LARGEST_PIXELS) {
            throw new ImageException(String.format(Locale.ROOT, "%s: has %d x %d pixels, which is over the limit of %d million pixels",
                    name, width, height, RgbImage.LARGEST_PIXELS / 1_000_000));
        }
    }

    /** The bytes as the decoder should see them. */
    private static byte[] readable(byte[] bytes, ImageFormat format) throws IOException {
        if (format != ImageFormat.WEBP) return bytes;
        long stated = 8 + (ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getInt(4) & 0xffff_ffffL);
        if (stated > bytes.length) throw new EOFException("cut short: " + bytes.length + " of " + stated + " bytes");
        boolean extended = bytes.length > WEBP_FLAGS && bytes[15] == 'X';
        if (!extended || (bytes[WEBP_FLAGS] & WEBP_HAS_PROFILE) == 0) return bytes;
        byte[] plain = bytes.clone();
        plain[WEBP_FLAGS] &= ~WEBP_HAS_PROFILE; // or else the decoder applies the colour profile
        return plain;
    }

    private static String reason(Exception e) {
        String message = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        return message.strip().replaceAll("\\s+", " ");
    }
}
