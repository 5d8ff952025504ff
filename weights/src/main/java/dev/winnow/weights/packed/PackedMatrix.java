package dev.winnow.weights.packed;

import dev.winnow.weights.DType;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/** A matrix [out, in] that a checkpoint holds as codes and scales. Safe for use by many threads while the checkpoint is open. */
public interface PackedMatrix {
    int out();

    int in();

    /** Names of the stored tensors that make it. */
    List<String> tensors();

    /** How it is stored, for people. */
    String layout();

    /** Writes rows, widened, to target [count, in]. Each element is the nearest f32 to the product that the layout defines. */
    void rows(int from, int count, float[] target);

    /** The block format that holds every element exactly, where there is one. */
    Optional<DType> exact();

    /**
     * Writes rows in the {@link #exact} format.
     *
     * @param format that one
     * @param target the whole matrix [out, in] in that format
     */
    void blocks(DType format, int from, int count, MemorySegment target);
}
