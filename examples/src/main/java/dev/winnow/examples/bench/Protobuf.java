package dev.winnow.examples.bench;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** As much of the protocol buffers wire format as writing an ONNX model takes. */
final class Protobuf {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    Protobuf number(int field, long value) {
        varint(field << 3);
        varint(value);
        return this;
    }

    Protobuf numbers(int field, long... values) {
        for (long v : values) number(field, v);
        return this;
    }

    Protobuf real(int field, float value) {
        varint(field << 3 | 5);
        int bits = Float.floatToRawIntBits(value);
        for (int shift = 0; shift < 32; shift += 8) bytes.write(bits >> shift);
        return this;
    }

    Protobuf text(int field, String value) {
        return bytes(field, value.getBytes(StandardCharsets.UTF_8));
    }

    Protobuf message(int field, Protobuf value) {
        return bytes(field, value.toBytes());
    }

    byte[] toBytes() {
        return bytes.toByteArray();
    }

    private Protobuf bytes(int field, byte[] value) {
        varint(field << 3 | 2);
        varint(value.length);
        bytes.writeBytes(value);
        return this;
    }

    private void varint(long value) {
        for (; (value & ~0x7fL) != 0; value >>>= 7) bytes.write((int) (value & 0x7f | 0x80));
        bytes.write((int) value);
    }
}
