package dev.winnow.weights;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * A named array as stored: little-endian, row-major, no padding. A tensor of a {@link Checkpoint} is a view of the mapped file
 * and lives as long as the checkpoint is open.
 *
 * @param shape sizes of the dimensions, outermost first; empty for a scalar
 * @param data  exactly {@code dtype.bytes(elements())} bytes, not necessarily aligned; any other size is an
 *              {@link IllegalArgumentException}, as are rows of a block format that are no whole blocks
 */
public record Tensor(String name, DType dtype, long[] shape, MemorySegment data) {
    private static final ValueLayout.OfFloat FLOATS = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONGS = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    public Tensor {
        if (dtype.isBlocked() && (shape.length == 0 || shape[shape.length - 1] % dtype.blockElements() != 0)) {
            throw new IllegalArgumentException("tensor " + name + ": rows of shape " + Arrays.toString(shape) + " are no whole blocks of "
                    + dtype);
        }
        if (data.byteSize() != dtype.bytes(count(shape))) {
            throw new IllegalArgumentException("tensor " + name + ": " + data.byteSize() + " bytes do not fill shape "
                    + Arrays.toString(shape) + " of " + dtype);
        }
    }

    /** An F32 tensor on the heap. */
    public static Tensor ofFloats(String name, float[] values, long... shape) {
        requireCount(name, values.length, shape);
        MemorySegment data = MemorySegment.ofArray(new byte[Math.multiplyExact(values.length, Float.BYTES)]);
        for (int i = 0; i < values.length; i++) data.set(FLOATS, 4L * i, values[i]);
        return new Tensor(name, DType.F32, shape, data);
    }

    /** An I64 tensor on the heap. */
    public static Tensor ofLongs(String name, long[] values, long... shape) {
        requireCount(name, values.length, shape);
        MemorySegment data = MemorySegment.ofArray(new byte[Math.multiplyExact(values.length, Long.BYTES)]);
        for (int i = 0; i < values.length; i++) data.set(LONGS, 8L * i, values[i]);
        return new Tensor(name, DType.I64, shape, data);
    }

    /** Number of elements: the product of the shape. */
    public long elements() {
        return count(shape);
    }

    /** Size of a dimension, counted from the end when negative. */
    public int dim(int i) {
        return Math.toIntExact(shape[i < 0 ? shape.length + i : i]);
    }

    /** The same elements under another name; nothing is copied. */
    public Tensor withName(String other) {
        return new Tensor(other, dtype, shape, data);
    }

    /**
     * All elements in row-major order, each converted to the nearest float; BOOL gives 0 and 1.
     *
     * @throws CheckpointException   when there are more elements than a Java array can hold
     * @throws IllegalStateException when the tensor's checkpoint has been closed
     */
    public float[] toFloats() {
        return Widen.floats(this);
    }

    /**
     * All elements of an integer or BOOL tensor in row-major order; BOOL gives 0 and 1.
     *
     * @throws CheckpointException   when the dtype is a floating-point one, a U64 element does not fit a long, or there are more
     *                               elements than a Java array can hold
     * @throws IllegalStateException when the tensor's checkpoint has been closed
     */
    public long[] toLongs() {
        return Widen.longs(this);
    }

    /** Product of the sizes, which are never negative. */
    private static long count(long[] shape) {
        long n = 1;
        for (long d : shape) {
            if (d < 0) throw new IllegalArgumentException("negative size in shape " + Arrays.toString(shape));
            n = Math.multiplyExact(n, d);
        }
        return n;
    }

    private static void requireCount(String name, long count, long[] shape) {
        if (count(shape) != count) {
            throw new IllegalArgumentException("tensor " + name + ": " + count + " values do not fill shape "
                    + Arrays.toString(shape));
        }
    }
}
