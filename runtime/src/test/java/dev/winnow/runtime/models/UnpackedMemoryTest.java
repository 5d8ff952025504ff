package dev.winnow.runtime.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Matrices that loading makes go as soon as they are only a step on the way to others. */
class UnpackedMemoryTest {
    /** A source that makes every matrix, and keeps what it may not have back. */
    private static final class Making implements WeightScope.Source {
        final UnpackedMemory memory = UnpackedMemory.closed();
        final Set<String> released = new HashSet<>();

        @Override
        public boolean has(String name) {
            return true;
        }

        @Override
        public Tensor tensor(String name, long... shape) {
            long rows = shape[0];
            long columns = shape.length > 1 ? shape[1] : 1;
            return new Tensor(name, DType.F32, shape, memory.allocate(DType.F32, rows, columns));
        }

        @Override
        public Tensor any(String name) {
            throw new IllegalStateException(name);
        }

        @Override
        public void release(Tensor t) {
            released.add(t.name());
            memory.release(t);
        }
    }

    @Test
    void whatWasRoundedOrTurnedIsFreed() {
        Making source = new Making();
        WeightScope root = WeightScope.of(source);
        Tensor kept = root.linear("as it is", 64, 32, false).weight();
        assertThat(source.released).isEmpty();
        Tensor rounded = root.quantized(Quantization.Q8).linear("rounded", 64, 32, false).weight();
        root.turned("turned", 8, 4);
        assertThat(source.released).containsExactlyInAnyOrder("rounded.weight", "turned");
        assertThat(source.memory.held()).isEqualTo(1);
        assertThat(rounded.dtype()).isEqualTo(DType.Q8_0);
        assertThat(rounded.toFloats()).hasSize(64 * 32).containsOnly(0f);
        assertThat(kept.toFloats()).containsOnly(0f);
        source.memory.close();
        assertThat(source.memory.held()).isZero();
        assertThatThrownBy(kept::toFloats).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void whatIsNotOfHereStays() {
        UnpackedMemory memory = UnpackedMemory.closed();
        Tensor other = Tensor.ofFloats("other", new float[] {1, 2}, 2);
        memory.release(other);
        assertThat(other.toFloats()).containsExactly(1, 2);
        UnpackedMemory collected = UnpackedMemory.collected();
        Tensor t = new Tensor("t", DType.F32, new long[] {2, 2}, collected.allocate(DType.F32, 2, 2));
        collected.release(t);
        collected.close();
        assertThat(t.toFloats()).containsOnly(0f);
    }
}
