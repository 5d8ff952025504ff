package dev.winnow.layers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class QuantizerTest {
    @Test
    void aBlockOfBytesByHand() {
        float[] x = new float[32];
        x[0] = -254f;
        x[1] = 1f;
        x[2] = 1.01f;
        x[31] = 100f;
        byte[] block = Quantizer.quantize(Tensor.ofFloats("w", x, 1, 32), DType.Q8_0).data().toArray(ValueLayout.JAVA_BYTE);
        // the scale is 2, an f16 of 0x4000
        assertThat(block).hasSize(34).startsWith(-127, 1, 1, 0).endsWith(50, 0x00, 0x40);
    }

    @Test
    void aBlockOfHalfBytesByHand() {
        float[] x = new float[32];
        x[0] = 16f;
        x[1] = -14f;
        x[16] = -16f;
        x[17] = 3f;
        byte[] block = Quantizer.quantize(Tensor.ofFloats("w", x, 1, 32), DType.Q4_0).data().toArray(ValueLayout.JAVA_BYTE);
        // the scale is -2, an f16 of 0xc000; codes are 0, 15, (16 cut to) 15, and 8 - 1.5 rounded up
        assertThat(block).hasSize(18).startsWith((byte) 0xf0, (byte) (15 | 7 << 4), (byte) 0x88).endsWith((byte) 0x88, (byte) 0x00, (byte) 0xc0);
    }

    @Property(tries = 200)
    void elementsAreOffByHalfAStep(@ForAll @IntRange(min = 1, max = 5) int rows, @ForAll @IntRange(min = 1, max = 4) int blocks,
                                   @ForAll @IntRange(min = -2, max = 4) int magnitude, @ForAll long seed) {
        float[] x = Stored.random(new Random(seed), rows * blocks * 32);
        for (int i = 0; i < x.length; i++) x[i] *= (float) Math.pow(10, magnitude);
        Tensor weight = Tensor.ofFloats("w", x, rows, blocks * 32L);
        float[] bytes = Quantizer.quantize(weight, DType.Q8_0).toFloats();
        float[] halves = Quantizer.quantize(weight, DType.Q4_0).toFloats();
        for (int b = 0; b < x.length; b += 32) {
            float most = 0;
            for (int i = b; i < b + 32; i++) most = Math.max(most, Math.abs(x[i]));
            for (int i = b; i < b + 32; i++) {
                // half a step, the scale's own rounding, and the step that the other end of half bytes lacks
                assertThat(bytes[i]).isCloseTo(x[i], within(most * (0.5f / 127 + 1e-3f)));
                assertThat(halves[i]).isCloseTo(x[i], within(most * (1f / 8 + 1e-3f)));
            }
        }
    }

    @Test
    void zerosStayZeros() {
        for (DType format : new DType[] {DType.Q8_0, DType.Q4_0}) {
            for (float v : Quantizer.quantize(Tensor.ofFloats("w", new float[64], 2, 32), format).toFloats()) assertThat(v == 0).isTrue();
        }
    }

    @Test
    void whatDoesNotFitIsRefused() {
        assertThat(Quantizer.fits(Tensor.ofFloats("w", new float[33], 1, 33))).isFalse();
        assertThat(Quantizer.fits(Tensor.ofFloats("w", new float[64], 64))).isFalse();
        assertThat(Quantizer.fits(Tensor.ofFloats("w", new float[64], 2, 32))).isTrue();
        Tensor weight = Tensor.ofFloats("w", new float[32], 1, 32);
        assertThatThrownBy(() -> Quantizer.quantize(weight, DType.BF16)).hasMessageContaining("BF16");
        float[] large = new float[32];
        large[3] = 1e8f;
        assertThatThrownBy(() -> Quantizer.quantize(Tensor.ofFloats("w", large, 1, 32), DType.Q8_0)).hasMessageContaining("tensor w");
    }
}
