package dev.winnow.runtime.images;

import com.drew.imaging.ImageProcessingException;
import com.drew.imaging.jpeg.JpegMetadataReader;
import com.drew.imaging.png.PngChunk;
import com.drew.imaging.png.PngChunkReader;
import com.drew.imaging.png.PngChunkType;
import com.drew.imaging.webp.WebpMetadataReader;
import com.drew.lang.ByteArrayReader;
import com.drew.lang.StreamReader;
import com.drew.metadata.Metadata;
import com.drew.metadata.exif.ExifIFD0Directory;
import com.drew.metadata.exif.ExifReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Set;

/**
 * How the stored rows and columns of an image lie to the viewer: the eight values of the EXIF orientation tag.
 *
 * @param exif 1 (upright) to 8
 */
record Orientation(int exif) {
    private static final Orientation UPRIGHT = new Orientation(1);

    /** What a file says about itself; upright when it says nothing or nothing that can be understood. */
    static Orientation of(byte[] bytes, ImageFormat format) {
        try {
            ByteArrayInputStream in = new ByteArrayInputStream(bytes);
            Metadata metadata = switch (format) {
                case JPEG -> JpegMetadataReader.readMetadata(in, List.of(new ExifReader()));
                case PNG -> ofPng(in);
                case WEBP -> WebpMetadataReader.readMetadata(in);
                case GIF, BMP -> new Metadata();
            };
            ExifIFD0Directory directory = metadata.getFirstDirectoryOfType(ExifIFD0Directory.class);
            Integer exif = directory == null ? null : directory.getInteger(ExifIFD0Directory.TAG_ORIENTATION);
            return exif == null || exif < 1 || exif > 8 ? UPRIGHT : new Orientation(exif);
        } catch (IOException | ImageProcessingException | RuntimeException e) {
            return UPRIGHT; // broken notes beside the picture are no reason to refuse it
        }
    }

    /** From the one chunk that matters; the others may hold any amount of compressed text. */
    private static Metadata ofPng(InputStream in) throws IOException, ImageProcessingException {
        Metadata metadata = new Metadata();
        for (PngChunk chunk : new PngChunkReader().extract(new StreamReader(in), Set.of(PngChunkType.eXIf))) {
            new ExifReader().extract(new ByteArrayReader(chunk.getBytes()), metadata);
        }
        return metadata;
    }

    /** The image turned and mirrored upright. */
    RgbImage apply(RgbImage image) {
        if (exif == 1) return image;
        int w = image.width();
        int h = image.height();
        // output pixel (x, y) is source pixel first + x * right + y * down, counted row by row
        return switch (exif) {
            case 2 -> walk(image, w, h, w - 1, -1, w);
            case 3 -> walk(image, w, h, w * h - 1, -1, -w);
            case 4 -> walk(image, w, h, w * (h - 1), 1, -w);
            case 5 -> walk(image, h, w, 0, w, 1);
            case 6 -> walk(image, h, w, w * (h - 1), -w, 1);
            case 7 -> walk(image, h, w, w * h - 1, -w, -1);
            case 8 -> walk(image, h, w, w - 1, w, -1);
            default -> throw new IllegalStateException("orientation " + exif);
        };
    }

    private static RgbImage walk(RgbImage image, int width, int height, int first, int right, int down) {
        byte[] from = image.rgb();
        byte[] to = new byte[from.length];
        int at = 0;
        for (int y = 0; y < height; y++) {
            int source = 3 * (first + y * down);
            for (int x = 0; x < width; x++, source += 3 * right) {
                to[at++] = from[source];
                to[at++] = from[source + 1];
                to[at++] = from[source + 2];
            }
        }
        return new RgbImage(width, height, to);
    }
}
