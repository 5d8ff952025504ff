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

    /**
     * Texts of the first of several keys that is there; empty where none is there. The key may hold one or an array, and each may be an
     * object that holds them under "answer", as VQA's answers do.
     */
    List<String> texts(String... keys) {
        List<String> texts = new ArrayList<>();
        for (String key : keys) {
            if (!has(key)) continue;
            collect(node.get(key), key, texts);
            break;
        }
        return texts;
    }

    private void collect(JsonNode value, String key, List<String> texts) {
        if (value.isArray()) for (JsonNode item : value) collect(item, key, texts);
        else if (value.isObject() && value.hasNonNull("answer")) collect(value.get("answer"), key, texts);
        else texts.add(asText(value, key));
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
