package dev.winnow.examples.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A GGUF file, read by the specification and not by the code that wrote it. */
record GgufReading(Map<String, Object> metadata, Map<String, Entry> tensors, long dataStart, ByteBuffer file) {
    record Entry(List<Long> dimensions, int type, long offset) {}

    static GgufReading of(Path path) throws IOException {
        ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN);
        byte[] magic = new byte[4];
        in.get(magic);
        assertThat(new String(magic, StandardCharsets.US_ASCII)).isEqualTo("GGUF");
        assertThat(in.getInt()).isEqualTo(3);
        long tensorCount = in.getLong();
        long keyCount = in.getLong();
        Map<String, Object> metadata = new LinkedHashMap<>();
        for (long i = 0; i < keyCount; i++) {
            String key = text(in);
            metadata.put(key, value(in, in.getInt()));
        }
        Map<String, Entry> tensors = new LinkedHashMap<>();
        for (long i = 0; i < tensorCount; i++) {
            String name = text(in);
            List<Long> dimensions = new ArrayList<>();
            for (int d = in.getInt(); d > 0; d--) dimensions.add(in.getLong());
            tensors.put(name, new Entry(dimensions, in.getInt(), in.getLong()));
        }
        return new GgufReading(metadata, tensors, (in.position() + 31) / 32 * 32, in);
    }

    /** Bytes of a tensor's data. */
    ByteBuffer data(String name, int bytes) {
        return file.slice(Math.toIntExact(dataStart + tensors.get(name).offset()), bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static String text(ByteBuffer in) {
        byte[] bytes = new byte[Math.toIntExact(in.getLong())];
        in.get(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static Object value(ByteBuffer in, int type) {
        return switch (type) {
            case 4, 5 -> in.getInt();
            case 6 -> in.getFloat();
            case 7 -> in.get() == 1;
            case 8 -> text(in);
            case 9 -> {
                int element = in.getInt();
                List<Object> values = new ArrayList<>();
                for (long n = in.getLong(); n > 0; n--) values.add(value(in, element));
                yield values;
            }
            default -> throw new AssertionError("value of type " + type);
        };
    }
}
