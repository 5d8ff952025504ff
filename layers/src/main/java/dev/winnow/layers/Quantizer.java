package dev.winnow.layers;

import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Rounds weights to blocks of 32 elements that share a scale, by the rules of GGML's Q8_0 and Q4_0: the element furthest from zero
 * becomes 127 or -127 of a Q8_0 block, and -8 of a Q4_0 block, whose scale takes its sign.
 */
public final class Quantizer {
    private static final ValueLayout.OfShort SHORTS = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int BLOCK = 32;
    /** Elements of a task: enough for a thread to be worth waking. */
    private static final int TASK = 1 << 16;

    private Quantizer() {}

    /** Whether a tensor's rows, [out, all other dimensions], are whole blocks. */
    public static boolean fits(Tensor weight) {
        return weight.shape().length == 2 && weight.shape()[1] % BLOCK == 0;
    }

    /**
     * A rounded copy in memory of its own, made on all threads of the shared pool.
     *
     * @param weight F32, F16 or BF16, {@link #fits fitting}
     * @param format Q8_0 or Q4_0
     * @throws IllegalArgumentException for other types, or when an element is too large for the scale, an f16
     */
    public static Tensor quantize(Tensor weight, DType format) {
        if (!format.isBlocked()) throw new IllegalArgumentException(format + " is no block format");
        Kernels kernels = Kernels.best();
        int in = Math.toIntExact(weight.shape()[1]);
        long out = weight.shape()[0];
        MemorySegment blocks = Arena.ofAuto().allocate(Math.max(1, format.bytes(weight.elements())), 64)
                .asSlice(0, format.bytes(weight.elements()));
        int rows = Math.max(1, TASK / Math.max(1, in));
        Workers.shared().each(Math.toIntExact((out + rows - 1) / rows), t -> {
            float[] row = new float[in];
            for (long r = (long) t * rows; r < Math.min(out, (t + 1L) * rows); r++) {
                kernels.widen(weight.data(), weight.dtype(), r * in, row, 0, in);
                long at = format.bytes(r * in);
                for (int p = 0; p < in; p += BLOCK, at += format.blockBytes()) {
                    float scale = format == DType.Q8_0 ? bytes(row, p, blocks, at) : halfBytes(row, p, blocks, at);
                    if (Float.isInfinite(scale)) {
                        throw new IllegalArgumentException("tensor " + weight.name() + ": elements too large for " + format);
                    }
                }
            }
        });
        return new Tensor(weight.name(), format, weight.shape(), blocks);
    }

    private static float bytes(float[] x, int from, MemorySegment block, long at) {
        float most = 0;
        for (int i = 0; i < BLOCK; i++) most = Math.max(most, Math.abs(x[from + i]));
        float scale = most / 127;
        float inverse = scale == 0 ? 0 : 1 / scale;
        for (int i = 0; i < BLOCK; i++) {
            float code = x[from + i] * inverse;
            // to the nearest, halves away from zero
            block.set(ValueLayout.JAVA_BYTE, at + 2 + i, (byte) (int) (code + Math.copySign(0.5f, code)));
        }
        return store(scale, block, at);
    }

    private static float halfBytes(float[] x, int from, MemorySegment block, long at) {
        float furthest = 0;
        for (int i = 0; i < BLOCK; i++) if (Math.abs(x[from + i]) > Math.abs(furthest)) furthest = x[from + i];
        // plus 0: the scale of zeros is not negative
        float scale = furthest / -8 + 0f;
        float inverse = scale == 0 ? 0 : 1 / scale;
        for (int i = 0; i < BLOCK / 2; i++) {
            int low = Math.min(15, (int) (x[from + i] * inverse + 8.5f));
            int high = Math.min(15, (int) (x[from + BLOCK / 2 + i] * inverse + 8.5f));
            block.set(ValueLayout.JAVA_BYTE, at + 2 + i, (byte) (low | high << 4));
        }
        return store(scale, block, at);
    }

    /** Stores a scale as f16 and returns what was stored. */
    private static float store(float scale, MemorySegment block, long at) {
        short half = Float.floatToFloat16(scale);
        block.set(SHORTS, at, half);
        return Float.float16ToFloat(half);
    }
}
