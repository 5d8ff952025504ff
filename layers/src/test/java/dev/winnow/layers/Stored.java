package dev.winnow.layers;

import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Random;

/** Random arrays, and arrays as a checkpoint stores them. */
final class Stored {
    private static final ValueLayout.OfFloat FLOATS = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORTS = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Stored() {}

    static float[] random(Random random, int n) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) x[i] = (float) random.nextGaussian();
        return x;
    }

    /** A matrix with rows of so many elements in native memory that starts at an odd address, as a tensor in a mapped file may. */
    static MemorySegment unaligned(float[] values, DType dtype, int in) {
        MemorySegment all = Arena.ofAuto().allocate(dtype.bytes(values.length) + 1, 64);
        MemorySegment data = all.asSlice(1);
        write(data, values, dtype, in);
        return data;
    }

    static MemorySegment heap(float[] values, DType dtype, int in) {
        MemorySegment data = MemorySegment.ofArray(new byte[(int) dtype.bytes(values.length)]);
        write(data, values, dtype, in);
        return data;
    }

    private static void write(MemorySegment data, float[] values, DType dtype, int in) {
        if (dtype.isBlocked()) {
            data.copyFrom(blocks(values, dtype, in).data());
            return;
        }
        for (int i = 0; i < values.length; i++) {
            switch (dtype) {
                case F32 -> data.set(FLOATS, 4L * i, values[i]);
                case F16 -> data.set(SHORTS, 2L * i, Float.floatToFloat16(values[i]));
                case BF16 -> data.set(SHORTS, 2L * i, (short) (Float.floatToRawIntBits(values[i]) >>> 16));
                default -> throw new IllegalArgumentException(dtype.name());
            }
        }
    }

    private static Tensor blocks(float[] values, DType dtype, int in) {
        return Quantizer.quantize(Tensor.ofFloats("w", values, values.length / in, in), dtype);
    }

    /** What is read back after a round trip through the type. */
    static float[] rounded(float[] values, DType dtype) {
        if (dtype.isBlocked()) return blocks(values, dtype, values.length).toFloats();
        float[] r = new float[values.length];
        for (int i = 0; i < r.length; i++) {
            r[i] = switch (dtype) {
                case F16 -> Float.float16ToFloat(Float.floatToFloat16(values[i]));
                case BF16 -> Float.intBitsToFloat(Float.floatToRawIntBits(values[i]) & 0xffff0000);
                default -> values[i];
            };
        }
        return r;
    }

    /** What products of few rows make of a vector before it meets rounded weights: codes as of Q8_0, with scales that stay f32. */
    static float[] roundedVector(float[] x) {
        byte[] codes = new byte[x.length];
        float[] scales = new float[x.length / 32];
        new ScalarKernels().roundToBlocks(DType.Q8_0, x, x.length, codes, scales);
        float[] rounded = new float[x.length];
        for (int i = 0; i < x.length; i++) rounded[i] = codes[i] * scales[i / 32];
        return rounded;
    }

    /** Vectors as kernels read them. */
    static FewVectors prepared(Kernels kernels, DType dtype, int in, int out, float[] x, int offset, int stride, int count) {
        FewVectors vectors = new FewVectors();
        vectors.of(x, offset, stride, count);
        kernels.prepare(dtype, in, out, vectors);
        return vectors;
    }

    static Tensor tensor(float[] values, DType dtype, long... shape) {
        return new Tensor("w", dtype, shape, unaligned(values, dtype, values.length / (int) shape[0]));
    }
}
