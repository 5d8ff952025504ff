package dev.winnow.runtime.models;

import dev.winnow.layers.Workers;
import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import dev.winnow.weights.packed.PackedMatrix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Brings matrices that a checkpoint packs into a type that products can be computed with, on all threads. */
final class Unpacking {
    private static final ValueLayout.OfFloat FLOATS = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    /** Elements of a task. */
    private static final int TASK = 1 << 18;

    private Unpacking() {}

    /** What writes a band of rows. */
    interface Band {
        void write(int from, int count);
    }

    /** The matrix in blocks of ours where they hold every element exactly, else as f32. */
    static Tensor tensor(PackedMatrix packed, String name, UnpackedMemory memory) {
        DType format = packed.exact().orElse(DType.F32);
        MemorySegment data = memory.allocate(format, packed.out(), packed.in());
        bands(packed.out(), packed.in(), (from, count) -> {
            if (format.isBlocked()) {
                packed.blocks(format, from, count, data);
            } else {
                float[] rows = new float[count * packed.in()];
                packed.rows(from, count, rows);
                copy(rows, data, (long) from * packed.in());
            }
        });
        return new Tensor(name, format, new long[] {packed.out(), packed.in()}, data);
    }

    /** Writes floats to the elements of a matrix from one on. */
    static void copy(float[] values, MemorySegment data, long element) {
        MemorySegment.copy(values, 0, data, FLOATS, Float.BYTES * element, values.length);
    }

    /** Runs over all rows, some at a time. */
    static void bands(int rows, int columns, Band band) {
        int each = Math.max(1, TASK / Math.max(1, columns));
        Workers.shared().each(Math.ceilDiv(rows, each), t -> band.write(t * each, Math.min(each, rows - t * each)));
    }
}
