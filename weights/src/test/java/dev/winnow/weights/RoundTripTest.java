package dev.winnow.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RoundTripTest {
    @TempDir
    Path dir;

    @ParameterizedTest
    @EnumSource(value = DType.class, mode = EnumSource.Mode.EXCLUDE, names = {"Q8_0", "Q4_0"})
    void everyDtypeKeepsEveryBit(DType dtype) {
        byte[] bytes = new byte[15 * dtype.blockBytes()];
        new Random(dtype.ordinal()).nextBytes(bytes);
        Path file = dir.resolve("m.safetensors");
        SafetensorsWriter.write(file, List.of(new Tensor("t", dtype, new long[] {3, 5}, MemorySegment.ofArray(bytes))), Map.of());
        try (Checkpoint read = Checkpoint.open(file)) {
            Tensor t = read.tensor("t");
            assertThat(t.dtype()).isEqualTo(dtype);
            assertThat(t.shape()).containsExactly(3, 5);
            assertThat(t.data().toArray(ValueLayout.JAVA_BYTE)).isEqualTo(bytes);
        }
    }

    @Test
    void tensorsOfMixedSizesAreAlignedAndMetadataIsKept() throws IOException {
        Path file = dir.resolve("m.safetensors");
        Tensor odd = new Tensor("a", DType.U8, new long[] {3}, MemorySegment.ofArray(new byte[] {7, 8, 9}));
        Tensor empty = Tensor.ofFloats("b", new float[0], 4, 0);
        Tensor scalar = Tensor.ofFloats("c", new float[] {1.5f});
        Tensor longs = Tensor.ofLongs("d", new long[] {-1, 2}, 2);
        SafetensorsWriter.write(file, List.of(odd, empty, scalar, longs), Map.of("format", "pt", "\u00fc", "\"\\\n"));
        assertThat(ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN).getLong() % 8).isZero();
        try (Checkpoint read = Checkpoint.open(file)) {
            assertThat(read.names()).containsExactly("a", "b", "c", "d");
            assertThat(read.metadata()).isEqualTo(Map.of("format", "pt", "\u00fc", "\"\\\n"));
            assertThat(read.bytes()).isEqualTo(Files.size(file));
            for (String name : read.names()) {
                Tensor t = read.tensor(name);
                assertThat(t.data().address() % t.dtype().blockBytes()).as(name).isZero();
            }
            assertThat(read.tensor("a").toLongs()).containsExactly(7, 8, 9);
            assertThat(read.tensor("b").shape()).containsExactly(4, 0);
            assertThat(read.tensor("c").toFloats()).containsExactly(1.5f);
            assertThat(read.tensor("d").toLongs()).containsExactly(-1, 2);
        }
    }

    @Test
    void dataInAnyKindOfSegmentAndOfManyBlocks() {
        float[] values = new float[700_001];
        for (int i = 0; i < values.length; i++) values[i] = i;
        Path file = dir.resolve("m.safetensors");
        Path again = dir.resolve("n.safetensors");
        Tensor onFloats = new Tensor("t", DType.F32, new long[] {values.length}, MemorySegment.ofArray(values));
        SafetensorsWriter.write(file, List.of(onFloats), Map.of());
        try (Checkpoint read = Checkpoint.open(file)) {
            SafetensorsWriter.write(again, List.of(read.tensor("t").withName("u")), Map.of());
        }
        try (Checkpoint read = Checkpoint.open(again)) {
            assertThat(read.tensor("u").toFloats()).isEqualTo(values);
        }
    }

    @Test
    void anOpenFileMayBeReplaced() {
        Path file = dir.resolve("m.safetensors");
        SafetensorsWriter.write(file, List.of(Tensor.ofLongs("t", new long[] {1}, 1)), Map.of());
        try (Checkpoint old = Checkpoint.open(file)) {
            SafetensorsWriter.write(file, List.of(Tensor.ofLongs("t", new long[] {2}, 1)), Map.of());
            assertThat(old.tensor("t").toLongs()).containsExactly(1);
            try (Checkpoint fresh = Checkpoint.open(file)) {
                assertThat(fresh.tensor("t").toLongs()).containsExactly(2);
            }
        }
    }

    @Test
    void aFailedWriteLeavesNothingBehind() throws IOException {
        Path occupied = Files.createDirectories(dir.resolve("taken/full")).getParent();
        Tensor t = Tensor.ofLongs("t", new long[] {1}, 1);
        assertThatThrownBy(() -> SafetensorsWriter.write(occupied, List.of(t), Map.of()))
                .isInstanceOf(CheckpointException.class).hasMessageStartingWith("cannot write " + occupied + ": ");
        try (Stream<Path> left = Files.list(dir)) {
            assertThat(left).containsExactly(occupied);
        }
        Path nowhere = dir.resolve("no/such/m.safetensors");
        assertThatThrownBy(() -> SafetensorsWriter.write(nowhere, List.of(t), Map.of()))
                .isInstanceOf(CheckpointException.class).hasMessageContaining("no such file");
    }

    @Test
    void tensorsThatCouldNotBeReadBack() {
        Path file = dir.resolve("m.safetensors");
        Tensor t = Tensor.ofLongs("t", new long[] {1}, 1);
        long[] deep = new long[65];
        Arrays.fill(deep, 1);
        for (List<Tensor> bad : List.of(List.of(t, t), List.of(t.withName("__metadata__")), List.of(t.withName("\ud800")),
                List.of(Tensor.ofLongs("t", new long[] {1}, deep)))) {
            assertThatThrownBy(() -> SafetensorsWriter.write(file, bad, Map.of())).isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> SafetensorsWriter.write(file, List.of(t), Map.of("k", "\udc00")))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(file).doesNotExist();
    }
}
