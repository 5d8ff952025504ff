package dev.winnow.runtime.text;

import dev.winnow.weights.Settings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The files beside these tests. */
final class TestData {
    private TestData() {}

    static Path path(String name) {
        try {
            return Path.of(TestData.class.getResource("/text/" + name).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    static String text(String name) {
        try {
            return Files.readString(path(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Settings json(String name) {
        return Settings.of(text(name), name);
    }
}
