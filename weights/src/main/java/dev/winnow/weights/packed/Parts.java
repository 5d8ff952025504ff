package dev.winnow.weights.packed;

import dev.winnow.weights.Checkpoint;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.DType;
import dev.winnow.weights.Quoted;
import dev.winnow.weights.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** The tensors of a packed matrix, asked for by the last part of their name, checked, and remembered. */
final class Parts {
    private final Checkpoint checkpoint;
    private final String module;
    private final List<String> names = new ArrayList<>();

    Parts(Checkpoint checkpoint, String module) {
        this.checkpoint = checkpoint;
        this.module = module;
    }

    boolean has(String part) {
        return checkpoint.has(module + "." + part);
    }

    Tensor any(String part) {
        Tensor t = checkpoint.tensor(module + "." + part);
        if (!names.contains(t.name())) names.add(t.name());
        return t;
    }

    Optional<Tensor> optional(String part) {
        return has(part) ? Optional.of(any(part)) : Optional.empty();
    }

    /** @param layout what asks, for the message */
    Tensor tensor(String part, DType dtype, String layout, long... shape) {
        Tensor t = any(part);
        if (t.dtype() == dtype && Arrays.equals(t.shape(), shape)) return t;
        throw bad(part, "is " + t.dtype() + Arrays.toString(t.shape()) + ", but " + layout + " asks for " + dtype + Arrays.toString(shape));
    }

    /** Scales: F16, BF16 or F32. */
    Tensor scales(String part) {
        Tensor t = any(part);
        return switch (t.dtype()) {
            case F16, BF16, F32 -> t;
            default -> throw bad(part, "has dtype " + t.dtype() + "; scales can be F16, BF16 or F32");
        };
    }

    List<String> names() {
        return List.copyOf(names);
    }

    CheckpointException bad(String part, String what) {
        return new CheckpointException(checkpoint.path() + ": tensor " + Quoted.plain(module + "." + part) + " " + what);
    }
}
