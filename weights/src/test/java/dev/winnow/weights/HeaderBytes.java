package dev.winnow.weights;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Safetensors files put together by hand, so that tests do not depend on the writer. */
final class HeaderBytes {
    private HeaderBytes() {}

    static byte[] file(String header, int dataBytes) {
        return file(header.getBytes(StandardCharsets.UTF_8), dataBytes);
    }

    static byte[] file(byte[] header, int dataBytes) {
        return file(header.length, header, dataBytes);
    }

    /** The data counts up from 0, so a misplaced view shows. */
    static byte[] file(long length, byte[] header, int dataBytes) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array());
        out.writeBytes(header);
        for (int i = 0; i < dataBytes; i++) out.write(i);
        return out.toByteArray();
    }

    static SafetensorsHeader parse(byte[] file) {
        return SafetensorsHeader.parse(MemorySegment.ofArray(file), "test.safetensors");
    }

    static SafetensorsHeader parse(String header, int dataBytes) {
        return parse(file(header, dataBytes));
    }
}
