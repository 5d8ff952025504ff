package dev.winnow.weights;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Damages valid files in memory: each must be refused in a sentence or be a checkpoint that can be read to its last byte. */
class HeaderMutationTest {
    private static final int MUTANTS = 300_000;

    private record Base(byte[] header, int dataBytes) {}

    private static final Base[] BASES = {
        base("{'a':{'dtype':'F32','shape':[2,3],'data_offsets':[0,24]}}", 24),
        base("{'__metadata__':{'format':'pt','k':'v'},'a':{'dtype':'I64','shape':[2],'data_offsets':[0,16]},"
                + "'b':{'dtype':'BF16','shape':[4,1],'data_offsets':[16,24]}}    ", 24),
        base("{\n  'b': {'dtype': 'U8', 'shape': [3], 'data_offsets': [8, 11]},\n  'a': {'dtype': 'F16', 'shape': [2, 2],"
                + " 'data_offsets': [0, 8]},\n  'e': {'dtype': 'F64', 'shape': [0, 7], 'data_offsets': [8, 8]}\n}", 11),
        base("{'s':{'dtype':'F8_E4M3','shape':[],'data_offsets':[0,1]},'t':{'dtype':'F8_E5M2','shape':[1,1,1],"
                + "'data_offsets':[1,2]},'\u00fc':{'dtype':'BOOL','shape':[2],'data_offsets':[2,4]}}", 4),
        base("{'x':{'dtype':'U64','shape':[1],'data_offsets':[0,8]},'y':{'dtype':'I16','shape':[1],'data_offsets':[8,10]},"
                + "'z':{'dtype':'I8','shape':[1],'data_offsets':[10,11]},"
                + "'w':{'dtype':'U32','shape':[1],'data_offsets':[11,15]}}", 15),
        base("{}", 0),
    };

    private static final String[] NUMBERS = {
        "0", "1", "2", "3", "4", "7", "8", "11", "16", "24", "-1", "-0", "1.5", "2e0", "1e999", "2147483647", "2147483648",
        "4294967296", "9223372036854775807", "9223372036854775808", "18446744073709551615", "-9223372036854775808",
        "9".repeat(1200), "null", "''"
    };
    private static final String[] WORDS = {
        "{", "}", "[", "]", ",", ":", "\"", "\\", " ", "\n", "\u0000", "null", "true", "\"a\"", "\"b\":", "\"dtype\":\"F32\",",
        "\"shape\":[0],", "\"data_offsets\":[0,0],", "\"__metadata__\":{},", "\\ud800", "[[[[", "{\"a\":", "\u00e9"
    };
    private static final String[] FIELDS = {"\"a\"", "\"b\"", "\"dtype\"", "\"shape\"", "\"data_offsets\"", "1", "null"};
    private static final String[] DTYPES = {
        "F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL", "F4", ""
    };

    private static final String[] CHECKS = {
        "too few", "is negative", "over the limit", "past the end", "does not start with", "not valid UTF-8", "not valid JSON",
        "Duplicate field", "closing brace", "not described by an object", "dtype that is not a string", "unknown dtype",
        "has no dtype", "has no shape", "has no data_offsets", "unknown field", "negative number", "other than integers",
        "out of range", "overflows", "instead of two", "after its end", "of the data, which has only", "spans", "overlap",
        "before tensor", "the last", "is not a string", "is not an object", "is not an array", "not valid Unicode"
    };

    private final Random random = new Random(20251121);

    @Test
    void everyMutantIsRefusedOrFullyReadable() {
        int valid = 0;
        List<String> unreached = new ArrayList<>(List.of(CHECKS));
        for (int i = 0; i < MUTANTS; i++) {
            byte[] file = mutant();
            try {
                readAll(file);
                valid++;
            } catch (CheckpointException e) {
                assertThat(e.getMessage()).startsWith("test.safetensors: ").doesNotContain("\n");
                unreached.removeIf(e.getMessage()::contains);
            } catch (Throwable e) {
                throw new AssertionError("mutant " + i + ": " + new String(file, StandardCharsets.ISO_8859_1), e);
            }
        }
        // a fuzzer that only ever broke the JSON would show nothing: the mutants must reach every check, and some survive
        assertThat(unreached).isEmpty();
        assertThat(valid).isBetween(MUTANTS / 100, MUTANTS / 2);
    }

    private static void readAll(byte[] file) {
        MemorySegment bytes = MemorySegment.ofArray(file);
        SafetensorsHeader header = HeaderBytes.parse(file);
        long read = 0;
        for (String name : header.entries().keySet()) {
            Tensor t = header.tensor(name, bytes);
            assertThat(t.toFloats().length).isEqualTo((int) t.elements());
            read += t.dtype().bytes(t.elements());
        }
        assertThat(header.dataStart() + read).isEqualTo(file.length);
    }

    private byte[] mutant() {
        Base base = BASES[random.nextInt(BASES.length)];
        byte[] header = base.header;
        int data = base.dataBytes;
        Long length = null;
        for (int n = 1 + random.nextInt(3); n > 0; n--) {
            switch (random.nextInt(14)) {
                case 0 -> header = flip(header);
                case 1 -> header = splice(header, at(header), 1, new byte[] {(byte) random.nextInt(256)});
                case 2 -> header = Arrays.copyOf(header, at(header));
                case 3 -> header = splice(header, at(header), 0, bytes(pick(WORDS)));
                case 4 -> header = splice(header, at(header), 1 + random.nextInt(8), new byte[0]);
                case 5, 6, 7 -> header = replaceOne(header, "-?\\d+(?=[\\s,\\]])", pick(NUMBERS));
                case 8 -> header = replaceOne(header, "[\\[\\]{},:\"]", pick(new String[] {"[", "]", "{", "}", ",", ":", "\""}));
                case 9 -> header = replaceOne(header, "(?<=\")[FBIU][A-Z0-9_]+(?=\")", pick(DTYPES));
                case 10 -> header = replaceOne(header, "\"[a-z_]+\"", pick(FIELDS));
                case 11 -> header = repeatSlice(header);
                case 12 -> data = Math.max(0, data + random.nextInt(9) - 4);
                default -> length = pickLength(header.length);
            }
        }
        byte[] file = HeaderBytes.file(length == null ? header.length : length, header, data);
        return random.nextInt(40) == 0 ? Arrays.copyOf(file, random.nextInt(file.length + 1)) : file;
    }

    private long pickLength(int honest) {
        return switch (random.nextInt(4)) {
            case 0 -> random.nextLong();
            case 1 -> honest + random.nextInt(5) - 2;
            case 2 -> random.nextInt(200_000_000);
            default -> honest;
        };
    }

    private byte[] flip(byte[] header) {
        byte[] out = header.clone();
        if (out.length > 0) out[random.nextInt(out.length)] ^= (byte) (1 << random.nextInt(8));
        return out;
    }

    private byte[] repeatSlice(byte[] header) {
        int from = at(header);
        int to = Math.min(header.length, from + 1 + random.nextInt(60));
        return splice(header, at(header), 0, Arrays.copyOfRange(header, from, to));
    }

    private byte[] replaceOne(byte[] header, String pattern, String by) {
        String text = new String(header, StandardCharsets.ISO_8859_1); // one character per byte, whatever was damaged before
        var hits = Pattern.compile(pattern).matcher(text).results().toList();
        if (hits.isEmpty()) return header;
        var hit = hits.get(random.nextInt(hits.size()));
        return splice(header, hit.start(), hit.end() - hit.start(), bytes(by));
    }

    private static byte[] splice(byte[] in, int at, int remove, byte[] insert) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(in, 0, at);
        out.writeBytes(insert);
        int rest = Math.min(in.length, at + remove);
        out.write(in, rest, in.length - rest);
        return out.toByteArray();
    }

    private int at(byte[] header) {
        return random.nextInt(header.length + 1);
    }

    private String pick(String[] from) {
        return from[random.nextInt(from.length)];
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static Base base(String header, int dataBytes) {
        return new Base(bytes(header.replace('\'', '"')), dataBytes);
    }
}
