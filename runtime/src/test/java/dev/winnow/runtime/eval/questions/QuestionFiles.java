package dev.winnow.runtime.eval.questions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.runtime.images.RgbImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** Small question sets made for a test. */
final class QuestionFiles {
    private QuestionFiles() {}

    /** Writes a text where it is named, with its folders. */
    static Path text(Path folder, String name, String text) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.writeString(file, text);
    }

    /** Writes a picture of one colour where it is named, with its folders. */
    static Path picture(Path folder, String name, int gray) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        return Files.write(file, png(folder, gray));
    }

    /** The bytes of a picture of 2 x 1 pixels of one gray. */
    static byte[] png(Path scratch, int gray) throws IOException {
        byte[] rgb = new byte[6];
        Arrays.fill(rgb, (byte) gray);
        Path file = Files.createTempFile(scratch, ".made", ".png");
        new RgbImage(2, 1, rgb).writePng(file);
        byte[] bytes = Files.readAllBytes(file);
        Files.delete(file);
        return bytes;
    }

    static void assertGray(Picture picture, int gray) {
        RgbImage image = picture.read();
        assertThat(image.width()).isEqualTo(2);
        assertThat(image.rgb()).containsOnly((byte) gray);
    }

    /** That reading fails with one sentence, of which this is a part. */
    static void assertRefused(Path path, String... parts) {
        assertThatThrownBy(() -> Questions.read(path)).isInstanceOf(QuestionsException.class)
                .message().contains(parts).doesNotContain("\n");
    }
}
