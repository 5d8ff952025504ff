package dev.winnow.runtime.explain;

import dev.winnow.runtime.Explanation;
import dev.winnow.runtime.images.RgbImage;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;

/**
 * Shows an {@link Explanation} as one page that needs nothing else, no network either: a slider through the events over the pictures,
 * scores as a heat map, the cache of every layer and head over the prompt's words, and the answers at other budgets.
 */
public final class ExplanationPage {
    /**
     * What the page says around the explanation.
     *
     * @param question what was asked; may be empty
     * @param pictures names of the pictures, in order
     * @param words    of the prompt, one for each of its {@link Explanation.Prompt#ids}
     * @param runs     the explained run first, then others to compare it with
     * @param swept    the method whose budget the other runs change; empty for none
     */
    public record Subject(String question, List<String> pictures, List<String> words, List<Run> runs, String swept) {
        public Subject {
            pictures = List.copyOf(pictures);
            words = List.copyOf(words);
            runs = List.copyOf(runs);
            if (runs.isEmpty()) throw new IllegalArgumentException("a page needs the run that it explains");
        }
    }

    /**
     * One run of the model.
     *
     * @param name          of the row
     * @param plan          as plans are printed
     * @param answer        what the model said
     * @param pictureTokens left in the end, 0 without pictures
     * @param cacheBytes    that the cache held after the prompt
     * @param dense         what the model says without any plan; null where that was not asked
     */
    public record Run(String name, String plan, String answer, int pictureTokens, long flops, long cacheBytes, String dense) {
        /** Whether the answer is that of the dense model; null where that is not known. */
        Boolean same() {
            return dense == null ? null : dense.equals(answer);
        }
    }

    private ExplanationPage() {
    }

    /**
     * The page.
     *
     * @param images the pictures, in the order of the explanation
     * @throws IllegalArgumentException when the arguments do not belong together
     */
    public static String of(Explanation explanation, List<RgbImage> images, Subject subject) {
        // nothing that comes from outside may end the block of data: '<' has another spelling in JSON
        String data = PageData.json(explanation, images, subject).replace("<", "\\u003c");
        return resource("page.html").replace("/* style */", resource("page.css")).replace("/* script */", resource("page.js"))
                .replace("{\"data\": null}", data);
    }

    /**
     * Writes {@link #of} as a file, which appears whole or not at all.
     *
     * @throws UncheckedIOException naming the file when it cannot be written
     */
    public static void write(Path html, Explanation explanation, List<RgbImage> images, Subject subject) {
        String page = of(explanation, images, subject);
        Path temporary = null;
        try {
            // not one of Java's temporary files, which nobody else may read
            temporary = html.resolveSibling("." + html.getFileName() + "." + ProcessHandle.current().pid());
            Files.writeString(temporary, page);
            try {
                Files.move(temporary, html, StandardCopyOption.ATOMIC_MOVE);
            } catch (AtomicMoveNotSupportedException e) {
                Files.move(temporary, html, StandardCopyOption.REPLACE_EXISTING);
            }
        } catch (IOException e) {
            deleteQuietly(temporary);
            throw new UncheckedIOException(html + ": cannot be written (" + e.getMessage() + ")", e);
        }
    }

    private static void deleteQuietly(Path file) {
        if (file == null) return;
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            // the failure that led here is the one to report
        }
    }

    private static String resource(String name) {
        try (InputStream in = ExplanationPage.class.getResourceAsStream(name)) {
            if (in == null) throw new IllegalStateException("the jar lacks " + name);
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + name + ": " + e.getMessage(), e);
        }
    }
}
