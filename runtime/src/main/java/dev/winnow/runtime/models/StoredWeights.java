package dev.winnow.runtime.models;

import dev.winnow.weights.Checkpoint;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import dev.winnow.weights.packed.PackedMatrix;
import dev.winnow.weights.packed.PackedWeights;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** The tensors of a checkpoint as a model asks for them: packed matrices are unpacked, adapters merged. */
final class StoredWeights implements WeightScope.Source {
    private static final String WEIGHT = ".weight";

    private final Checkpoint checkpoint;
    private final PackedWeights packed;
    private final List<LoraAdapter> adapters;
    private final LoadLog log;
    private final UnpackedMemory memory;

    StoredWeights(Checkpoint checkpoint, PackedWeights packed, List<LoraAdapter> adapters, LoadLog log, UnpackedMemory memory) {
        this.memory = memory;
        this.checkpoint = checkpoint;
        this.packed = packed;
        this.adapters = adapters;
        this.log = log;
        for (LoraAdapter a : adapters) a.bind(this::holds);
    }

    private boolean holds(String name) {
        return checkpoint.has(name) || packs(name);
    }

    @Override
    public boolean packs(String name) {
        return name.endsWith(WEIGHT) && packed.has(module(name));
    }

    private static String module(String name) {
        return name.substring(0, name.length() - WEIGHT.length());
    }

    @Override
    public void replaced(String name, Tensor rounded) {
        List<String> parts = checkpoint.has(name) && !packs(name) ? List.of(name) : parts(module(name) + ".");
        long bytes = 0;
        for (String part : parts) bytes += checkpoint.tensor(part).data().byteSize();
        log.made(name, parts);
        log.grew(name, rounded.data().byteSize() - bytes);
    }

    @Override
    public void release(Tensor t) {
        memory.release(t);
    }

    /** What a packed matrix is made of: all of its module but the bias. */
    private List<String> parts(String module) {
        return checkpoint.names().stream().filter(n -> n.startsWith(module) && !n.equals(module + "bias")).toList();
    }

    @Override
    public boolean has(String name) {
        return holds(name) || adapters.stream().anyMatch(a -> a.replaces(name));
    }

    @Override
    public Tensor any(String name) {
        Tensor t = replacement(name).orElseGet(() -> checkpoint.tensor(name));
        return merged(name, t, t.shape());
    }

    @Override
    public Tensor tensor(String name, long... shape) {
        Optional<Tensor> replaced = replacement(name);
        if (replaced.isEmpty() && shape.length == 2 && packs(name)) return merged(name, unpacked(name, shape), shape);
        if (replaced.isEmpty() && !checkpoint.has(name)) {
            throw new CheckpointException(checkpoint.path() + ": tensor " + name + " is missing; the configuration asks for "
                    + Arrays.toString(shape));
        }
        return merged(name, replaced.orElseGet(() -> checkpoint.tensor(name)), shape);
    }

    private Optional<Tensor> replacement(String name) {
        for (LoraAdapter a : adapters.reversed()) {
            Optional<Tensor> t = a.replacement(name);
            if (t.isEmpty()) continue;
            log.step(name, "taken whole from adapter " + a.path().getFileName());
            return t;
        }
        return Optional.empty();
    }

    private Tensor merged(String name, Tensor stored, long[] shape) {
        if (!Arrays.equals(stored.shape(), shape)) {
            throw new CheckpointException(checkpoint.path() + ": tensor " + name + " has shape " + Arrays.toString(stored.shape())
                    + ", but the configuration asks for " + Arrays.toString(shape));
        }
        Tensor t = stored;
        for (LoraAdapter a : adapters) {
            if (!a.changes(name)) continue;
            Tensor sum = a.merged(name, t, packs(name), memory);
            log.grew(name, sum.data().byteSize() - t.data().byteSize());
            log.step(name, a.description(name));
            memory.release(t);
            t = sum;
        }
        return t;
    }

    private Tensor unpacked(String name, long[] shape) {
        PackedMatrix matrix = packed.matrix(module(name), Math.toIntExact(shape[0]), Math.toIntExact(shape[1]));
        Tensor t = Unpacking.tensor(matrix, name, memory);
        long bytes = 0;
        for (String part : matrix.tensors()) {
            Tensor stored = checkpoint.tensor(part);
            bytes += stored.data().byteSize();
            // it is not needed again
            if (stored.data().isMapped()) stored.data().unload();
        }
        log.made(name, matrix.tensors());
        log.step(name, "unpacked from " + matrix.layout() + " to " + t.dtype() + (t.dtype() == DType.F32 ? "" : ", exactly"));
        log.grew(name, t.data().byteSize() - bytes);
        return t;
    }
}
