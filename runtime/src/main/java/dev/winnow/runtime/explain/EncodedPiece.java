package dev.winnow.runtime.explain;

import dev.winnow.runtime.Explanation;
import dev.winnow.runtime.images.RgbImage;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/**
 * What the model sees of a picture, for a page.
 *
 * @param url the file itself: PNG, or JPEG where that is smaller, as it is for photographs
 */
record EncodedPiece(int width, int height, String url) {
    private static final int LONGEST_SIDE = 672;
    private static final float JPEG_QUALITY = 0.9f;

    static EncodedPiece of(RgbImage image, Explanation.Piece piece) {
        Frame frame = Frame.patches(piece.region(), piece.grid(), LONGEST_SIDE);
        BufferedImage seen = new BufferedImage(frame.width(), frame.height(), BufferedImage.TYPE_INT_RGB);
        seen.setRGB(0, 0, frame.width(), frame.height(), Resampled.pixels(image, frame), 0, frame.width());
        try {
            byte[] png = png(seen);
            byte[] jpeg = jpeg(seen);
            String start = png.length <= jpeg.length ? "data:image/png;base64," : "data:image/jpeg;base64,";
            return new EncodedPiece(frame.width(), frame.height(),
                    start + Base64.getEncoder().encodeToString(png.length <= jpeg.length ? png : jpeg));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot encode a picture: " + e.getMessage(), e);
        }
    }

    private static byte[] png(BufferedImage image) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ImageIO.write(image, "png", out);
        return out.toByteArray();
    }

    private static byte[] jpeg(BufferedImage image) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
        try (MemoryCacheImageOutputStream stream = new MemoryCacheImageOutputStream(out)) {
            writer.setOutput(stream);
            ImageWriteParam options = writer.getDefaultWriteParam();
            options.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
            options.setCompressionQuality(JPEG_QUALITY);
            writer.write(null, new IIOImage(image, null, null), options);
        } finally {
            writer.dispose();
        }
        return out.toByteArray();
    }
}
