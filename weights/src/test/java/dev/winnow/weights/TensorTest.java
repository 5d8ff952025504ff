package dev.winnow.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Views of a tensor and copies of it in another order. */
class TensorTest {
    private static final int ROWS = 70;
    private static final int COLUMNS = 9;

    private static Tensor random(DType dtype) {
        byte[] bytes = new byte[ROWS * COLUMNS * dtype.bytes()];
        new Random(3).nextBytes(bytes);
        return new Tensor("w", dtype, new long[] {ROWS, COLUMNS}, MemorySegment.ofArray(bytes));
    }

    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"F32", "F16", "BF16"})
    void transposedHasEveryElementInItsPlace(DType dtype) {
        Tensor t = random(dtype);
        Tensor turned = t.transposed();
        assertThat(turned.shape()).containsExactly(COLUMNS, ROWS);
        float[] from = t.toFloats();
        float[] to = turned.toFloats();
        for (int i = 0; i < from.length; i++) assertThat(Float.compare(to[i % COLUMNS * ROWS + i / COLUMNS], from[i])).isZero();
        assertThat(turned.transposed().data().mismatch(t.data())).isEqualTo(-1);
    }

    @Test
    void onlyMatricesOfWeightsAreTransposed() {
        assertThatThrownBy(() -> Tensor.ofFloats("v", new float[4], 4).transposed()).hasMessageContaining("tensor v cannot be transposed");
        assertThatThrownBy(() -> Tensor.ofLongs("l", new long[4], 2, 2).transposed()).hasMessageContaining("I64[2, 2]");
    }

    @Test
    void rowsAreAView() {
        Tensor t = Tensor.ofFloats("w", new float[] {0, 1, 2, 3, 4, 5}, 3, 2);
        Tensor rows = t.rows(1, 2);
        assertThat(rows.shape()).containsExactly(2, 2);
        assertThat(rows.toFloats()).containsExactly(2, 3, 4, 5);
        t.data().set(ValueLayout.JAVA_INT_UNALIGNED, 8, 0);
        assertThat(rows.toFloats()[0]).isZero();
        assertThat(t.rows(3, 0).toFloats()).isEmpty();
        for (long[] beyond : new long[][] {{2, 2}, {-1, 1}, {0, 4}}) {
            assertThatThrownBy(() -> t.rows(beyond[0], beyond[1])).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void gatheredHasRowsInTheOrderAskedFor() {
        Tensor t = Tensor.ofFloats("w", new float[] {0, 1, 2, 3, 4, 5}, 3, 2);
        assertThat(t.gathered(new int[] {2, 0, 2, 1}).toFloats()).containsExactly(4, 5, 0, 1, 4, 5, 2, 3);
    }
}
