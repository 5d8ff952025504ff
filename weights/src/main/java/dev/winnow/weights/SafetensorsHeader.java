package dev.winnow.weights;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The table of contents of a safetensors file: eight bytes of little-endian header length, a JSON header, then the data. Whatever
 * the bytes, reading one either throws a {@link CheckpointException} or gives entries that tile the data exactly.
 *
 * @param entries   by tensor name, in header order
 * @param metadata  the free-form {@code __metadata__}, empty when absent
 * @param dataStart offset in the file, in bytes, that the entries' offsets count from
 */
record SafetensorsHeader(Map<String, Entry> entries, Map<String, String> metadata, long dataStart) {
    static final String METADATA = "__metadata__";
    static final long LONGEST = 100_000_000;
    // far above any model; keeps a hostile shape from filling the heap
    static final int HIGHEST_RANK = 64;

    private static final ValueLayout.OfLong LENGTH = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final long LFS_POINTER = 0x206e6f6973726576L; // "version "

    /** One tensor's place: bytes {@code begin} to {@code end}, counted from the start of the data. */
    record Entry(DType dtype, long[] shape, long begin, long end) {}

    /**
     * Reads and checks the header of a whole file.
     *
     * @param file the file's bytes, from first to last
     * @param name what messages call it
     */
    static SafetensorsHeader parse(MemorySegment file, String name) {
        long size = file.byteSize();
        if (size < 8) throw new CheckpointException(name + ": " + size + " bytes are too few for a safetensors file");
        long length = file.get(LENGTH, 0);
        if (length == LFS_POINTER) {
            throw new CheckpointException(name + ": looks like a Git LFS pointer, not a safetensors file; fetch the real one");
        }
        if (length < 0) throw new CheckpointException(name + ": the header length " + length + " is negative");
        if (length > LONGEST) {
            throw new CheckpointException(name + ": the header length " + length + " is over the limit of " + LONGEST + " bytes");
        }
        if (length > size - 8) {
            throw new CheckpointException(name + ": the header length " + length + " goes past the end of the file (" + size
                    + " bytes)");
        }
        if (length == 0 || file.get(ValueLayout.JAVA_BYTE, 8) != '{') {
            throw new CheckpointException(name + ": the header does not start with '{'");
        }
        CharBuffer text = Json.decode(file.asSlice(8, length).asByteBuffer(), name + ": the header");
        return new Reader(name, text, size - 8 - length).read(8 + length);
    }

    /** The named tensor as a view of the file, or null. */
    Tensor tensor(String name, MemorySegment file) {
        Entry e = entries.get(name);
        return e == null ? null : new Tensor(name, e.dtype, e.shape.clone(), file.asSlice(dataStart + e.begin, e.end - e.begin));
    }

    /** Walks the tokens once. Nothing deeper than an entry's arrays is ever entered, so nesting cannot hurt. */
    private static final class Reader {
        private final String file;
        private final CharBuffer text;
        private final long dataSize;
        private final Map<String, Entry> entries = new LinkedHashMap<>();
        private Map<String, String> metadata;

        Reader(String file, CharBuffer text, long dataSize) {
            this.file = file;
            this.text = text;
            this.dataSize = dataSize;
        }

        SafetensorsHeader read(long dataStart) {
            try (JsonParser p = Json.parser(text)) {
                p.nextToken();
                while (p.nextToken() == JsonToken.FIELD_NAME) member(p);
                requireOnlySpacesAfter(p);
            } catch (JsonProcessingException e) {
                throw Json.invalid(file + ": the header", e);
            } catch (IOException e) {
                throw new UncheckedIOException(e); // there is no input or output behind an array of characters
            }
            requireTiling();
            return new SafetensorsHeader(Collections.unmodifiableMap(entries),
                    metadata == null ? Map.of() : Collections.unmodifiableMap(metadata), dataStart);
        }

        private void member(JsonParser p) throws IOException {
            String name = p.currentName();
            requireUnicode(name);
            p.nextToken();
            if (name.equals(METADATA)) metadata(p);
            else entries.put(name, entry(p, name));
        }

        private void metadata(JsonParser p) throws IOException {
            if (p.currentToken() != JsonToken.START_OBJECT) throw bad(METADATA + " is not an object");
            metadata = new LinkedHashMap<>();
            while (p.nextToken() == JsonToken.FIELD_NAME) {
                String key = p.currentName();
                if (p.nextToken() != JsonToken.VALUE_STRING) {
                    throw bad(METADATA + " entry " + Quoted.name(key) + " is not a string");
                }
                requireUnicode(key);
                requireUnicode(p.getText());
                metadata.put(key, p.getText());
            }
        }

        private Entry entry(JsonParser p, String name) throws IOException {
            String tensor = "tensor " + Quoted.name(name);
            if (p.currentToken() != JsonToken.START_OBJECT) throw bad(tensor + " is not described by an object");
            DType dtype = null;
            long[] shape = null;
            long[] offsets = null;
            while (p.nextToken() == JsonToken.FIELD_NAME) {
                String field = p.currentName();
                p.nextToken();
                switch (field) {
                    case "dtype" -> dtype = dtype(p, tensor);
                    case "shape" -> shape = integers(p, tensor, "shape");
                    case "data_offsets" -> offsets = integers(p, tensor, "data_offsets");
                    default -> throw bad(tensor + " has an unknown field " + Quoted.name(field));
                }
            }
            if (dtype == null) throw bad(tensor + " has no dtype");
            if (shape == null) throw bad(tensor + " has no shape");
            if (offsets == null) throw bad(tensor + " has no data_offsets");
            if (offsets.length != 2) throw bad(tensor + " has " + offsets.length + " data_offsets instead of two");
            requireFit(tensor, dtype, shape, offsets[0], offsets[1]);
            return new Entry(dtype, shape, offsets[0], offsets[1]);
        }

        private DType dtype(JsonParser p, String tensor) throws IOException {
            if (p.currentToken() != JsonToken.VALUE_STRING) throw bad(tensor + " has a dtype that is not a string");
            String text = p.getText();
            for (DType d : DType.values()) {
                if (d.name().equals(text) && !d.isBlocked()) return d;
            }
            throw bad(tensor + " has the unknown dtype " + Quoted.name(text));
        }

        private long[] integers(JsonParser p, String tensor, String field) throws IOException {
            if (p.currentToken() != JsonToken.START_ARRAY) throw bad(tensor + ": its " + field + " is not an array");
            long[] out = new long[4];
            int n = 0;
            while (p.nextToken() != JsonToken.END_ARRAY) {
                if (p.currentToken() != JsonToken.VALUE_NUMBER_INT) {
                    throw bad(tensor + ": its " + field + " holds something other than integers");
                }
                if (n == HIGHEST_RANK) throw bad(tensor + ": its " + field + " holds more than " + HIGHEST_RANK + " integers");
                if (p.getNumberType() == JsonParser.NumberType.BIG_INTEGER) {
                    throw bad(tensor + ": its " + field + " holds " + Quoted.plain(p.getText()) + ", which is out of range");
                }
                long v = p.getLongValue();
                if (v < 0) throw bad(tensor + ": its " + field + " holds the negative number " + v);
                if (n == out.length) out = Arrays.copyOf(out, 2 * n);
                out[n++] = v;
            }
            return Arrays.copyOf(out, n);
        }

        private void requireFit(String tensor, DType dtype, long[] shape, long begin, long end) {
            if (begin > end) throw bad(tensor + " begins at " + begin + ", after its end at " + end);
            if (end > dataSize) throw bad(tensor + " ends at byte " + end + " of the data, which has only " + dataSize);
            long bytes = dtype.blockBytes();
            try {
                for (long d : shape) bytes = Math.multiplyExact(bytes, d);
            } catch (ArithmeticException e) {
                throw bad(tensor + ": the size of its shape " + Arrays.toString(shape) + " overflows");
            }
            if (end - begin != bytes) {
                throw bad(tensor + " spans " + (end - begin) + " bytes, but " + dtype + Arrays.toString(shape) + " takes "
                        + bytes);
            }
        }

        private void requireOnlySpacesAfter(JsonParser p) {
            CharBuffer rest = text.duplicate();
            rest.position(text.position() + (int) p.currentLocation().getCharOffset());
            while (rest.hasRemaining()) {
                if (rest.get() != ' ') throw bad("the header goes on after its closing brace");
            }
        }

        private void requireTiling() {
            List<Map.Entry<String, Entry>> inOrder = new ArrayList<>(entries.entrySet());
            inOrder.sort(Comparator.comparingLong((Map.Entry<String, Entry> e) -> e.getValue().begin)
                    .thenComparingLong(e -> e.getValue().end));
            long covered = 0;
            String before = null;
            for (Map.Entry<String, Entry> e : inOrder) {
                Entry here = e.getValue();
                if (here.begin < covered) {
                    throw bad("tensors " + Quoted.name(before) + " and " + Quoted.name(e.getKey()) + " overlap");
                }
                if (here.begin > covered) {
                    throw bad("the " + (here.begin - covered) + " bytes of data before tensor " + Quoted.name(e.getKey())
                            + " belong to no tensor");
                }
                covered = here.end;
                before = e.getKey();
            }
            if (covered < dataSize) throw bad("the last " + (dataSize - covered) + " bytes of the file belong to no tensor");
        }

        private void requireUnicode(String text) {
            if (!Quoted.encodable(text)) throw bad("the text " + Quoted.name(text) + " is not valid Unicode");
        }

        private CheckpointException bad(String what) {
            return new CheckpointException(file + ": " + what);
        }
    }
}
