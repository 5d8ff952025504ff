package dev.winnow.runtime.reducing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.winnow.runtime.Golden;
import dev.winnow.weights.Checkpoint;
import dev.winnow.weights.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** The reference cases about reduction. */
final class ReductionCases {
    private ReductionCases() {}

    /** Paths directly under the folders of reduction cases that fit; at least one. */
    static Stream<Path> find(Predicate<Path> wanted) {
        List<Path> found = new ArrayList<>();
        for (Path root : Golden.roots()) {
            Path folder = root.resolve("reduction");
            if (!Files.isDirectory(folder)) continue;
            try (Stream<Path> paths = Files.list(folder)) {
                paths.filter(wanted).sorted().forEach(found::add);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        assertThat(found).isNotEmpty();
        return found.stream();
    }

    static Map<String, Tensor> tensors(Checkpoint c) {
        return byName(c.names().stream().map(c::tensor).toList());
    }

    static Map<String, Tensor> byName(Collection<Tensor> tensors) {
        Map<String, Tensor> all = new HashMap<>();
        for (Tensor t : tensors) assertThat(all.put(t.name(), t)).as("second " + t.name()).isNull();
        return all;
    }

    /** Checks the named tensors: shapes and integers exact, floats within the tolerance. */
    static void assertEqual(Map<String, Tensor> actual, Map<String, Tensor> expected, Collection<String> names) {
        assertThat(names).isNotEmpty();
        assertThat(names.stream().sorted().flatMap(n -> Golden.mismatch(actual.get(n), expected.get(n)).stream())).isEmpty();
    }
}
