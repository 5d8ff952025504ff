package dev.winnow.runtime.loading;

import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * Packs matrices as the documentation of other projects says, slowly and one element at a time, and says what the packed matrix is worth.
 * Written without a look at the code that reads them.
 */
final class Packers {
    /** A packed matrix and the floats that it stands for. */
    record Packed(List<Tensor> tensors, float[] values) {}

    interface Packer {
        Packed pack(String module, float[] w, int out, int in);
    }

    private Packers() {}

    // ---- rounding to integers ----

    /** Codes from 0 to 2^bits - 1 with scale and zero point by row and group. */
    private static final class Integers {
        final int[][] codes;
        final float[][] scales;
        final int[][] zeros;
        final float[] values;

        /** @param groupOf group of each column */
        Integers(float[] w, int out, int in, int bits, int[] groupOf, int groups, boolean symmetric, DType scaleType) {
            codes = new int[out][in];
            scales = new float[out][groups];
            zeros = new int[out][groups];
            values = new float[w.length];
            int most = (1 << bits) - 1;
            for (int r = 0; r < out; r++) {
                for (int g = 0; g < groups; g++) {
                    float low = 0;
                    float high = 0;
                    for (int c = 0; c < in; c++) {
                        if (groupOf[c] != g) continue;
                        low = Math.min(low, w[r * in + c]);
                        high = Math.max(high, w[r * in + c]);
                    }
                    float span = symmetric ? 2 * Math.max(-low, high) : high - low;
                    scales[r][g] = rounded(span / most, scaleType);
                    zeros[r][g] = symmetric ? 1 << bits - 1 : Math.clamp(Math.round(-low / scales[r][g]), 1, most);
                }
                for (int c = 0; c < in; c++) {
                    float scale = scales[r][groupOf[c]];
                    int zero = zeros[r][groupOf[c]];
                    codes[r][c] = Math.clamp(Math.round(w[r * in + c] / scale) + zero, 0, most);
                    values[r * in + c] = (codes[r][c] - zero) * scale;
                }
            }
        }
    }

    private static float rounded(float x, DType type) {
        return switch (type) {
            case F16 -> Float.float16ToFloat(Float.floatToFloat16(x));
            case BF16 -> Float.intBitsToFloat(Float.floatToRawIntBits(x) & 0xffff0000);
            default -> x;
        };
    }

    private static int[] inOrder(int in, int groupSize) {
        int[] groupOf = new int[in];
        for (int c = 0; c < in; c++) groupOf[c] = c / groupSize;
        return groupOf;
    }

    // ---- layouts ----

    /**
     * AutoGPTQ: qweight packs down the inputs, qzeros along the outputs, scales [groups, out].
     *
     * @param lessOne   the first version stores zero points less one
     * @param reordered whether columns belong to groups in no order (desc_act)
     */
    static Packer gptq(int bits, int groupSize, boolean symmetric, boolean lessOne, boolean reordered) {
        return (module, w, out, in) -> {
            int size = groupSize < 0 ? in : groupSize;
            int groups = in / size;
            int[] groupOf = inOrder(in, size);
            if (reordered) shuffle(groupOf);
            Integers q = new Integers(w, out, in, bits, groupOf, groups, symmetric, DType.F16);
            int each = 32 / bits;
            int[][] qweight = new int[in / each][out];
            for (int r = 0; r < out; r++) for (int c = 0; c < in; c++) qweight[c / each][r] |= q.codes[r][c] << bits * (c % each);
            int[][] qzeros = new int[groups][out / each];
            float[][] scales = new float[groups][out];
            for (int r = 0; r < out; r++) {
                for (int g = 0; g < groups; g++) {
                    qzeros[g][r / each] |= q.zeros[r][g] - (lessOne ? 1 : 0) << bits * (r % each);
                    scales[g][r] = q.scales[r][g];
                }
            }
            return new Packed(List.of(words(module + ".qweight", qweight), words(module + ".qzeros", qzeros),
                    floats(module + ".scales", scales, DType.F16), words(module + ".g_idx", groupOf)), q.values);
        };
    }

    private static void shuffle(int[] groupOf) {
        List<Integer> all = new ArrayList<>();
        for (int g : groupOf) all.add(g);
        Collections.shuffle(all, new Random(5));
        for (int c = 0; c < groupOf.length; c++) groupOf[c] = all.get(c);
    }

    /** AutoAWQ's GEMM: words along the outputs, nibble i of a word is output ORDER[i] of eight. */
    static Packer awq(int groupSize) {
        int[] order = {0, 2, 4, 6, 1, 3, 5, 7};
        return (module, w, out, in) -> {
            int groups = in / groupSize;
            Integers q = new Integers(w, out, in, 4, inOrder(in, groupSize), groups, false, DType.F16);
            int[][] qweight = new int[in][out / 8];
            int[][] qzeros = new int[groups][out / 8];
            float[][] scales = new float[groups][out];
            for (int word = 0; word < out / 8; word++) {
                for (int i = 0; i < 8; i++) {
                    int r = word * 8 + order[i];
                    for (int c = 0; c < in; c++) qweight[c][word] |= q.codes[r][c] << 4 * i;
                    for (int g = 0; g < groups; g++) {
                        qzeros[g][word] |= q.zeros[r][g] << 4 * i;
                        scales[g][r] = q.scales[r][g];
                    }
                }
            }
            return new Packed(List.of(words(module + ".qweight", qweight), words(module + ".qzeros", qzeros),
                    floats(module + ".scales", scales, DType.F16)), q.values);
        };
    }

    /** compressed-tensors' pack-quantized: words along the inputs, zero points in words down the outputs. */
    static Packer compressedWords(int bits, int groupSize, boolean symmetric, boolean reordered, DType scaleType) {
        return (module, w, out, in) -> {
            int size = groupSize < 0 ? in : groupSize;
            int[] groupOf = inOrder(in, size);
            if (reordered) shuffle(groupOf);
            Integers q = new Integers(w, out, in, bits, groupOf, in / size, symmetric, scaleType);
            int each = 32 / bits;
            int[][] packed = new int[out][(in + each - 1) / each];
            for (int r = 0; r < out; r++) for (int c = 0; c < in; c++) packed[r][c / each] |= q.codes[r][c] << bits * (c % each);
            List<Tensor> tensors = new ArrayList<>(List.of(words(module + ".weight_packed", packed),
                    floats(module + ".weight_scale", q.scales, scaleType), Tensor.ofLongs(module + ".weight_shape", new long[] {out, in}, 2)));
            if (!symmetric) {
                int[][] zeros = new int[(out + each - 1) / each][in / size];
                for (int r = 0; r < out; r++) for (int g = 0; g < in / size; g++) zeros[r / each][g] |= q.zeros[r][g] << bits * (r % each);
                tensors.add(words(module + ".weight_zero_point", zeros));
            }
            if (reordered) tensors.add(words(module + ".weight_g_idx", groupOf));
            return new Packed(tensors, q.values);
        };
    }

    /** compressed-tensors' int-quantized: signed bytes. */
    static Packer compressedBytes(boolean perRow, boolean symmetric, DType scaleType) {
        return (module, w, out, in) -> {
            // one scale for all: as if the matrix were a single row
            Integers q = perRow ? new Integers(w, out, in, 8, new int[in], 1, symmetric, scaleType)
                    : new Integers(w, 1, out * in, 8, new int[out * in], 1, symmetric, scaleType);
            byte[] bytes = new byte[out * in];
            for (int i = 0; i < bytes.length; i++) bytes[i] = (byte) ((perRow ? q.codes[i / in][i % in] : q.codes[0][i]) - 128);
            List<Tensor> tensors = new ArrayList<>(List.of(bytes(module + ".weight", DType.I8, bytes, out, in),
                    floats(module + ".weight_scale", q.scales, scaleType)));
            if (!symmetric) {
                byte[] zeros = new byte[q.zeros.length];
                for (int i = 0; i < zeros.length; i++) zeros[i] = (byte) (q.zeros[i][0] - 128);
                tensors.add(bytes(module + ".weight_zero_point", DType.I8, zeros, zeros.length, 1));
            }
            return new Packed(tensors, q.values);
        };
    }

    /** Eight-bit floats with a scale per rectangle; negative sides stand for the whole matrix. */
    static Packer float8(String part, int height, int width, DType scaleType) {
        return (module, w, out, in) -> {
            int tall = height < 0 ? out : height;
            int wide = width < 0 ? in : width;
            int down = (out + tall - 1) / tall;
            int across = (in + wide - 1) / wide;
            float[][] scales = new float[down][across];
            for (int r = 0; r < out; r++) {
                for (int c = 0; c < in; c++) {
                    scales[r / tall][c / wide] = Math.max(scales[r / tall][c / wide], Math.abs(w[r * in + c]) / 448);
                }
            }
            byte[] bytes = new byte[out * in];
            float[] values = new float[out * in];
            for (float[] row : scales) for (int i = 0; i < row.length; i++) row[i] = rounded(row[i] * 1.01f, scaleType);
            for (int i = 0; i < bytes.length; i++) {
                float scale = scales[i / in / tall][i % in / wide];
                bytes[i] = e4m3(w[i] / scale);
                values[i] = e4m3(bytes[i]) * scale;
            }
            return new Packed(List.of(bytes(module + ".weight", DType.F8_E4M3, bytes, out, in),
                    floats(module + "." + part, scales, scaleType)), values);
        };
    }

    /** The code of sign, four exponent bits and three of mantissa that is nearest to x. */
    private static byte e4m3(float x) {
        int nearest = 0;
        for (int code = 0; code < 256; code++) {
            if ((code & 0x7f) != 0x7f && Math.abs(e4m3((byte) code) - x) < Math.abs(e4m3((byte) nearest) - x)) nearest = code;
        }
        return (byte) nearest;
    }

    private static float e4m3(byte code) {
        int exponent = code >> 3 & 15;
        double magnitude = exponent == 0 ? (code & 7) / 8.0 * Math.pow(2, -6) : (1 + (code & 7) / 8.0) * Math.pow(2, exponent - 7);
        return (float) (code < 0 ? -magnitude : magnitude);
    }

    // ---- tensors ----

    static Tensor words(String name, int[]... rows) {
        int columns = rows[0].length;
        MemorySegment data = MemorySegment.ofArray(new byte[4 * rows.length * columns]);
        for (int r = 0; r < rows.length; r++) {
            for (int c = 0; c < columns; c++) {
                data.set(ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 4L * (r * columns + c), rows[r][c]);
            }
        }
        boolean list = name.endsWith("g_idx");
        return new Tensor(name, DType.I32, list ? new long[] {columns} : new long[] {rows.length, columns}, data);
    }

    static Tensor floats(String name, float[][] rows, DType type) {
        int columns = rows[0].length;
        float[] all = new float[rows.length * columns];
        for (int r = 0; r < rows.length; r++) System.arraycopy(rows[r], 0, all, r * columns, columns);
        return floats(name, all, type, rows.length, columns);
    }

    /** Values that the type holds exactly. */
    static Tensor floats(String name, float[] values, DType type, long... shape) {
        if (type == DType.F32) return Tensor.ofFloats(name, values, shape);
        MemorySegment data = MemorySegment.ofArray(new byte[2 * values.length]);
        for (int i = 0; i < values.length; i++) {
            short half = type == DType.F16 ? Float.floatToFloat16(values[i]) : (short) (Float.floatToRawIntBits(values[i]) >> 16);
            data.set(ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 2L * i, half);
        }
        return new Tensor(name, type, shape, data);
    }

    static Tensor bytes(String name, DType type, byte[] values, long... shape) {
        return new Tensor(name, type, shape, MemorySegment.ofArray(values));
    }
}
