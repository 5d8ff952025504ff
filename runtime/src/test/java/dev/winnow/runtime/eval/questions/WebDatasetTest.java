package dev.winnow.runtime.eval.questions;

import static dev.winnow.runtime.eval.questions.QuestionFiles.assertGray;
import static dev.winnow.runtime.eval.questions.QuestionFiles.assertRefused;
import static dev.winnow.runtime.eval.questions.QuestionFiles.png;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.runtime.images.ImageException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WebDatasetTest {
    @TempDir
    Path folder;

    /** A tar of names and contents in turn: texts, or pictures of a gray. */
    private Path tar(String name, Object... parts) throws IOException {
        Path file = folder.resolve(name);
        try (TarArchiveOutputStream out = new TarArchiveOutputStream(Files.newOutputStream(file))) {
            out.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
            for (int i = 0; i < parts.length; i += 2) {
                byte[] bytes = parts[i + 1] instanceof Integer gray ? png(folder, gray)
                        : parts[i + 1].toString().getBytes(StandardCharsets.UTF_8);
                TarArchiveEntry entry = new TarArchiveEntry((String) parts[i]);
                entry.setSize(bytes.length);
                out.putArchiveEntry(entry);
                out.write(bytes);
                out.closeArchiveEntry();
            }
        }
        return file;
    }

    @Test
    void samplesAreEntriesOfOneName() throws IOException {
        Questions read = Questions.read(tar("set.tar",
                "a/0001.json", "{\"question\": \"What?\", \"answer\": \"this\", \"image\": \"../ignored.png\"}", "a/0001.png", 11,
                "a/0002.cls", "7\n", "a/0002.jpg", 12,
                "a/0003.png", 13, "a/0003.txt", "A small thing.", "a/0003.npy", "ignored",
                "a/0004.left.png", 14, "a/0004.right.png", 15, "a/0004.json", "{\"prompt\": \"Same?\", \"answers\": [\"no\"]}",
                "README", "has no ending", "a/.DS_Store", "hidden"));
        assertThat(read.format()).isEqualTo("WebDataset");
        assertThat(read.list()).extracting(Question::id).containsExactly("a/0001", "a/0002", "a/0003", "a/0004");
        assertThat(read.list().get(0).answers()).containsExactly("this");
        assertThat(read.list().get(0).pictures()).hasSize(1);
        assertGray(read.list().get(0).pictures().getFirst(), 11);
        assertThat(read.list().get(1).label()).hasValue(7);
        assertGray(read.list().get(1).pictures().getFirst(), 12);
        assertThat(read.list().get(2).reference()).contains("A small thing.");
        assertThat(read.list().get(3).pictures()).extracting(Picture::name).containsExactly("set.tar entry a/0004.left.png",
                "set.tar entry a/0004.right.png");
        assertGray(read.list().get(3).pictures().get(1), 15);
    }

    @Test
    void longNamesMovePicturesButNotTheirPlaces() throws IOException {
        String name = "deep/".repeat(60) + "x";
        Questions read = Questions.read(tar("long.tar", name + ".txt", "words", name + ".png", 21));
        assertThat(read.list().getFirst().id()).isEqualTo(name);
        assertGray(read.list().getFirst().pictures().getFirst(), 21);
    }

    @Test
    void shardsAreReadInTheOrderOfTheirNames() throws IOException {
        tar("s-1.tar", "k.txt", "second", "k.png", 2);
        tar("s-0.tar", "k.txt", "first", "k.png", 1);
        Questions read = Questions.read(folder);
        assertThat(read.list()).extracting(Question::id).containsExactly("s-0.tar/k", "s-1.tar/k");
        assertGray(read.list().get(1).pictures().getFirst(), 2);
    }

    @Test
    void linksAndFoldersAreLeftOut() throws IOException {
        Path file = folder.resolve("links.tar");
        try (TarArchiveOutputStream out = new TarArchiveOutputStream(Files.newOutputStream(file))) {
            TarArchiveEntry link = new TarArchiveEntry("k.png", TarConstants.LF_SYMLINK);
            link.setLinkName("/etc/hostname");
            out.putArchiveEntry(link);
            out.closeArchiveEntry();
            out.putArchiveEntry(new TarArchiveEntry("k.jpg/"));
            out.closeArchiveEntry();
            byte[] text = "words".getBytes(StandardCharsets.UTF_8);
            TarArchiveEntry entry = new TarArchiveEntry("k.txt");
            entry.setSize(text.length);
            out.putArchiveEntry(entry);
            out.write(text);
            out.closeArchiveEntry();
        }
        assertThat(Questions.read(file).list().getFirst().pictures()).isEmpty();
    }

    @Test
    void damageIsNamed() throws IOException {
        assertRefused(tar("x.tar", "k.png", 1), "x.tar entry k: 'question' (or 'prompt') is missing");
        assertRefused(tar("x.tar", "k.json", "{\"question\"", "k.png", 1), "x.tar entry k.json: is not valid JSON");
        assertRefused(tar("x.tar", "k.cls", "dog", "k.png", 1), "x.tar entry k.cls: the label should be a whole number");
        assertRefused(tar("x.tar", "k.txt", "a", "l.txt", "b", "k.png", 1, "k.txt", "c"), "x.tar entry k", "the id 'k' too");
        assertRefused(tar("x.tar"), "holds no questions");
        assertRefused(Files.write(folder.resolve("x.tar"), new byte[2048]), "holds no questions");
        byte[] noise = new byte[2048];
        Arrays.fill(noise, (byte) 'x');
        assertRefused(Files.write(folder.resolve("x.tar"), noise), "x.tar: is damaged or not a tar file");
        byte[] whole = Files.readAllBytes(tar("x.tar", "k.txt", "a", "k.png", 1));
        assertRefused(Files.write(folder.resolve("x.tar"), Arrays.copyOf(whole, 1024 + 512 + 20)), "x.tar");
    }

    @Test
    void sizesThatAreTooLargeAreRefused() throws IOException {
        Path file = tar("x.tar", "k.png", 1, "k.txt", "a");
        byte[] bytes = Files.readAllBytes(file);
        assertRefused(withSize(bytes, "77777777777"), "x.tar entry k.png: is over the limit");
        assertRefused(withSize(bytes, "00000100000"), "x.tar entry k.png: ends after the end of the file");
        Path text = tar("x.tar", "k.txt", "a");
        assertRefused(withSize(Files.readAllBytes(text), "77777777777"), "x.tar entry k.txt: is over the limit");
    }

    /** A tar whose first header states another size, with the checksum that goes with it. */
    private Path withSize(byte[] tar, String octal) throws IOException {
        byte[] changed = tar.clone();
        System.arraycopy(octal.getBytes(StandardCharsets.US_ASCII), 0, changed, 124, 11);
        Arrays.fill(changed, 148, 156, (byte) ' ');
        int sum = 0;
        for (int i = 0; i < 512; i++) sum += changed[i] & 0xff;
        byte[] checksum = String.format("%06o\0 ", sum).getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(checksum, 0, changed, 148, 8);
        return Files.write(folder.resolve("x.tar"), changed);
    }

    @Test
    void aTarThatWasCutSinceSaysSo() throws IOException {
        Path file = tar("x.tar", "k.txt", "a", "k.png", 1);
        Picture picture = Questions.read(file).list().getFirst().pictures().getFirst();
        Files.write(file, Arrays.copyOf(Files.readAllBytes(file), 1600));
        assertThatThrownBy(picture::read).isInstanceOf(ImageException.class).hasMessageContaining("shorter than when");
    }
}
