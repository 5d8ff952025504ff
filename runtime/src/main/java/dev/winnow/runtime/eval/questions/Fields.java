package dev.winnow.runtime.eval.questions;

import com.fasterxml.jackson.databind.JsonNode;
import dev.winnow.weights.Quoted;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One JSON object of a data file. A field that is null counts as absent.
 *
 * @param where file and line or record, for messages
 */
record Fields(JsonNode node, String where) {
    boolean has(String key) {
        return node.hasNonNull(key);
    }

    /** A text, which must be there. */
    String text(String key) {
        if (!has(key)) throw wrong(key + "' is missing");
        return asText(node.get(key), key);
    }

    String text(String key, String otherwise) {
        return has(key) ? text(key) : otherwise;
    }

    /** The text of the first of several keys that is there. */
    Optional<String> firstText(String... keys) {
        for (String key : keys) if (has(key)) return Optional.of(text(key));
        return Optional.empty();
    }

    /** Texts of the first of several keys that is there, which may hold one or an array; empty where none is there. */
    List<String> texts(String... keys) {
        for (String key : keys) if (has(key)) return listed(key);
        return List.of();
    }

    private List<String> listed(String key) {
        JsonNode value = node.get(key);
        if (!value.isArray()) return List.of(asText(value, key));
        List<String> texts = new ArrayList<>(value.size());
        for (JsonNode item : value) texts.add(asText(item, key));
        return texts;
    }

    /** A count or place from 0, which must be there. */
    int natural(String key) {
        JsonNode value = node.get(key);
        if (value == null || !value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < 0) {
            throw wrong(key + "' should be a whole number from 0" + found(value));
        }
        return value.intValue();
    }

    /** Whether the field holds a whole number. */
    boolean isInteger(String key) {
        return has(key) && node.get(key).isIntegralNumber();
    }

    /** Objects of an array, which must be there. */
    List<Fields> records(String key) {
        JsonNode value = node.get(key);
        if (value == null || !value.isArray()) throw wrong(key + "' should be an array" + found(value));
        List<Fields> records = new ArrayList<>(value.size());
        for (JsonNode item : value) {
            if (!item.isObject()) throw wrong(key + "' should hold objects" + found(item));
            records.add(new Fields(item, where));
        }
        return records;
    }

    private String asText(JsonNode value, String key) {
        // answers such as 3 are written with and without quotes
        if (value.isTextual() || value.isNumber()) return value.asText();
        throw wrong(key + "' should be a text" + found(value));
    }

    private QuestionsException wrong(String what) {
        return new QuestionsException(where + ": '" + what);
    }

    private static String found(JsonNode value) {
        if (value == null) return " but is missing";
        return " but is " + (value.isObject() ? "an object" : value.isArray() ? "an array" : Quoted.plain(value.toString()));
    }
}
