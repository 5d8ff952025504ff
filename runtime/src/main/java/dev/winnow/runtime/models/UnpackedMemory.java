package dev.winnow.runtime.models;

import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/**
 * The memory of matrices that loading makes: unpacked, or the sum of a base and an adapter. What was only a step on the way to another
 * matrix goes back at once, so that no more than one such step of a model is in memory; the rest when the model is closed. Not
 * thread-safe.
 */
final class UnpackedMemory implements AutoCloseable {
    private static final int ALIGNMENT = 64;

    /** By the address of what they hold; null where the garbage collector frees it, for want of somebody who closes this. */
    private final Map<Long, Arena> arenas;

    private UnpackedMemory(Map<Long, Arena> arenas) {
        this.arenas = arenas;
    }

    static UnpackedMemory closed() {
        return new UnpackedMemory(new HashMap<>());
    }

    static UnpackedMemory collected() {
        return new UnpackedMemory(null);
    }

    MemorySegment allocate(DType format, long rows, long columns) {
        long bytes = format.bytes(Math.multiplyExact(rows, columns));
        Arena arena = arenas == null ? Arena.ofAuto() : Arena.ofShared();
        MemorySegment data = arena.allocate(Math.max(1, bytes), ALIGNMENT).asSlice(0, bytes);
        if (arenas != null) arenas.put(data.address(), arena);
        return data;
    }

    /** Frees a tensor that nobody will look at again; one that was not made here stays. */
    void release(Tensor t) {
        if (arenas == null) return;
        Arena arena = arenas.remove(t.data().address());
        if (arena != null) arena.close();
    }

    /** Matrices that are held. */
    int held() {
        return arenas == null ? 0 : arenas.size();
    }

    @Override
    public void close() {
        if (arenas == null) return;
        arenas.values().forEach(Arena::close);
        arenas.clear();
    }
}
