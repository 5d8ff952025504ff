package dev.winnow.weights;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Objects;
import java.util.stream.IntStream;

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
    private static final ValueLayout.OfShort HALVES = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfInt WORDS = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong LONGS = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Of copies, for kernels that read whole vectors. */
    private static final int ALIGNMENT = 64;
    /** Rows of a matrix that are transposed together. */
    private static final int BAND = 64;

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
     * Some consecutive entries of the outermost dimension, as a view, or as a copy in a block format; not of a scalar.
     *
     * @throws IndexOutOfBoundsException when there are not so many
     */
    public Tensor rows(long from, long count) {
        Objects.checkFromIndexSize(from, count, shape[0]);
        if (dtype.isBlocked()) return gathered(IntStream.range(Math.toIntExact(from), Math.toIntExact(from + count)).toArray());
        long bytes = data.byteSize() / Math.max(1, shape[0]);
        long[] some = shape.clone();
        some[0] = count;
        return new Tensor(name, dtype, some, data.asSlice(from * bytes, count * bytes));
    }

    /** A copy with entries of the outermost dimension in another order: entry i is entry order[i] of this tensor. */
    public Tensor gathered(int[] order) {
        long bytes = data.byteSize() / Math.max(1, shape[0]);
        MemorySegment copy = Arena.ofAuto().allocate(order.length * bytes, ALIGNMENT);
        long[] some = shape.clone();
        some[0] = order.length;
        Tensor gathered = new Tensor(name, dtype, some, copy);
        if (dtype.isBlocked()) gatherBlocks(gathered, order);
        else for (int i = 0; i < order.length; i++) MemorySegment.copy(data, order[i] * bytes, copy, i * bytes, bytes);
        return gathered;
    }

    private void gatherBlocks(Tensor target, int[] order) {
        BlockMatrix from = BlockMatrix.of(this);
        BlockMatrix to = BlockMatrix.of(target);
        int rows = Math.toIntExact(from.rows() / Math.max(1, shape[0]));
        int[] codes = new int[from.words()];
        short[] scales = new short[from.in() / BlockMatrix.BLOCK];
        for (int i = 0; i < order.length * rows; i++) {
            long row = (long) order[i / rows] * rows + i % rows;
            from.readCodes(row, codes);
            from.readScales(row, scales);
            to.write(i, codes, scales);
        }
    }

    /** A copy of a matrix [a, b], of elements of 2 or 4 bytes, as [b, a]. */
    public Tensor transposed() {
        if (shape.length != 2 || dtype.isBlocked() || dtype.blockBytes() != 2 && dtype.blockBytes() != 4) {
            throw new IllegalArgumentException("tensor " + name + " cannot be transposed: it is " + dtype + Arrays.toString(shape));
        }
        int rows = dim(0);
        int columns = dim(1);
        MemorySegment copy = Arena.ofAuto().allocate(data.byteSize(), ALIGNMENT);
        // column by column of a band of rows, so that a band's cache lines are used whole
        for (int band = 0; band < rows; band += BAND) {
            int end = Math.min(rows, band + BAND);
            for (int c = 0; c < columns; c++) {
                if (dtype.blockBytes() == 2) turn(data, copy, band, end, c, rows, columns);
                else turnWide(data, copy, band, end, c, rows, columns);
            }
        }
        return new Tensor(name, dtype, new long[] {columns, rows}, copy);
    }

    private static void turn(MemorySegment from, MemorySegment to, int first, int end, int c, long rows, long columns) {
        for (int r = first; r < end; r++) to.set(HALVES, 2 * (c * rows + r), from.get(HALVES, 2 * (r * columns + c)));
    }

    private static void turnWide(MemorySegment from, MemorySegment to, int first, int end, int c, long rows, long columns) {
        for (int r = first; r < end; r++) to.set(WORDS, 4 * (c * rows + r), from.get(WORDS, 4 * (r * columns + c)));
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
     * Copies some consecutive elements in row-major order, converted as {@link #toFloats} does, without allocating anything.
     *
     * @throws IndexOutOfBoundsException when there are not so many, or target has no room for them
     */
    public void copyTo(long from, int count, float[] target, int offset) {
        Objects.checkFromIndexSize(from, count, elements());
        Objects.checkFromIndexSize(offset, count, target.length);
        Widen.floats(this, from, count, target, offset);
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
