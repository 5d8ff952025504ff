package dev.winnow.runtime.reducing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.winnow.weights.Checkpoint;
import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** Reference cases: the copies in the test resources, and all of them where they lie beside the repository. */
final class Golden {
    private Golden() {}

    /** Paths directly under the folders of reduction cases that fit. */
    static List<Path> find(Predicate<Path> wanted) {
        List<Path> found = new ArrayList<>();
        for (Path root : roots()) {
            try (Stream<Path> paths = Files.list(root)) {
                paths.filter(wanted).sorted().forEach(found::add);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return found;
    }

    private static List<Path> roots() {
        List<Path> roots = new ArrayList<>();
        try {
            roots.add(Path.of(Golden.class.getResource("/golden/reduction").toURI()));
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
        Path start = Path.of(System.getProperty("user.dir")).toAbsolutePath();
        Stream.iterate(start, p -> p != null, Path::getParent).map(p -> p.resolve("shared/golden/public/reduction"))
                .filter(Files::isDirectory).findFirst().ifPresent(roots::add);
        return roots;
    }

    static Map<String, Tensor> tensors(Checkpoint c) {
        Map<String, Tensor> all = new HashMap<>();
        for (String name : c.names()) all.put(name, c.tensor(name));
        return all;
    }

    static Map<String, Tensor> byName(List<Tensor> tensors) {
        Map<String, Tensor> all = new HashMap<>();
        for (Tensor t : tensors) assertThat(all.put(t.name(), t)).as("second " + t.name()).isNull();
        return all;
    }

    /** Shape and integers exact, floats within 1e-4 of the larger of 1 and their size. */
    static void assertEqual(Tensor actual, Tensor expected) {
        String name = expected.name();
        assertThat(actual).as(name).isNotNull();
        assertThat(actual.shape()).as(name + " shape").isEqualTo(expected.shape());
        if (expected.dtype() == DType.I64) {
            assertThat(actual.toLongs()).as(name).isEqualTo(expected.toLongs());
            return;
        }
        float[] a = actual.toFloats();
        float[] b = expected.toFloats();
        for (int i = 0; i < b.length; i++) {
            double error = Math.abs(a[i] - b[i]) / Math.max(1, Math.abs(b[i]));
            assertThat(error).as("%s[%d]: %s instead of %s", name, i, a[i], b[i]).isLessThanOrEqualTo(1e-4);
        }
    }
}
