package dev.winnow.weights;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.SPARSE;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files with holes, so that gigabytes cost neither time nor disk. */
class LargeTensorTest {
    private static final long GIB = 1L << 30;

    @TempDir
    Path dir;

    @Test
    void theLastElementBeyondTwoGibibytes() throws IOException {
        long elements = 3 * GIB / 4;
        Path file = sparse("{\"w\":{\"dtype\":\"F32\",\"shape\":[3," + elements / 3 + "],\"data_offsets\":[0," + 3 * GIB + "]},"
                + "\"v\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[" + 3 * GIB + "," + (3 * GIB + 4) + "]}}", 3 * GIB - 4,
                ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putFloat(1.25f).putInt(0x04030201));
        try (Checkpoint c = Checkpoint.open(file)) {
            Tensor w = c.tensor("w");
            assertThat(w.elements()).isEqualTo(elements);
            assertThat(w.data().byteSize()).isEqualTo(3 * GIB);
            ValueLayout.OfFloat layout = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
            assertThat(w.data().get(layout, 4 * (elements - 1))).isEqualTo(1.25f);
            assertThat(w.data().get(layout, 4 * (elements - 2))).isZero();
            assertThat(c.tensor("v").toLongs()).containsExactly(1, 2, 3, 4);
            assertThat(c.bytes()).isGreaterThan(3 * GIB);
        }
    }

    @Test
    void moreElementsThanAnArrayHolds() throws IOException {
        long elements = 2 * GIB + 16;
        Path file = sparse("{\"w\":{\"dtype\":\"U8\",\"shape\":[" + elements + "],\"data_offsets\":[0," + elements + "]}}",
                elements - 1, ByteBuffer.allocate(1).put((byte) 9));
        try (Checkpoint c = Checkpoint.open(file)) {
            Tensor w = c.tensor("w");
            assertThat(w.data().get(ValueLayout.JAVA_BYTE, elements - 1)).isEqualTo((byte) 9);
            assertThatThrownBy(w::toFloats).isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("tensor 'w' has 2147483664 elements, more than a Java array can hold");
            assertThatThrownBy(w::toLongs).isInstanceOf(CheckpointException.class).hasMessageContaining("more than a Java array");
        }
    }

    private Path sparse(String header, long at, ByteBuffer end) throws IOException {
        Path file = dir.resolve("large.safetensors");
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        try (FileChannel out = FileChannel.open(file, Set.of(WRITE, CREATE_NEW, SPARSE))) {
            out.write(ByteBuffer.wrap(HeaderBytes.file(json, 0)), 0);
            out.write(end.flip(), 8 + json.length + at);
        }
        return file;
    }
}
