package dev.winnow.weights;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Copies a stored tensor to a Java array, widening each element. */
final class Widen {
    private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;
    private static final ValueLayout.OfDouble F64 = ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(LE);
    private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(LE);
    private static final ValueLayout.OfLong I64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LE);
    private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LE);
    private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LE);
    private static final ValueLayout.OfByte I8 = ValueLayout.JAVA_BYTE;

    // some virtual machines cannot allocate the last few lengths an int can spell
    private static final int LONGEST_ARRAY = Integer.MAX_VALUE - 8;
    // half-precision data goes through a block that stays in the first-level cache, where the compiler can vectorise the loop
    private static final int BLOCK = 4096;
    private static final ThreadLocal<short[]> HALVES = ThreadLocal.withInitial(() -> new short[BLOCK]);

    private Widen() {}

    static float[] floats(Tensor t) {
        float[] out = new float[length(t)];
        floats(t, 0, out.length, out, 0);
        return out;
    }

    /** Elements from .. from + n - 1 of a tensor into out, from an offset on. */
    static void floats(Tensor t, long from, int n, float[] out, int at) {
        MemorySegment s = t.data();
        switch (t.dtype()) {
            case F32 -> MemorySegment.copy(s, F32, 4 * from, out, at, n);
            case F16, BF16 -> halves(s, from, n, t.dtype() == DType.F16, out, at);
            case F64 -> { for (int i = 0; i < n; i++) out[at + i] = (float) s.get(F64, 8 * (from + i)); }
            case F8_E4M3 -> { for (int i = 0; i < n; i++) out[at + i] = Float8.E4M3[s.get(I8, from + i) & 0xff]; }
            case F8_E5M2 -> { for (int i = 0; i < n; i++) out[at + i] = Float8.E5M2[s.get(I8, from + i) & 0xff]; }
            case I64 -> { for (int i = 0; i < n; i++) out[at + i] = s.get(I64, 8 * (from + i)); }
            case U64 -> { for (int i = 0; i < n; i++) out[at + i] = unsigned(s.get(I64, 8 * (from + i))); }
            case I32 -> { for (int i = 0; i < n; i++) out[at + i] = s.get(I32, 4 * (from + i)); }
            case U32 -> { for (int i = 0; i < n; i++) out[at + i] = s.get(I32, 4 * (from + i)) & 0xffff_ffffL; }
            case I16 -> { for (int i = 0; i < n; i++) out[at + i] = s.get(I16, 2 * (from + i)); }
            case U16 -> { for (int i = 0; i < n; i++) out[at + i] = s.get(I16, 2 * (from + i)) & 0xffff; }
            case I8 -> { for (int i = 0; i < n; i++) out[at + i] = s.get(I8, from + i); }
            case U8 -> { for (int i = 0; i < n; i++) out[at + i] = s.get(I8, from + i) & 0xff; }
            case BOOL -> { for (int i = 0; i < n; i++) out[at + i] = s.get(I8, from + i) == 0 ? 0 : 1; }
            case Q8_0, Q4_0 -> blocks(BlockMatrix.of(t), from, n, out, at);
        }
    }

    static long[] longs(Tensor t) {
        switch (t.dtype()) {
            case F64, F32, F16, BF16, F8_E4M3, F8_E5M2, Q8_0, Q4_0 ->
                throw new CheckpointException("tensor " + Quoted.name(t.name()) + " holds " + t.dtype() + ", not integers");
            default -> { }
        }
        int n = length(t);
        long[] out = new long[n];
        MemorySegment s = t.data();
        switch (t.dtype()) {
            case I64 -> MemorySegment.copy(s, I64, 0, out, 0, n);
            case U64 -> {
                MemorySegment.copy(s, I64, 0, out, 0, n);
                for (long v : out) {
                    if (v < 0) {
                        throw new CheckpointException("tensor " + Quoted.name(t.name()) + " holds " + Long.toUnsignedString(v)
                                + ", over the largest long");
                    }
                }
            }
            case I32 -> { for (int i = 0; i < n; i++) out[i] = s.get(I32, 4L * i); }
            case U32 -> { for (int i = 0; i < n; i++) out[i] = s.get(I32, 4L * i) & 0xffff_ffffL; }
            case I16 -> { for (int i = 0; i < n; i++) out[i] = s.get(I16, 2L * i); }
            case U16 -> { for (int i = 0; i < n; i++) out[i] = s.get(I16, 2L * i) & 0xffff; }
            case I8 -> { for (int i = 0; i < n; i++) out[i] = s.get(I8, i); }
            case U8 -> { for (int i = 0; i < n; i++) out[i] = s.get(I8, i) & 0xff; }
            case BOOL -> { for (int i = 0; i < n; i++) out[i] = s.get(I8, i) == 0 ? 0 : 1; }
            default -> throw new AssertionError(t.dtype());
        }
        return out;
    }

    private static int length(Tensor t) {
        long n = t.elements();
        if (n > LONGEST_ARRAY) {
            throw new CheckpointException("tensor " + Quoted.name(t.name()) + " has " + n
                    + " elements, more than a Java array can hold (" + LONGEST_ARRAY + ")");
        }
        return (int) n;
    }

    private static void halves(MemorySegment s, long first, int count, boolean ieee, float[] out, int at) {
        short[] block = HALVES.get();
        for (int from = 0; from < count; from += BLOCK) {
            int n = Math.min(BLOCK, count - from);
            MemorySegment.copy(s, I16, 2 * (first + from), block, 0, n);
            int to = at + from;
            if (ieee) {
                for (int i = 0; i < n; i++) out[to + i] = Float.float16ToFloat(block[i]);
            } else {
                for (int i = 0; i < n; i++) out[to + i] = Float.intBitsToFloat(block[i] << 16);
            }
        }
    }

    private static void blocks(BlockMatrix m, long from, int n, float[] out, int at) {
        int k = 0;
        while (k < n) {
            long row = (from + k) / m.in();
            int i = (int) ((from + k) % m.in());
            if (i == 0 && n - k >= m.in()) {
                m.widen(row, out, at + k);
                k += m.in();
            } else {
                out[at + k++] = m.element(row, i);
            }
        }
    }

    // halved with the lost bit kept sticky, so the one rounding is the right one
    private static float unsigned(long v) {
        return v >= 0 ? v : 2f * (v >>> 1 | v & 1);
    }
}
