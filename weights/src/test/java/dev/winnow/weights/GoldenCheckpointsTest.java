package dev.winnow.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The reference models beside the repository, where there are any: files written by other implementations. */
class GoldenCheckpointsTest {
    @Test
    void everyModelDirectoryOpensAndReads() throws IOException {
        for (Path dir : list(golden(), 1, p -> Files.exists(p.resolve("config.json")))) {
            try (ModelDirectory model = ModelDirectory.open(dir)) {
                assertThat(model.config().keys()).as(dir.toString()).isNotEmpty();
                readAll(model.checkpoint());
            }
        }
    }

    @Test
    void everySafetensorsFileOpensAndReads() throws IOException {
        for (Path file : list(golden(), 3, p -> p.toString().endsWith(".safetensors"))) {
            try (Checkpoint c = Checkpoint.open(file)) {
                assertThat(c.bytes()).isEqualTo(Files.size(file));
                readAll(c);
            }
        }
    }

    private static void readAll(Checkpoint c) {
        assertThat(c.names()).as(c.path().toString()).isNotEmpty();
        for (String name : c.names()) {
            Tensor t = c.tensor(name);
            float[] values = t.toFloats();
            assertThat((long) values.length).as(name).isEqualTo(t.elements());
        }
    }

    private static List<Path> list(Path root, int depth, Predicate<Path> wanted) throws IOException {
        try (Stream<Path> found = Files.walk(root, depth)) {
            List<Path> paths = found.filter(wanted).sorted().toList();
            assertThat(paths).as("under " + root).isNotEmpty();
            return paths;
        }
    }

    private static Path golden() {
        Path start = Path.of(System.getProperty("user.dir")).toAbsolutePath();
        Optional<Path> found = Stream.iterate(start, p -> p != null, Path::getParent)
                .map(p -> p.resolve("shared/golden/public")).filter(Files::isDirectory).findFirst();
        assumeTrue(found.isPresent(), "no shared/golden/public above this directory");
        return found.get();
    }
}
