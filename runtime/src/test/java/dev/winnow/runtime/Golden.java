package dev.winnow.runtime;

import dev.winnow.weights.Settings;
import dev.winnow.weights.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** Reference data made with the original libraries: a subset beside the tests, all of it where the workplace has it. */
public final class Golden {
    /** |a - b| <= TOLERANCE * max(1, |b|). */
    public static final double TOLERANCE = 1e-4;

    private Golden() {}

    /** Every folder of golden data at hand. */
    public static List<Path> roots() {
        List<Path> roots = new ArrayList<>();
        roots.add(Path.of("src/test/resources/golden"));
        shared().map(s -> s.resolve("golden/public")).filter(Files::isDirectory).ifPresent(roots::add);
        return roots;
    }

    /** The workplace's shared folder, where there is one. */
    public static Optional<Path> shared() {
        for (Path p = Path.of("").toAbsolutePath(); p != null; p = p.getParent()) {
            if (Files.isDirectory(p.resolve("shared/golden"))) return Optional.of(p.resolve("shared"));
        }
        return Optional.empty();
    }

    /** Model directories with a case whose name begins with one of the prefixes. */
    static List<Path> cases(String... prefixes) {
        return cases(dir -> Arrays.stream(prefixes).anyMatch(x -> dir.getFileName().toString().startsWith(x)));
    }

    /** Model directories with a case of a kind, such as {@code causal_lm}. */
    static List<Path> ofKind(String kind) {
        return cases(dir -> Settings.read(dir.resolve("case.json")).string("kind", "").equals(kind));
    }

    private static List<Path> cases(Predicate<Path> wanted) {
        List<Path> found = new ArrayList<>();
        for (Path root : roots()) {
            try (Stream<Path> list = Files.list(root)) {
                list.filter(p -> Files.exists(p.resolve("case.json")))
                        .filter(wanted).sorted().forEach(found::add);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return found;
    }

    /** The largest |a - b| / max(1, |b|). */
    public static double difference(float[] actual, float[] expected) {
        double worst = 0;
        for (int i = 0; i < expected.length; i++) {
            double d = Math.abs(actual[i] - expected[i]) / Math.max(1, Math.abs(expected[i]));
            worst = Math.max(worst, Double.isNaN(d) ? Double.POSITIVE_INFINITY : d);
        }
        return worst;
    }

    /** Says in one line how an actual tensor fails to match, or nothing. */
    public static Optional<String> mismatch(Tensor actual, Tensor expected) {
        if (actual == null) return Optional.of(expected.name() + " is missing");
        if (!Arrays.equals(actual.shape(), expected.shape())) {
            return Optional.of(expected.name() + " has shape " + Arrays.toString(actual.shape()) + " instead of " + Arrays.toString(expected.shape()));
        }
        switch (expected.dtype()) {
            case I64 -> {
                if (!Arrays.equals(actual.toLongs(), expected.toLongs())) {
                    return Optional.of(expected.name() + " is " + Arrays.toString(actual.toLongs()) + " instead of " + Arrays.toString(expected.toLongs()));
                }
            }
            default -> {
                double d = difference(actual.toFloats(), expected.toFloats());
                if (d > TOLERANCE) return Optional.of(expected.name() + " differs by " + d);
            }
        }
        return Optional.empty();
    }
}
