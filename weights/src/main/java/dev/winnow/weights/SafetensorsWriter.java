package dev.winnow.weights;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/** Writes tensors as a safetensors file that any implementation of the format reads. */
public final class SafetensorsWriter {
    private static final int BLOCK = 1 << 20;
    /** Of the data in the file: a cache line, for kernels that read whole vectors. */
    private static final int ALIGNMENT = 64;

    private SafetensorsWriter() {}

    /**
     * Writes a file, replacing one that is there. It appears complete or not at all: the data goes to a temporary file beside it,
     * which is renamed at the end. Tensors are laid out by falling element size, so that each is aligned in the file.
     *
     * @param metadata free-form notes, empty for none
     * @throws IllegalArgumentException when two tensors share a name, a name is {@code __metadata__}, a text is not valid
     *                                  Unicode, a shape has more dimensions than this module reads, or a type is a block format
     * @throws CheckpointException      when the file cannot be written
     */
    public static void write(Path file, Collection<Tensor> tensors, Map<String, String> metadata) {
        requireWritable(tensors, metadata);
        List<Tensor> ordered = new ArrayList<>(tensors);
        ordered.sort(Comparator.comparingInt((Tensor t) -> t.dtype().blockBytes()).reversed().thenComparing(Tensor::name));
        Path target = file.toAbsolutePath();
        Path temporary = target.resolveSibling("." + target.getFileName() + "." + UUID.randomUUID() + ".tmp");
        try {
            try (FileChannel out = FileChannel.open(temporary, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW)) {
                drain(out, header(ordered, metadata));
                copy(out, ordered);
                out.force(true);
            }
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw CheckpointException.cannotWrite(file, e);
        } finally {
            discard(temporary);
        }
    }

    private static void requireWritable(Collection<Tensor> tensors, Map<String, String> metadata) {
        Set<String> names = new HashSet<>(Set.of(SafetensorsHeader.METADATA));
        for (Tensor t : tensors) {
            if (!names.add(t.name())) throw new IllegalArgumentException("two tensors would be called " + Quoted.name(t.name()));
            requireEncodable(t.name());
            if (t.shape().length > SafetensorsHeader.HIGHEST_RANK) {
                throw new IllegalArgumentException("tensor " + Quoted.name(t.name()) + " has too many dimensions");
            }
            if (t.dtype().isBlocked()) {
                throw new IllegalArgumentException("tensor " + Quoted.name(t.name()) + ": safetensors has no " + t.dtype());
            }
        }
        metadata.forEach((key, value) -> {
            requireEncodable(key);
            requireEncodable(value);
        });
    }

    private static void requireEncodable(String text) {
        if (!Quoted.encodable(text)) throw new IllegalArgumentException(Quoted.name(text) + " is not valid Unicode");
    }

    private static ByteBuffer header(List<Tensor> tensors, Map<String, String> metadata) throws IOException {
        ByteArrayOutputStream json = new ByteArrayOutputStream();
        json.write(new byte[8]); // the length goes here once it is known
        try (JsonGenerator g = Json.generator(json)) {
            g.writeStartObject();
            if (!metadata.isEmpty()) {
                g.writeObjectFieldStart(SafetensorsHeader.METADATA);
                for (Map.Entry<String, String> e : metadata.entrySet()) g.writeStringField(e.getKey(), e.getValue());
                g.writeEndObject();
            }
            long begin = 0;
            for (Tensor t : tensors) {
                long end = Math.addExact(begin, t.data().byteSize());
                g.writeObjectFieldStart(t.name());
                g.writeStringField("dtype", t.dtype().name());
                g.writeFieldName("shape");
                g.writeArray(t.shape(), 0, t.shape().length);
                g.writeFieldName("data_offsets");
                g.writeArray(new long[] {begin, end}, 0, 2);
                g.writeEndObject();
                begin = end;
            }
            g.writeEndObject();
        }
        while (json.size() % ALIGNMENT != 0) json.write(' ');
        byte[] bytes = json.toByteArray();
        if (bytes.length - 8 > SafetensorsHeader.LONGEST) {
            throw new IOException("the header would take more than " + SafetensorsHeader.LONGEST + " bytes");
        }
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(0, bytes.length - 8);
    }

    // one small block outside the heap serves every kind of segment, however large
    private static void copy(FileChannel out, List<Tensor> tensors) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment block = arena.allocate(BLOCK);
            for (Tensor t : tensors) {
                long size = t.data().byteSize();
                for (long from = 0; from < size; from += BLOCK) {
                    long n = Math.min(BLOCK, size - from);
                    MemorySegment.copy(t.data(), from, block, 0, n);
                    drain(out, block.asSlice(0, n).asByteBuffer());
                }
            }
        }
    }

    private static void drain(FileChannel out, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) out.write(bytes);
    }

    // after a successful move there is nothing left; a failure here must not hide the one that led to it
    private static void discard(Path temporary) {
        try {
            Files.deleteIfExists(temporary);
        } catch (IOException ignored) {
            temporary.toFile().deleteOnExit();
        }
    }
}
