package dev.winnow.runtime.eval.questions;

import static dev.winnow.runtime.eval.questions.QuestionFiles.assertGray;
import static dev.winnow.runtime.eval.questions.QuestionFiles.assertRefused;
import static dev.winnow.runtime.eval.questions.QuestionFiles.picture;
import static dev.winnow.runtime.eval.questions.QuestionFiles.png;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.runtime.images.ImageException;
import io.airlift.compress.Compressor;
import io.airlift.compress.snappy.SnappyCompressor;
import io.airlift.compress.zstd.ZstdCompressor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tables as Hugging Face's datasets library writes them. */
class ParquetTableTest {
    private static final int SNAPPY = 1;
    private static final int GZIP = 2;
    private static final int ZSTD = 6;

    @TempDir
    Path folder;

    private byte[][] pictures(int... grays) throws IOException {
        byte[][] bytes = new byte[grays.length][];
        for (int i = 0; i < grays.length; i++) bytes[i] = grays[i] < 0 ? null : png(folder, grays[i]);
        return bytes;
    }

    private ParquetFile questions() throws IOException {
        return new ParquetFile(2, 1).pictures("image", pictures(1, 2, 3), new String[] {"a.png", null, "c.png"})
                .texts("question", "A?", "B?", "C?").texts("category", "x", "y", "x").numbers("question_id", 11L, 12L, 13L)
                .textLists("answers", List.of(List.of("one", "1"), List.of("two"), List.of("three")));
    }

    private static byte[] packed(Compressor compressor, byte[] bytes) {
        byte[] packed = new byte[compressor.maxCompressedLength(bytes.length)];
        return Arrays.copyOf(packed, compressor.compress(bytes, 0, bytes.length, packed, 0, packed.length));
    }

    private static byte[] snappy(byte[] bytes) {
        return packed(new SnappyCompressor(), bytes);
    }

    private static byte[] zstd(byte[] bytes) {
        return packed(new ZstdCompressor(), bytes);
    }

    private static byte[] gzip(byte[] bytes) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    private void assertThree(Path file) {
        Questions read = Questions.read(file);
        assertThat(read.format()).isEqualTo("Parquet");
        assertThat(read.list()).extracting(Question::id).containsExactly("11", "12", "13");
        assertThat(read.list()).extracting(Question::prompt).containsExactly("A?", "B?", "C?");
        assertThat(read.list()).extracting(Question::type).containsExactly("x", "y", "x");
        assertThat(read.list()).extracting(Question::answers).containsExactly(List.of("one", "1"), List.of("two"), List.of("three"));
        for (int i = 2; i >= 0; i--) assertGray(read.list().get(i).pictures().getFirst(), i + 1);
    }

    @Test
    void rowsOfSeveralGroupsInEveryCompression() throws IOException {
        assertThree(questions().write(folder.resolve("plain.parquet")));
        assertThree(questions().compressed(SNAPPY, ParquetTableTest::snappy).write(folder.resolve("snappy.parquet")));
        assertThree(questions().compressed(ZSTD, ParquetTableTest::zstd).write(folder.resolve("zstd.parquet")));
        assertThree(questions().compressed(GZIP, ParquetTableTest::gzip).write(folder.resolve("gzip.bin")));
    }

    @Test
    void labelsHaveTheNamesOfTheDescription() throws IOException {
        Path file = new ParquetFile(3).pictures("image", pictures(1, 2, 3), new String[3]).numbers("label", 1L, 0L, 2L)
                .described("{\"info\": {\"features\": {\"label\": {\"names\": [\"cat\", \"dog\"], \"_type\": \"ClassLabel\"}}}}")
                .write(folder.resolve("classes.parquet"));
        List<Question> read = Questions.read(file).list();
        assertThat(read).extracting(q -> q.label().getAsInt()).containsExactly(1, 0, 2);
        assertThat(read).extracting(Question::answers).containsExactly(List.of("dog"), List.of("cat"), List.of());
        assertThat(read).extracting(Question::id).containsExactly("0", "1", "2");
        assertThat(read).extracting(Question::type).containsOnly(Question.CLASS);
        assertGray(read.get(1).pictures().getFirst(), 2);
    }

    @Test
    void aLabelInWordsIsAnAnswer() throws IOException {
        Path file = new ParquetFile(1).texts("question", "Is it?").texts("label", "yes").write(folder.resolve("t.parquet"));
        Question q = Questions.read(file).list().getFirst();
        assertThat(q.answers()).containsExactly("yes");
        assertThat(q.label()).isEmpty();
        assertThat(q.pictures()).isEmpty();
    }

    @Test
    void severalPicturesInColumnsAndLists() throws IOException {
        byte[][] two = pictures(4, 5);
        Path file = new ParquetFile(1, 1).texts("question", "A?", "B?").pictures("image_1", pictures(1, 2), new String[2])
                .pictures("image_2", pictures(3, -1), new String[2])
                .pictureLists("images", List.of(List.of(two[0], two[1]), List.of())).write(folder.resolve("t.parquet"));
        List<Question> read = Questions.read(file).list();
        assertThat(read.get(0).pictures()).extracting(Picture::name).containsExactly("t.parquet row 0 image_1", "t.parquet row 0 image_2",
                "t.parquet row 0 images[0]", "t.parquet row 0 images[1]");
        int[] grays = {1, 3, 4, 5};
        for (int i = 0; i < 4; i++) assertGray(read.get(0).pictures().get(i), grays[i]);
        assertThat(read.get(1).pictures()).hasSize(1);
        assertGray(read.get(1).pictures().getFirst(), 2);
    }

    @Test
    void aPathInPlaceOfBytesIsAFileOfTheFolder() throws IOException {
        picture(folder, "far/a.png", 9);
        String[] paths = {"far/a.png", "../a.png"};
        Path file = new ParquetFile(2).texts("question", "A?", "B?").pictures("image", pictures(-1, -1), paths)
                .write(folder.resolve("t.parquet"));
        List<Question> read = Questions.read(file).list();
        assertGray(read.get(0).pictures().getFirst(), 9);
        assertThatThrownBy(() -> read.get(1).pictures().getFirst().read()).isInstanceOf(ImageException.class)
                .hasMessageContaining("should stay in the folder");
    }

    @Test
    void shardsOfAFolder() throws IOException {
        Files.createDirectory(folder.resolve("data"));
        questions().write(folder.resolve("data/test-00001-of-00002.parquet"));
        new ParquetFile(1).texts("question", "First?").texts("answer", "yes").write(folder.resolve("data/test-00000-of-00002.parquet"));
        assertThat(Questions.read(folder).list()).extracting(Question::prompt).containsExactly("First?", "A?", "B?", "C?");
    }

    @Test
    void damageIsNamed() throws IOException {
        byte[] whole = questions().bytes();
        Path file = folder.resolve("t.parquet");
        assertRefused(Files.write(file, Arrays.copyOf(whole, whole.length - 9)), "t.parquet: is damaged or unsupported as a Parquet file");
        assertRefused(Files.write(file, Arrays.copyOf(whole, 12)), "t.parquet: is damaged");
        assertRefused(new ParquetFile(1).texts("caption", "A").write(file), "t.parquet row 0: 'question' (or 'prompt') is missing");
        assertRefused(new ParquetFile(2).texts("question", "A?", null).write(file), "t.parquet row 1: 'question' (or 'prompt') is missing");
        assertRefused(questions().compressed(4, bytes -> bytes).write(file), "t.parquet: is damaged or unsupported");
        assertRefused(new ParquetFile().texts("question").write(file), "holds no questions");
    }

    /** Whatever a changed byte makes of a table, it is read or refused; nothing else is thrown and nothing hangs. */
    @Test
    void changedBytesAreReadOrRefused() throws IOException {
        byte[] whole = questions().compressed(SNAPPY, ParquetTableTest::snappy).bytes();
        Random random = new Random(1);
        for (int i = 0; i < 150; i++) {
            byte[] changed = whole.clone();
            for (int n = 0; n < 3; n++) changed[4 + random.nextInt(changed.length - 4)] = (byte) random.nextInt(256);
            Path file = Files.write(folder.resolve("t" + i + ".parquet"), changed);
            try {
                for (Question q : Questions.read(file).list()) for (Picture p : q.pictures()) p.read();
            } catch (QuestionsException | ImageException e) {
                assertThat(e.getMessage()).doesNotContain("\n");
            }
        }
    }
}
