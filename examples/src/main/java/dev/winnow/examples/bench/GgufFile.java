package dev.winnow.examples.bench;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/** Writes GGUF, version 3, little-endian: keys and values, tensor entries, and the tensors, each at a multiple of 32 bytes. */
final class GgufFile {
    private static final int VERSION = 3;
    private static final int ALIGNMENT = 32;
    private static final int CHUNK_BYTES = 16 << 20;
    // gguf_metadata_value_type
    private static final int UINT32 = 4;
    private static final int INT32 = 5;
    private static final int FLOAT32 = 6;
    private static final int BOOL = 7;
    private static final int STRING = 8;
    private static final int ARRAY = 9;

    private final Bytes metadata = new Bytes();
    private final List<Entry> entries = new ArrayList<>();
    private int keys;

    /** A tensor of rows; those of one dimension have one. */
    private record Entry(String name, GgmlType type, int[] shape, IntFunction<float[]> row) {
        int rows() {
            return shape.length == 1 ? 1 : shape[0];
        }

        int rowBytes() {
            return type.rowBytes(shape[shape.length - 1]);
        }

        long bytes() {
            return (long) rows() * rowBytes();
        }
    }

    /** A growing little-endian buffer. */
    private static final class Bytes {
        private final ByteArrayOutputStream array = new ByteArrayOutputStream();
        private final DataOutputStream out = new DataOutputStream(array);

        Bytes number(int v) {
            return write(() -> out.writeInt(Integer.reverseBytes(v)));
        }

        Bytes number(long v) {
            return write(() -> out.writeLong(Long.reverseBytes(v)));
        }

        Bytes octet(int v) {
            return write(() -> out.writeByte(v));
        }

        Bytes text(String s) {
            byte[] utf8 = s.getBytes(StandardCharsets.UTF_8);
            number((long) utf8.length);
            return write(() -> out.write(utf8));
        }

        private interface Writing {
            void run() throws IOException;
        }

        private Bytes write(Writing writing) {
            try {
                writing.run();
                return this;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    GgufFile integer(String key, int value) {
        key(key, UINT32).number(value);
        return this;
    }

    GgufFile real(String key, float value) {
        key(key, FLOAT32).number(Float.floatToRawIntBits(value));
        return this;
    }

    GgufFile flag(String key, boolean value) {
        key(key, BOOL).octet(value ? 1 : 0);
        return this;
    }

    GgufFile text(String key, String value) {
        key(key, STRING).text(value);
        return this;
    }

    GgufFile texts(String key, List<String> values) {
        Bytes out = key(key, ARRAY).number(STRING).number((long) values.size());
        values.forEach(out::text);
        return this;
    }

    GgufFile integers(String key, int... values) {
        Bytes out = key(key, ARRAY).number(INT32).number((long) values.length);
        for (int v : values) out.number(v);
        return this;
    }

    private Bytes key(String key, int type) {
        keys++;
        return metadata.text(key).number(type);
    }

    /**
     * A tensor.
     *
     * @param shape [rows, columns] or [columns]
     * @param row   the values of a row; asked once for each, in any order and by several threads, when the file is written
     */
    GgufFile tensor(String name, GgmlType type, int[] shape, IntFunction<float[]> row) {
        entries.add(new Entry(name, type, shape, row));
        return this;
    }

    /** Writes the file whole: under another name first, so that a cut short one is not taken for it. */
    void write(Path file) throws IOException {
        Path unfinished = file.resolveSibling(file.getFileName() + ".unfinished");
        try (FileChannel out = FileChannel.open(unfinished, StandardOpenOption.CREATE, StandardOpenOption.WRITE,
                StandardOpenOption.TRUNCATE_EXISTING)) {
            writeFully(out, ByteBuffer.wrap(header()));
            for (Entry e : entries) {
                pad(out);
                rows(e, out);
            }
            pad(out);
        }
        Files.move(unfinished, file, StandardCopyOption.REPLACE_EXISTING);
    }

    private byte[] header() throws IOException {
        Bytes head = new Bytes();
        for (char c : "GGUF".toCharArray()) head.octet(c);
        head.number(VERSION).number((long) entries.size()).number((long) keys);
        metadata.array.writeTo(head.out);
        long offset = 0;
        for (Entry e : entries) {
            // dimensions go innermost first
            head.text(e.name()).number(e.shape().length);
            for (int d = e.shape().length - 1; d >= 0; d--) head.number((long) e.shape()[d]);
            head.number(e.type().code()).number(offset);
            offset = aligned(offset + e.bytes());
        }
        return head.array.toByteArray();
    }

    private static long aligned(long offset) {
        return (offset + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    private static void pad(FileChannel out) throws IOException {
        writeFully(out, ByteBuffer.allocate((int) (aligned(out.position()) - out.position())));
    }

    private static void rows(Entry e, FileChannel out) throws IOException {
        int rowBytes = e.rowBytes();
        int together = Math.max(1, CHUNK_BYTES / rowBytes);
        for (int from = 0; from < e.rows(); from += together) {
            int first = from;
            int n = Math.min(together, e.rows() - from);
            ByteBuffer chunk = ByteBuffer.allocate(n * rowBytes);
            IntStream.range(0, n).parallel().forEach(i ->
                    e.type().encode(e.row().apply(first + i), chunk.slice(i * rowBytes, rowBytes).order(ByteOrder.LITTLE_ENDIAN)));
            writeFully(out, chunk);
        }
    }

    private static void writeFully(FileChannel out, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) out.write(bytes);
    }
}
