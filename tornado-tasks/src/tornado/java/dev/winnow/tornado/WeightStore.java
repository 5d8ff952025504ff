package dev.winnow.tornado;

import dev.winnow.layers.Linear;
import dev.winnow.tornado.kernels.WeightFormat;
import dev.winnow.weights.BlockMatrix;
import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Weights of one format that go to a device together, one after another in one array; norms, biases and the scales of blocks in another,
 * as f32. What is added gets its place at once and is copied when the arrays are made.
 */
final class WeightStore {
    private static final ValueLayout.OfInt WORDS = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final DType dtype;
    private final List<Tensor> tensors = new ArrayList<>();
    private final List<Long> places = new ArrayList<>();
    private final List<float[]> vectors = new ArrayList<>();
    /** Bytes of weights so far, and f32 parameters. */
    private long bytes;
    private long parameters;

    WeightStore(DType dtype) {
        this.dtype = dtype;
    }

    /** A map's places: weight in elements (f32) or words, bias and scales in the parameters or -1. */
    record Place(int weight, int bias, int scales) {}

    /** Whether a weight's products can be computed with on a device. */
    static boolean holds(DType dtype) {
        return switch (dtype) {
            case F32, F16, BF16, Q8_0, Q4_0 -> true;
            default -> false;
        };
    }

    /** Maps of one input one below the other, as if they were one. */
    Place add(List<Linear> maps) {
        int weight = Math.toIntExact(bytes / Float.BYTES);
        boolean biased = maps.stream().anyMatch(m -> m.bias() != null);
        int bias = biased ? Math.toIntExact(parameters) : -1;
        for (Linear m : maps) {
            tensors.add(m.weight());
            places.add(bytes);
            bytes += codeBytes(m.weight());
            if (biased) add(m.bias() == null ? new float[m.out()] : m.bias());
        }
        bytes = (bytes + Float.BYTES - 1) / Float.BYTES * Float.BYTES;
        int scales = dtype.isBlocked() ? Math.toIntExact(parameters) : -1;
        for (Linear m : maps) if (dtype.isBlocked()) add(scales(m.weight()));
        return new Place(weight, bias, scales);
    }

    /** A vector's place in the parameters. */
    int add(float[] vector) {
        int at = Math.toIntExact(parameters);
        vectors.add(vector);
        parameters += vector.length;
        return at;
    }

    private static long codeBytes(Tensor t) {
        if (!t.dtype().isBlocked()) return t.data().byteSize();
        return t.elements() / t.dtype().blockElements() * BlockMatrix.codeBytes(t.dtype());
    }

    private static float[] scales(Tensor t) {
        float[] scales = new float[Math.toIntExact(t.elements() / t.dtype().blockElements())];
        BlockMatrix matrix = BlockMatrix.of(t);
        short[] halves = new short[matrix.in() / BlockMatrix.BLOCK];
        for (int r = 0; r < matrix.rows(); r++) {
            matrix.readScales(r, halves);
            for (int b = 0; b < halves.length; b++) scales[r * halves.length + b] = Float.float16ToFloat(halves[b]);
        }
        return scales;
    }

    /** Bytes that the arrays take on the device. */
    long size() {
        return bytes + parameters * Float.BYTES;
    }

    /** The larger of the two arrays. */
    long largest() {
        return Math.max(bytes, parameters * Float.BYTES);
    }

    int format() {
        return WeightFormat.of(dtype);
    }

    /** The weights as f32; one element where they are not. */
    FloatArray floats() {
        FloatArray floats = new FloatArray(dtype == DType.F32 ? elements() : 1);
        if (dtype == DType.F32) copy(floats.getSegment());
        return floats;
    }

    /** The weights as words; one where they are f32. */
    IntArray words() {
        IntArray words = new IntArray(dtype == DType.F32 ? 1 : elements());
        if (dtype != DType.F32) copy(words.getSegment());
        return words;
    }

    private int elements() {
        return Math.toIntExact(Math.max(1, bytes / Float.BYTES));
    }

    private void copy(MemorySegment target) {
        for (int i = 0; i < tensors.size(); i++) {
            Tensor t = tensors.get(i);
            if (dtype.isBlocked()) copyRows(BlockMatrix.of(t), target, places.get(i));
            else MemorySegment.copy(t.data(), 0, target, places.get(i), codeBytes(t));
        }
    }

    /** Codes row by row, as the kernels read them. */
    private static void copyRows(BlockMatrix matrix, MemorySegment target, long at) {
        int[] codes = new int[matrix.words()];
        for (long r = 0; r < matrix.rows(); r++) {
            matrix.readCodes(r, codes);
            MemorySegment.copy(codes, 0, target, WORDS, at + Integer.BYTES * r * codes.length, codes.length);
        }
    }

    FloatArray parameters() {
        FloatArray all = new FloatArray(Math.toIntExact(Math.max(1, parameters)));
        MemorySegment target = all.getSegment();
        long at = 0;
        for (float[] v : vectors) {
            MemorySegment.copy(v, 0, target, ValueLayout.JAVA_FLOAT, at * Float.BYTES, v.length);
            at += v.length;
        }
        return all;
    }
}
