package dev.winnow.runtime.images;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** The supported file formats, told apart by their first bytes and never by a file's name. */
enum ImageFormat {
    PNG("png"),
    JPEG("jpeg"),
    GIF("gif"),
    BMP("bmp"),
    WEBP("webp");

    private final String imageIoName;

    ImageFormat(String imageIoName) {
        this.imageIoName = imageIoName;
    }

    String imageIoName() {
        return imageIoName;
    }

    static Optional<ImageFormat> of(byte[] bytes) {
        if (startsWith(bytes, 0, "\u0089PNG\r\n\u001a\n")) return Optional.of(PNG);
        if (startsWith(bytes, 0, "\u00ff\u00d8\u00ff")) return Optional.of(JPEG);
        if (startsWith(bytes, 0, "GIF87a") || startsWith(bytes, 0, "GIF89a")) return Optional.of(GIF);
        if (startsWith(bytes, 0, "BM")) return Optional.of(BMP);
        if (startsWith(bytes, 0, "RIFF") && startsWith(bytes, 8, "WEBP")) return Optional.of(WEBP);
        return Optional.empty();
    }

    private static boolean startsWith(byte[] bytes, int at, String latin1) {
        byte[] expected = latin1.getBytes(StandardCharsets.ISO_8859_1);
        if (bytes.length < at + expected.length) return false;
        for (int i = 0; i < expected.length; i++) if (bytes[at + i] != expected[i]) return false;
        return true;
    }
}
