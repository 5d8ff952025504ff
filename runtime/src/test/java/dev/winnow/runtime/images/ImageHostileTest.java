package dev.winnow.runtime.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that are not images, or not whole, or lie about themselves: an {@link ImageException} each, and nothing else. */
class ImageHostileTest {
    @TempDir
    Path directory;

    static List<String> filesReadByPillow() throws IOException {
        return ImageReadTest.filesReadByPillow();
    }

    @Test
    void missing() {
        Path file = directory.resolve("nowhere.png");
        assertThatThrownBy(() -> RgbImage.read(file)).isInstanceOf(ImageException.class)
                .hasMessage(file + ": no such image file");
    }

    @Test
    void directory() {
        assertThatThrownBy(() -> RgbImage.read(directory)).isInstanceOf(ImageException.class).hasMessageContaining("is a directory");
    }

    @Test
    void empty() throws IOException {
        Path file = Files.createFile(directory.resolve("empty.jpg"));
        assertThatThrownBy(() -> RgbImage.read(file)).isInstanceOf(ImageException.class).hasMessage(file + ": is empty");
    }

    @Test
    void text() throws IOException {
        Path file = Files.writeString(directory.resolve("notes.png"), "This is not a picture at all.\n");
        assertThatThrownBy(() -> RgbImage.read(file)).isInstanceOf(ImageException.class)
                .hasMessage(file + ": is not a PNG, JPEG, GIF, BMP or WebP image");
    }

    @Test
    void hugePng() throws IOException {
        byte[] bytes = pngHeader(30_000, 30_000);
        assertThatThrownBy(() -> RgbImage.decode(bytes, "huge.png")).isInstanceOf(ImageException.class)
                .hasMessage("huge.png: has 30000 x 30000 pixels, which is over the limit of 100 million pixels");
    }

    @Test
    void hugeBmp() {
        ByteBuffer header = ByteBuffer.allocate(54).order(ByteOrder.LITTLE_ENDIAN);
        header.put((byte) 'B').put((byte) 'M').putInt(54 + 3 * 16_000 * 16_000).putInt(0).putInt(54);
        header.putInt(40).putInt(16_000).putInt(16_000).putShort((short) 1).putShort((short) 24);
        assertThatThrownBy(() -> RgbImage.decode(header.array(), "huge.bmp")).isInstanceOf(ImageException.class)
                .hasMessageContaining("16000 x 16000");
    }

    @Test
    void hugeGifCanvasAroundASmallFrame() throws IOException {
        byte[] bytes = Files.readAllBytes(GoldenFiles.resource("pillow/a.gif"));
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putShort(6, (short) 30_000).putShort(8, (short) 30_000);
        assertThatThrownBy(() -> RgbImage.decode(bytes, "huge.gif")).isInstanceOf(ImageException.class)
                .hasMessageContaining("30000 x 30000");
    }

    @Test
    void largestStatedSizeWithoutData() throws IOException {
        byte[] bytes = pngHeader(Integer.MAX_VALUE, Integer.MAX_VALUE);
        assertThatThrownBy(() -> RgbImage.decode(bytes, "huge.png")).isInstanceOf(ImageException.class);
    }

    @Test
    @Timeout(20)
    void largeWebpWithHardlyAnyData() throws IOException {
        byte[] bytes = Files.readAllBytes(GoldenFiles.resource("pillow/lossless.webp"));
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(21, 9999 | 9999 << 14); // width and height, both less one
        assertThatThrownBy(() -> RgbImage.decode(bytes, "large.webp")).isInstanceOf(ImageException.class)
                .hasMessageStartingWith("large.webp");
    }

    @Test
    void hugeChunkInAShortPng() throws IOException {
        byte[] bytes = Files.readAllBytes(GoldenFiles.resource("pillow/icc.png"));
        ByteBuffer.wrap(bytes).putInt(33, 0x7fff_0000); // the length of the chunk after the header
        assertThatThrownBy(() -> RgbImage.decode(bytes, "chunk.png")).isInstanceOf(ImageException.class)
                .hasMessageContaining("cut short");
    }

    @ParameterizedTest
    @ValueSource(strings = {"rgb16.png", "p4.png", "q90s2.jpg", "prog.jpg", "cmyk.jpg", "a.gif", "rgb.bmp", "p.bmp", "lossless.webp",
            "flat1.lossy.webp"})
    void cutShortAnywhere(String name) throws IOException {
        byte[] whole = Files.readAllBytes(GoldenFiles.resource("pillow/" + name));
        for (int length = 0; length < whole.length - trailer(name); length += length < 100 ? 1 : 7) {
            byte[] part = Arrays.copyOf(whole, length);
            assertThatThrownBy(() -> RgbImage.decode(part, name)).as(name + " cut to " + length).isInstanceOf(ImageException.class)
                    .hasMessageStartingWith(name);
        }
    }

    /** How much may be missing at the end without a loss of pixels. */
    private static int trailer(String name) {
        if (name.endsWith(".png")) return 24; // the checksum of the data, and a last chunk that is empty
        return name.endsWith(".bmp") || name.endsWith(".gif") ? 3 : 0; // filling up of the last row, end mark
    }

    @ParameterizedTest
    @MethodSource("filesReadByPillow")
    void damagedAnywhere(String name) throws IOException {
        byte[] whole = Files.readAllBytes(GoldenFiles.resource("pillow/" + name));
        Random random = new Random(name.hashCode());
        for (int round = 0; round < 15; round++) {
            byte[] damaged = whole.clone();
            for (int i = random.nextInt(4); i >= 0; i--) damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
            try {
                RgbImage image = RgbImage.decode(damaged, name);
                assertThat((long) image.width() * image.height()).isLessThanOrEqualTo(RgbImage.LARGEST_PIXELS);
            } catch (ImageException e) {
                assertThat(e).hasMessageStartingWith(name);
            } catch (Throwable e) {
                fail("round " + round + " of " + name, e);
            }
        }
    }

    private static byte[] pngHeader(int width, int height) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        out.write("\u0089PNG\r\n\u001a\n".getBytes(StandardCharsets.ISO_8859_1));
        byte[] header = ByteBuffer.allocate(17).put("IHDR".getBytes(StandardCharsets.US_ASCII)).putInt(width).putInt(height)
                .put(new byte[] {8, 2, 0, 0, 0}).array();
        out.writeInt(header.length - 4);
        out.write(header);
        CRC32 checksum = new CRC32();
        checksum.update(header);
        out.writeInt((int) checksum.getValue());
        return bytes.toByteArray();
    }
}
