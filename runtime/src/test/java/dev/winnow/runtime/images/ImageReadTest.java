package dev.winnow.runtime.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Reading files of every format, against what Pillow makes of the same files. */
class ImageReadTest {
    private static final String EXPECTED = ".expected.png";

    @TempDir
    Path directory;

    static List<String> filesReadByPillow() throws IOException {
        try (Stream<Path> files = Files.list(GoldenFiles.resource("pillow"))) {
            return files.map(file -> file.getFileName().toString()).filter(name -> name.endsWith(EXPECTED))
                    .map(name -> name.substring(0, name.length() - EXPECTED.length())).sorted().toList();
        }
    }

    @ParameterizedTest
    @MethodSource("filesReadByPillow")
    void readsWhatPillowReads(String name) {
        Path file = GoldenFiles.resource("pillow").resolve(name);
        RgbImage actual = RgbImage.read(file);
        RgbImage expected = RgbImage.read(file.resolveSibling(name + EXPECTED));
        assertThat(actual.width()).isEqualTo(expected.width());
        assertThat(actual.height()).isEqualTo(expected.height());
        assertThat(actual.rgb()).isEqualTo(expected.rgb());
    }

    @ParameterizedTest
    @CsvSource({"0, 255, 0, 0", "1, 200, 150, 100"})
    void readsLossyWebp(int number, int red, int green, int blue) {
        RgbImage image = RgbImage.read(GoldenFiles.resource("pillow/flat" + number + ".lossy.webp"));
        assertThat(image.width()).isEqualTo(20);
        assertThat(image.height()).isEqualTo(12);
        int[] colour = {red, green, blue};
        for (int i = 0; i < image.rgb().length; i++) {
            assertThat(Math.abs((image.rgb()[i] & 255) - colour[i % 3])).isLessThanOrEqualTo(4);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"png", "bmp", "gif"})
    void readsWhatJavaWrites(String format) throws IOException {
        BufferedImage image = new BufferedImage(9, 5, BufferedImage.TYPE_INT_RGB);
        Graphics2D g = image.createGraphics();
        g.setColor(Color.ORANGE);
        g.fillRect(2, 1, 4, 3);
        g.dispose();
        Path file = directory.resolve("picture.without.a.known.suffix");
        ImageIO.write(image, format, file.toFile());
        assertThat(RgbImage.read(file).rgb()).isEqualTo(RgbImage.of(image).rgb());
    }

    @ParameterizedTest
    @ValueSource(ints = {BufferedImage.TYPE_INT_RGB, BufferedImage.TYPE_INT_ARGB, BufferedImage.TYPE_INT_ARGB_PRE,
            BufferedImage.TYPE_INT_BGR, BufferedImage.TYPE_3BYTE_BGR, BufferedImage.TYPE_4BYTE_ABGR, BufferedImage.TYPE_BYTE_INDEXED,
            BufferedImage.TYPE_USHORT_565_RGB, BufferedImage.TYPE_USHORT_555_RGB})
    void takesEveryKindOfJavaImage(int type) {
        BufferedImage image = new BufferedImage(3, 2, type);
        image.setRGB(0, 0, 0xffff0000);
        image.setRGB(1, 0, 0xff00ff00);
        image.setRGB(2, 1, 0xff0000ff);
        byte on = (byte) 255;
        assertThat(RgbImage.of(image).rgb()).containsExactly(on, 0, 0, 0, on, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, on);
    }

    @Test
    void takesPartsOfJavaImages() {
        BufferedImage image = new BufferedImage(8, 8, BufferedImage.TYPE_3BYTE_BGR);
        image.setRGB(5, 6, 0x010203);
        assertThat(RgbImage.of(image.getSubimage(5, 6, 1, 1)).rgb()).containsExactly(1, 2, 3);
    }

    @Test
    void writesPngThatReadsTheSame() throws IOException {
        RgbImage image = RgbImage.read(GoldenFiles.resource("golden/images/noise.png"));
        Path file = directory.resolve("copy.png");
        Files.writeString(file, "replaced");
        image.writePng(file);
        assertThat(RgbImage.read(file).rgb()).isEqualTo(image.rgb());
        assertThat(RgbImage.of(image.toBufferedImage()).rgb()).isEqualTo(image.rgb());
        try (Stream<Path> left = Files.list(directory)) {
            assertThat(left).containsExactly(file);
        }
    }

    @Test
    void refusesToWriteWhereThereIsNoDirectory() {
        RgbImage image = new RgbImage(1, 1, new byte[3]);
        Path file = directory.resolve("absent/picture.png");
        assertThatThrownBy(() -> image.writePng(file)).isInstanceOf(ImageException.class).hasMessageContaining("picture.png");
    }

    @Test
    void refusesBytesThatDoNotFitTheSize() {
        assertThatThrownBy(() -> new RgbImage(2, 2, new byte[11])).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new RgbImage(0, 2, new byte[0])).isInstanceOf(IllegalArgumentException.class);
    }
}
