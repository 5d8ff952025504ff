package dev.winnow.examples.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

/** Blocks against values worked out by hand from the rules of ggml's reference code. */
class GgmlTypeTest {
    private static ByteBuffer encoded(GgmlType type, float... row) {
        ByteBuffer bytes = ByteBuffer.allocate(type.rowBytes(row.length)).order(ByteOrder.LITTLE_ENDIAN);
        type.encode(row, bytes);
        assertThat(bytes.hasRemaining()).isFalse();
        return bytes.flip();
    }

    /** A row of 32 with some values at the front. */
    private static float[] block(float... front) {
        float[] block = new float[32];
        System.arraycopy(front, 0, block, 0, front.length);
        return block;
    }

    @Test
    void q8IsAHalfPrecisionScaleAndThirtyTwoBytes() {
        // the greatest magnitude is 127 / 4, so the scale is 1 / 4, which half precision has exactly: 0x3400
        ByteBuffer b = encoded(GgmlType.Q8_0, block(-31.75f, 1f, 0.125f, -0.125f, 0.1f, 0.375f));
        assertThat(b.remaining()).isEqualTo(34);
        assertThat(b.getShort(0)).isEqualTo((short) 0x3400);
        // -127, 4, halves away from zero, what is below a half to zero, one and a half to two
        assertThat(new byte[] {b.get(2), b.get(3), b.get(4), b.get(5), b.get(6), b.get(7), b.get(8)})
                .containsExactly(-127, 4, 1, -1, 0, 2, 0);
    }

    @Test
    void q8OfTheLargestFloatBelowAHalfIsZero() {
        ByteBuffer b = encoded(GgmlType.Q8_0, block(127f, Math.nextDown(0.5f), -Math.nextDown(0.5f)));
        assertThat(new byte[] {b.get(2), b.get(3), b.get(4)}).containsExactly(127, 0, 0);
    }

    @Test
    void q4MapsTheFurthestValueToMinusEight() {
        float[] row = block(4f, -4.5f, 1f);
        row[16] = -16f;
        row[17] = 16f;
        row[18] = -1f;
        ByteBuffer b = encoded(GgmlType.Q4_0, row);
        assertThat(b.remaining()).isEqualTo(18);
        // -16 came first, so the scale is -16 / -8 = 2: 0x4000
        assertThat(b.getShort(0)).isEqualTo((short) 0x4000);
        // low halves: 4/2 + 8, -4.5/2 + 8 = 5.75 rounded, 0.5 + 8 rounded up; high halves: -8 + 8, 16 capped at 15, -0.5 + 8 rounded up
        assertThat(b.get(2) & 0xff).isEqualTo(0 << 4 | 10);
        assertThat(b.get(3) & 0xff).isEqualTo(15 << 4 | 6);
        assertThat(b.get(4) & 0xff).isEqualTo(8 << 4 | 9);
        assertThat(b.get(5) & 0xff).isEqualTo(8 << 4 | 8);
    }

    @Test
    void q4OfAPositiveExtremeHasANegativeScale() {
        ByteBuffer b = encoded(GgmlType.Q4_0, block(8f, -8f, 3f));
        assertThat(b.getShort(0)).isEqualTo(Float.floatToFloat16(-1f));
        assertThat(b.get(2) & 0xf).isZero();
        assertThat(b.get(3) & 0xf).isEqualTo(15);
        assertThat(b.get(4) & 0xf).isEqualTo(5);
    }

    @Test
    void blocksOfZerosAreZeros() {
        ByteBuffer q8 = encoded(GgmlType.Q8_0, block());
        for (int i = 0; i < 34; i++) assertThat(q8.get(i)).isZero();
        ByteBuffer q4 = encoded(GgmlType.Q4_0, block());
        assertThat(q4.getShort(0) & 0x7fff).isZero();
        for (int i = 2; i < 18; i++) assertThat(q4.get(i)).isEqualTo((byte) 0x88);
    }

    @Test
    void blocksFollowOneAnother() {
        float[] row = new float[64];
        row[0] = 127;
        row[32] = 254;
        row[63] = -2;
        ByteBuffer b = encoded(GgmlType.Q8_0, row);
        assertThat(b.getShort(34)).isEqualTo(Float.floatToFloat16(2f));
        assertThat(b.get(36)).isEqualTo((byte) 127);
        assertThat(b.get(67)).isEqualTo((byte) -1);
    }

    @Test
    void bf16KeepsWhatItHoldsAndRoundsTheRestToEven() {
        float held = Float.intBitsToFloat(0x3f81_0000);
        ByteBuffer b = encoded(GgmlType.BF16, held, Float.intBitsToFloat(0x3f80_8000), Float.intBitsToFloat(0x3f81_8000),
                Float.intBitsToFloat(0xbf80_8001));
        assertThat(new short[] {b.getShort(0), b.getShort(2), b.getShort(4), b.getShort(6)})
                .containsExactly((short) 0x3f81, (short) 0x3f80, (short) 0x3f82, (short) 0xbf81);
    }

    @Test
    void rowsAreWholeBlocks() {
        assertThatThrownBy(() -> GgmlType.Q4_0.rowBytes(40)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("multiple of 32");
        assertThat(GgmlType.Q4_0.rowBytes(64)).isEqualTo(36);
        assertThat(GgmlType.F32.rowBytes(3)).isEqualTo(12);
    }
}
