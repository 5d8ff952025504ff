package dev.winnow.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class WideningTest {
    @Test
    void everyHalfPrecisionNumber() {
        float[] widened = all16(DType.F16).toFloats();
        for (int b = 0; b < 65536; b++) assertSame(widened[b], ieee(b, 5, 10), b);
    }

    @Test
    void everyBfloat16() {
        float[] widened = all16(DType.BF16).toFloats();
        for (int b = 0; b < 65536; b++) assertSame(widened[b], ieee(b, 8, 7), b);
    }

    @Test
    void everyE5m2() {
        float[] widened = all8(DType.F8_E5M2).toFloats();
        for (int b = 0; b < 256; b++) assertSame(widened[b], ieee(b, 5, 2), b);
    }

    @Test
    void everyE4m3() {
        float[] widened = all8(DType.F8_E4M3).toFloats();
        for (int b = 0; b < 256; b++) {
            // apart from its top exponent, which holds ordinary numbers and one NaN, the format is laid out as IEEE would
            float expected = (b & 0x7f) == 0x7f ? Float.NaN : (b & 0x78) == 0x78 ? (8 + (b & 7)) * 32f * (b < 128 ? 1 : -1)
                    : ieee(b, 4, 3);
            assertSame(widened[b], expected, b);
        }
        assertThat(widened[0x7e]).isEqualTo(448f);
        assertThat(widened[0x38]).isEqualTo(1f);
        assertThat(widened[0x01]).isEqualTo(0x1p-9f);
        assertThat(widened[0xff]).isNaN();
    }

    @Test
    void floatsKeepTheirBits() {
        float[] values = {0f, -0f, 1.5f, Float.MIN_VALUE, Float.MAX_VALUE, Float.NEGATIVE_INFINITY, Float.NaN};
        assertThat(Tensor.ofFloats("t", values, 7).toFloats()).containsExactly(values);
    }

    @Test
    void doublesRoundToTheNearestFloat() {
        double[] values = {1 / 3.0, -1e300, 1e-300, Math.nextUp(1.0), 16777217};
        ByteBuffer bytes = little(8 * values.length);
        for (double v : values) bytes.putDouble(v);
        assertThat(tensor(DType.F64, bytes).toFloats()).containsExactly(1 / 3f, Float.NEGATIVE_INFINITY, 0f, 1f, 16777216f);
    }

    @Test
    void signedIntegers() {
        ByteBuffer longs = little(24).putLong(Long.MIN_VALUE).putLong(-1).putLong(Long.MAX_VALUE);
        check(tensor(DType.I64, longs), Long.MIN_VALUE, -1, Long.MAX_VALUE);
        ByteBuffer ints = little(12).putInt(Integer.MIN_VALUE).putInt(-1).putInt(Integer.MAX_VALUE);
        check(tensor(DType.I32, ints), Integer.MIN_VALUE, -1, Integer.MAX_VALUE);
        ByteBuffer shorts = little(6).putShort(Short.MIN_VALUE).putShort((short) -1).putShort(Short.MAX_VALUE);
        check(tensor(DType.I16, shorts), Short.MIN_VALUE, -1, Short.MAX_VALUE);
        check(tensor(DType.I8, little(3).put((byte) -128).put((byte) -1).put((byte) 127)), -128, -1, 127);
    }

    @Test
    void unsignedIntegers() {
        check(tensor(DType.U64, little(16).putLong(1).putLong(Long.MAX_VALUE)), 1, Long.MAX_VALUE);
        check(tensor(DType.U32, little(8).putInt(1).putInt(-1)), 1, 0xffff_ffffL);
        check(tensor(DType.U16, little(4).putShort((short) 1).putShort((short) -1)), 1, 0xffff);
        check(tensor(DType.U8, little(2).put((byte) 1).put((byte) -1)), 1, 0xff);
    }

    @Test
    void booleansAreZeroOrOne() {
        check(tensor(DType.BOOL, little(4).put((byte) 0).put((byte) 1).put((byte) 2).put((byte) -1)), 0, 1, 1, 1);
    }

    @Test
    void largestUnsignedLongsRoundOnce() {
        Random random = new Random(7);
        ByteBuffer bytes = little(8 * 1000);
        float[] expected = new float[1000];
        for (int i = 0; i < 1000; i++) {
            // random low bits, and ties with and without a lowest bit that breaks them
            long v = Long.MIN_VALUE | random.nextLong() & (i % 3 == 0 ? -1L : 0xffff_ff80_0000_0000L) | (i % 3 == 1 ? 1 : 0);
            bytes.putLong(v);
            expected[i] = new BigInteger(Long.toUnsignedString(v)).floatValue();
        }
        assertThat(tensor(DType.U64, bytes).toFloats()).containsExactly(expected);
    }

    @Test
    void unsignedLongBeyondALong() {
        Tensor t = tensor(DType.U64, little(8).putLong(-1));
        assertThatThrownBy(t::toLongs).isInstanceOf(CheckpointException.class).hasMessageContaining("'t'")
                .hasMessageContaining("18446744073709551615");
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"})
    void floatingPointIsNotRoundedToIntegers(DType dtype) {
        Tensor t = tensor(dtype, little(dtype.blockBytes()));
        assertThatThrownBy(t::toLongs).isInstanceOf(CheckpointException.class)
                .hasMessage("tensor 't' holds " + dtype + ", not integers");
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, mode = EnumSource.Mode.EXCLUDE, names = {"Q8_0", "Q4_0"})
    void dataNeedNotBeAligned(DType dtype) {
        byte[] bytes = new byte[1 + 8 * 1000];
        new Random(3).nextBytes(bytes);
        MemorySegment shifted = MemorySegment.ofArray(bytes).asSlice(1);
        MemorySegment aligned = MemorySegment.ofArray(shifted.toArray(ValueLayout.JAVA_BYTE));
        long n = 8000 / dtype.blockBytes();
        assertThat(new Tensor("t", dtype, new long[] {n}, shifted).toFloats())
                .containsExactly(new Tensor("t", dtype, new long[] {n}, aligned).toFloats());
    }

    @Test
    void anotherNameForTheSameData() {
        Tensor t = Tensor.ofLongs("t", new long[] {3, 4}, 2, 1).withName("u");
        assertThat(t.name()).isEqualTo("u");
        assertThat(t.shape()).containsExactly(2, 1);
        assertThat(t.toLongs()).containsExactly(3, 4);
    }

    @Test
    void dataThatDoesNotFillTheShape() {
        assertThatThrownBy(() -> new Tensor("t", DType.F32, new long[] {2}, MemorySegment.ofArray(new byte[7])))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("7 bytes do not fill shape [2] of F32");
        assertThatThrownBy(() -> Tensor.ofFloats("t", new float[3], 2)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Tensor("t", DType.U8, new long[] {-1, -1}, MemorySegment.ofArray(new byte[1])))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("negative");
    }

    /** The textbook value of a sign, exponent and mantissa, computed in double, where all of these formats are exact. */
    private static float ieee(int bits, int exponentBits, int mantissaBits) {
        int mantissa = bits & (1 << mantissaBits) - 1;
        int exponent = bits >> mantissaBits & (1 << exponentBits) - 1;
        int bias = (1 << exponentBits - 1) - 1;
        double sign = (bits >> exponentBits + mantissaBits & 1) == 0 ? 1 : -1;
        double fraction = mantissa / (double) (1 << mantissaBits);
        if (exponent == (1 << exponentBits) - 1) {
            return mantissa == 0 ? (float) (sign * Double.POSITIVE_INFINITY) : Float.NaN;
        }
        double magnitude = exponent == 0 ? fraction * Math.pow(2, 1 - bias) : (1 + fraction) * Math.pow(2, exponent - bias);
        return (float) (sign * magnitude);
    }

    private static void assertSame(float actual, float expected, int bits) {
        // floatToIntBits tells -0 from 0 and holds all NaNs equal
        if (Float.floatToIntBits(actual) != Float.floatToIntBits(expected)) {
            throw new AssertionError(Integer.toHexString(bits) + " should be " + expected + " but is " + actual);
        }
    }

    private static void check(Tensor t, long... expected) {
        assertThat(t.toLongs()).containsExactly(expected);
        float[] floats = new float[expected.length];
        for (int i = 0; i < floats.length; i++) floats[i] = expected[i];
        assertThat(t.toFloats()).containsExactly(floats);
    }

    private static Tensor all16(DType dtype) {
        ByteBuffer bytes = little(2 * 65536);
        for (int b = 0; b < 65536; b++) bytes.putShort((short) b);
        return tensor(dtype, bytes);
    }

    private static Tensor all8(DType dtype) {
        ByteBuffer bytes = little(256);
        for (int b = 0; b < 256; b++) bytes.put((byte) b);
        return tensor(dtype, bytes);
    }

    private static ByteBuffer little(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static Tensor tensor(DType dtype, ByteBuffer bytes) {
        return new Tensor("t", dtype, new long[] {bytes.capacity() / dtype.blockBytes()}, MemorySegment.ofArray(bytes.array()));
    }
}
