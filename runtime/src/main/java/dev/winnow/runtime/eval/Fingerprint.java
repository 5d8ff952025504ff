package dev.winnow.runtime.eval;

import dev.winnow.runtime.RequestException;
import dev.winnow.runtime.eval.questions.Question;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/** Short names of a model and of questions, the same only for the same. */
public final class Fingerprint {
    /** Files up to this size count whole; of larger ones, which are weights, the size and samples do. */
    private static final int WHOLE = 1 << 20;
    private static final int SAMPLE = 4096;
    private static final int SAMPLES = 64;

    private final MessageDigest digest;

    private Fingerprint() {
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /** Of the files of a model directory, in whatever folder it lies. */
    public static String ofModel(Path directory) {
        Fingerprint print = new Fingerprint();
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.filter(Fingerprint::counts).sorted().toList()) print.file(file);
        } catch (IOException e) {
            throw new RequestException(directory + " cannot be read: " + e.getMessage());
        }
        return print.text();
    }

    /** What a model is made of; pages, licences, plans found for it and matrices that Winnow rounded and kept are not. */
    private static boolean counts(Path file) {
        String name = file.getFileName().toString();
        return Files.isRegularFile(file) && !name.startsWith("winnow-")
                && (name.endsWith(".safetensors") || name.endsWith(".json") && !name.equals("reduction.json"));
    }

    private void file(Path file) throws IOException {
        add(file.getFileName().toString());
        try (FileChannel in = FileChannel.open(file)) {
            long size = in.size();
            add(Long.toString(size));
            if (size <= WHOLE) {
                digest.update(Files.readAllBytes(file));
                return;
            }
            for (int i = 0; i < SAMPLES; i++) {
                ByteBuffer sample = ByteBuffer.allocate(SAMPLE);
                in.read(sample, (size - SAMPLE) / (SAMPLES - 1) * i);
                digest.update(sample.flip());
            }
        }
    }

    /** Of questions, in order; of pictures the names count. */
    public static String ofQuestions(List<Question> questions) {
        Fingerprint print = new Fingerprint();
        for (Question q : questions) {
            print.add(q.id());
            print.add(q.type());
            print.add(q.prompt());
            print.add(q.label().toString());
            print.add(q.reference().toString());
            q.pictures().forEach(picture -> print.add(picture.name()));
            q.answers().forEach(print::add);
            q.choices().forEach(print::add);
            print.add("");
        }
        return print.text();
    }

    private void add(String text) {
        digest.update(text.getBytes(StandardCharsets.UTF_8));
        digest.update((byte) 0);
    }

    private String text() {
        return HexFormat.of().formatHex(digest.digest(), 0, 16);
    }
}
