package dev.winnow.runtime.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeTokenizersTest {
    @TempDir
    private Path directory;

    @Test
    void platformsAreNamedAsInTheJar() {
        assertThat(NativeTokenizers.platform("Linux", "amd64")).isEqualTo("linux-x86_64");
        assertThat(NativeTokenizers.platform("Linux", "aarch64")).isEqualTo("linux-aarch64");
        assertThat(NativeTokenizers.platform("Mac OS X", "aarch64")).isEqualTo("osx-aarch64");
        assertThat(NativeTokenizers.platform("Windows 11", "amd64")).isEqualTo("win-x86_64");
    }

    @Test
    void aCopyIsMadeOnceAndRepairedWhenCut() throws IOException {
        Path source = Files.writeString(directory.resolve("source"), "library");
        URL resource = source.toUri().toURL();
        Path cache = directory.resolve("a/b");
        Path copy = NativeTokenizers.copiedTo(cache, resource, "lib");
        assertThat(copy).isEqualTo(cache.resolve("lib")).hasContent("library");

        Files.writeString(copy, "LIBRARY");
        assertThat(NativeTokenizers.copiedTo(cache, resource, "lib")).hasContent("LIBRARY");
        Files.writeString(copy, "lib");
        assertThat(NativeTokenizers.copiedTo(cache, resource, "lib")).hasContent("library");
        try (Stream<Path> files = Files.list(cache)) {
            assertThat(files).containsExactlyInAnyOrder(copy, cache.resolve("lib.size"));
        }
    }

    @Test
    void aWholeCopyIsFoundByItsNote() throws IOException {
        Path source = Files.writeString(directory.resolve("source"), "library");
        Path cache = directory.resolve("cache");
        assertThat(NativeTokenizers.noted(cache, "lib")).isFalse();
        // as an older Winnow left it
        Files.createDirectories(cache);
        Files.writeString(cache.resolve("lib"), "library");
        assertThat(NativeTokenizers.noted(cache, "lib")).isFalse();
        NativeTokenizers.copiedTo(cache, source.toUri().toURL(), "lib");
        assertThat(NativeTokenizers.noted(cache, "lib")).isTrue();
        Files.writeString(cache.resolve("lib"), "lib");
        assertThat(NativeTokenizers.noted(cache, "lib")).isFalse();
    }

    @Test
    void theVersionIsThatOfTheJar() throws IOException {
        Properties properties = new Properties();
        try (InputStream in = NativeTokenizers.class.getClassLoader().getResourceAsStream("native/lib/tokenizers.properties")) {
            properties.load(in);
        }
        assertThat(properties).containsEntry("version", NativeTokenizers.VERSION);
    }
}
