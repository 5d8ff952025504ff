package dev.winnow.weights;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;

/**
 * Read-only, typed access to a JSON object from a file that is not trusted. A key that is absent or null counts as not there.
 * Every failure is a {@link CheckpointException} naming the file and the key with the sections that lead to it. Numbers are not
 * converted between kinds: {@code 12.0} is no integer, and an integer must fit an int.
 */
public final class Settings {
    /** Largest file or text accepted, in bytes or characters. */
    static final int LARGEST = 64 << 20;

    private final ObjectNode node;
    private final String file;
    private final String prefix;
    private final String source;
    /** Without defaults that were added. */
    private final ObjectNode read;

    private Settings(ObjectNode node, ObjectNode read, String file, String prefix, String source) {
        this.node = node;
        this.read = read;
        this.file = file;
        this.prefix = prefix;
        this.source = source;
    }

    /** Reads a file of at most 64 MiB. Messages call it by its name without the directory. */
    public static Settings read(Path path) {
        byte[] bytes;
        try (InputStream in = Files.newInputStream(path)) {
            bytes = in.readNBytes(LARGEST + 1);
        } catch (IOException e) {
            throw CheckpointException.cannotRead(path, e);
        }
        String file = String.valueOf(path.getFileName());
        if (bytes.length > LARGEST) throw new CheckpointException(file + ": over the limit of " + LARGEST + " bytes");
        return of(Json.decode(ByteBuffer.wrap(bytes), file).toString(), file);
    }

    /** Reads a text that holds one JSON object; messages call it {@code whatFile}. */
    public static Settings of(String json, String whatFile) {
        if (json.length() > LARGEST) throw new CheckpointException(whatFile + ": over the limit of " + LARGEST + " characters");
        JsonNode root;
        try {
            root = Json.tree(json);
        } catch (JsonProcessingException e) {
            throw Json.invalid(whatFile, e);
        } catch (IOException e) {
            throw new UncheckedIOException(e); // there is no input or output behind a text
        }
        if (root instanceof ObjectNode object) return new Settings(object, object, whatFile, "", json);
        throw new CheckpointException(whatFile + ": does not hold a JSON object");
    }

    /**
     * These settings with those of a JSON object for keys that are absent. A key that is there and null stays null: it overrides a
     * default, as in the configuration classes of transformers.
     */
    public Settings withDefaults(String json) {
        ObjectNode merged = of(json, file).node;
        merged.setAll(node);
        return new Settings(merged, read, file, prefix, source);
    }

    /** Whether the key is there and not null. */
    public boolean has(String key) {
        return node.hasNonNull(key);
    }

    public int integer(String key) {
        return integer(node.get(key), path(key));
    }

    public int integer(String key, int otherwise) {
        return has(key) ? integer(key) : otherwise;
    }

    /** A number of any kind, which must be finite as a double. */
    public double number(String key) {
        return number(node.get(key), path(key));
    }

    public double number(String key, double otherwise) {
        return has(key) ? number(key) : otherwise;
    }

    public boolean flag(String key, boolean otherwise) {
        if (!has(key)) return otherwise;
        JsonNode value = node.get(key);
        if (!value.isBoolean()) throw wrong(value, path(key), "true or false");
        return value.booleanValue();
    }

    public String string(String key) {
        return string(node.get(key), path(key));
    }

    public String string(String key, String otherwise) {
        return has(key) ? string(key) : otherwise;
    }

    /** The object under a key, which must be there. */
    public Settings section(String key) {
        return section(node.get(key), path(key));
    }

    public Optional<Settings> optionalSection(String key) {
        return has(key) ? Optional.of(section(key)) : Optional.empty();
    }

    /** An array of integers, which must be there. */
    public List<Integer> integers(String key) {
        return list(key, this::integer);
    }

    /** An array of arrays of integers, which must be there. */
    public List<List<Integer>> integerRows(String key) {
        return list(key, (row, path) -> {
            if (!row.isArray()) throw wrong(row, path, "an array");
            List<Integer> integers = new ArrayList<>(row.size());
            for (JsonNode item : row) integers.add(integer(item, path + "[" + integers.size() + "]"));
            return Collections.unmodifiableList(integers);
        });
    }

    /** An array of numbers, which must be there. */
    public List<Double> numbers(String key) {
        return list(key, this::number);
    }

    /** An array of strings, which must be there. */
    public List<String> strings(String key) {
        return list(key, this::string);
    }

    /** An array of objects, which must be there. */
    public List<Settings> sections(String key) {
        return list(key, this::section);
    }

    /** All keys in the order of the file, those holding null included. */
    public Set<String> keys() {
        Set<String> keys = new LinkedHashSet<>();
        node.fieldNames().forEachRemaining(keys::add);
        return Collections.unmodifiableSet(keys);
    }

    /** One of "number", "string", "array", "object", "boolean", "null" and "absent". */
    public String type(String key) {
        JsonNode value = node.get(key);
        return value == null ? "absent" : value.getNodeType().name().toLowerCase(Locale.ROOT);
    }

    /** This object as JSON: the text as it was read for a whole file, an equivalent one for a section. */
    public String text() {
        return source != null ? source : read.toString();
    }

    private int integer(JsonNode value, String path) {
        if (value == null || !value.isIntegralNumber()) throw wrong(value, path, "an integer");
        if (!value.canConvertToInt()) throw wrong(value, path, "an integer of at most 32 bits");
        return value.intValue();
    }

    private double number(JsonNode value, String path) {
        if (value == null || !value.isNumber()) throw wrong(value, path, "a number");
        double number = value.doubleValue();
        if (!Double.isFinite(number)) throw wrong(value, path, "a number that a double can hold");
        return number;
    }

    private String string(JsonNode value, String path) {
        if (value == null || !value.isTextual()) throw wrong(value, path, "a string");
        return value.textValue();
    }

    private Settings section(JsonNode value, String path) {
        if (value instanceof ObjectNode object) return new Settings(object, object, file, path + ".", null);
        throw wrong(value, path, "an object");
    }

    private <T> List<T> list(String key, BiFunction<JsonNode, String, T> read) {
        JsonNode array = node.get(key);
        if (array == null || !array.isArray()) throw wrong(array, path(key), "an array");
        List<T> out = new ArrayList<>(array.size());
        for (JsonNode item : array) out.add(read.apply(item, path(key) + "[" + out.size() + "]"));
        return Collections.unmodifiableList(out);
    }

    private String path(String key) {
        return prefix + key;
    }

    private CheckpointException wrong(JsonNode value, String path, String wanted) {
        String key = file + ": key " + Quoted.name(path);
        if (value == null) return new CheckpointException(key + " is missing");
        String found = value.isObject() ? "an object" : value.isArray() ? "an array" : Quoted.plain(value.toString());
        return new CheckpointException(key + " should be " + wanted + " but is " + found);
    }
}
