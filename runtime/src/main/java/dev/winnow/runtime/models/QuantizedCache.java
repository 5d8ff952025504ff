package dev.winnow.runtime.models;

import dev.winnow.weights.Checkpoint;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.DType;
import dev.winnow.weights.SafetensorsWriter;
import dev.winnow.weights.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Rounded matrices in a file beside a model, so that they are rounded once: a safetensors file whose tensors are bytes, [rows, bytes per
 * row], with the blocks as they are held in memory. Its metadata has the fingerprint of what the matrices were made from; a file with
 * another one, or a damaged one, counts as absent.
 */
final class QuantizedCache implements AutoCloseable {
    /** Changes when the rules of rounding or the layout of the file do. */
    private static final String VERSION = "2";

    private final Path file;
    private final Map<String, String> origin;
    /** The file as it is, or null. */
    private final Checkpoint kept;
    private final Map<String, Tensor> made = new LinkedHashMap<>();

    private QuantizedCache(Path file, Map<String, String> origin, Checkpoint kept) {
        this.file = file;
        this.origin = origin;
        this.kept = kept;
    }

    /**
     * Opens a model's cache, which need not exist.
     *
     * @param fingerprint of all that the matrices are made from
     */
    static QuantizedCache open(Path directory, Quantization quantization, String fingerprint) {
        Path file = directory.resolve("winnow-" + quantization.name().toLowerCase(Locale.ROOT) + ".safetensors");
        Map<String, String> origin = Map.of("winnow", VERSION, "source", fingerprint);
        return new QuantizedCache(file, origin, Files.exists(file) ? current(file, origin) : null);
    }

    private static Checkpoint current(Path file, Map<String, String> origin) {
        Checkpoint found;
        try {
            found = Checkpoint.open(file);
        } catch (CheckpointException damaged) {
            return null;
        }
        if (found.metadata().equals(origin)) return found;
        found.close();
        return null;
    }

    /** A matrix in a format, mapped. */
    Optional<Tensor> find(String name, DType format, long... shape) {
        String entry = entry(name, format);
        if (kept == null || !kept.has(entry)) return Optional.empty();
        Tensor bytes = kept.tensor(entry);
        if (bytes.dtype() != DType.U8 || !Arrays.equals(bytes.shape(), stored(format, shape))) return Optional.empty();
        Tensor found = new Tensor(name, format, shape.clone(), bytes.data());
        made.put(entry, found);
        return Optional.of(found);
    }

    /** Notes a matrix that was rounded now. */
    void add(Tensor matrix) {
        made.put(entry(matrix.name(), matrix.dtype()), matrix);
    }

    private static String entry(String name, DType format) {
        return name + ":" + format;
    }

    private static long[] stored(DType format, long[] shape) {
        return new long[] {shape[0], format.bytes(shape[1])};
    }

    /** Whether a file of these origins is there and has all that was asked for. */
    boolean complete() {
        return kept != null && made.keySet().stream().allMatch(kept::has);
    }

    Path file() {
        return file;
    }

    /** @throws CheckpointException when the file could not be written, as far as that can be said before it is */
    void requireWritable() {
        if (!Files.isWritable(file.toAbsolutePath().getParent())) {
            throw new CheckpointException("the rounded matrices cannot be kept: the folder " + file.toAbsolutePath().getParent()
                    + " cannot be written to");
        }
    }

    /** Writes all matrices that were asked for, unless the file has them. */
    void write() {
        if (complete()) return;
        List<Tensor> bytes = new ArrayList<>();
        made.forEach((entry, t) -> bytes.add(new Tensor(entry, DType.U8, stored(t.dtype(), t.shape()), t.data())));
        SafetensorsWriter.write(file, bytes, origin);
    }

    @Override
    public void close() {
        if (kept != null) kept.close();
    }
}
