package dev.winnow.weights;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * A named array as stored: little-endian, row-major, no padding. A tensor of a {@link Checkpoint} is a view of the mapped file and
 * lives as long as the checkpoint is open.
 *
 * @param shape sizes of the dimensions, outermost first; empty for a scalar
 * @param data  exactly {@code elements() * dtype.bytes()} bytes, not necessarily aligned
 */
public record Tensor(String name, DType dtype, long[] shape, MemorySegment data) {
    private static final ValueLayout.OfFloat FLOATS = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONGS = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

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
        long n = 1;
        for (long d : shape) n = Math.multiplyExact(n, d);
        return n;
    }

    /** Size of a dimension, counted from the end when negative. */
    public int dim(int i) {
        return Math.toIntExact(shape[i < 0 ? shape.length + i : i]);
    }

    private static void requireCount(String name, long count, long[] shape) {
        long n = 1;
        for (long d : shape) n = Math.multiplyExact(n, d);
        if (n != count) {
            throw new IllegalArgumentException("tensor " + name + ": " + count + " values do not fill shape " + Arrays.toString(shape));
        }
    }
}
