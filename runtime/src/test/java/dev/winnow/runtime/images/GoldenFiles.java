package dev.winnow.runtime.images;

import dev.winnow.runtime.Golden;
import dev.winnow.weights.Checkpoint;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Where the numbers that the reference libraries computed lie: a few with the tests, all of them beside the repository if there. */
final class GoldenFiles {
    private GoldenFiles() {
    }

    /** A file or directory of this package's test resources. */
    static Path resource(String name) {
        try {
            return Path.of(GoldenFiles.class.getResource("/images/" + name).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    /** All golden data, where the workplace has it. */
    static Optional<Path> shared() {
        return Golden.shared().map(dir -> dir.resolve("golden/public"));
    }

    /** All tensors of a case, by name. */
    static Map<String, float[]> tensors(Path directory) {
        Map<String, float[]> tensors = new TreeMap<>();
        try (Checkpoint file = Checkpoint.open(directory.resolve("expected.safetensors"))) {
            for (String name : file.names()) {
                if (name.startsWith("pixel_values") || directory.endsWith("pil-resize")) {
                    tensors.put(name, file.tensor(name).toFloats());
                }
            }
        }
        return tensors;
    }
}
