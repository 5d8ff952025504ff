package dev.winnow.layers;

import dev.winnow.weights.BlockMatrix;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Rounds weights to blocks of 32 elements that share a scale, by the rules of GGML's Q8_0 and Q4_0: the element furthest from zero
 * becomes 127 or -127 of a Q8_0 block, and -8 of a Q4_0 block, whose scale takes its sign.
 */
public final class Quantizer {
    private static final int BLOCK = BlockMatrix.BLOCK;
    /** The largest f16. */
    private static final float MOST = 65504f;
    /** Elements of a task: enough for a thread to be worth waking. */
    private static final int TASK = 1 << 16;
    /** Elements up to which plain loops, which give the same codes, are done before the JVM has compiled those on vectors. */
    private static final long SMALL = 1 << 20;

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
     * @throws IllegalArgumentException for other types
     * @throws CheckpointException      when an element is too large for the scale, an f16
     */
    public static Tensor quantize(Tensor weight, DType format) {
        if (!format.isBlocked()) throw new IllegalArgumentException(format + " is no block format");
        Kernels kernels = weight.elements() <= SMALL ? new ScalarKernels() : Kernels.best();
        int in = Math.toIntExact(weight.shape()[1]);
        long out = weight.shape()[0];
        MemorySegment blocks = Arena.ofAuto().allocate(Math.max(1, format.bytes(weight.elements())), 64)
                .asSlice(0, format.bytes(weight.elements()));
        BlockMatrix target = new BlockMatrix(blocks, format, in);
        int rows = Gemm.upTo(Math.max(1, TASK / Math.max(1, in)), BlockMatrix.GROUP);
        Workers.shared().each(Math.toIntExact((out + rows - 1) / rows), t -> {
            float[] row = new float[in];
            byte[] coded = new byte[Integer.BYTES * target.words()];
            int[] words = new int[target.words()];
            float[] scaled = new float[in / BLOCK];
            short[] halves = new short[in / BLOCK];
            float largest = 0;
            for (long r = (long) t * rows; r < Math.min(out, (t + 1L) * rows); r++) {
                kernels.widen(weight.data(), weight.dtype(), r * in, row, 0, in);
                kernels.roundToBlocks(format, row, in, coded, scaled);
                for (float scale : scaled) largest = Math.max(largest, Math.abs(scale));
                if (largest > MOST) throw new CheckpointException("tensor " + weight.name() + " has elements too large for " + format);
                for (int b = 0; b < scaled.length; b++) halves[b] = Float.floatToFloat16(scaled[b]);
                MemorySegment.copy(MemorySegment.ofArray(coded), BlockMatrix.WORDS, 0, words, 0, words.length);
                target.write(r, words, halves);
            }
        });
        return new Tensor(weight.name(), format, weight.shape(), blocks);
    }
}
