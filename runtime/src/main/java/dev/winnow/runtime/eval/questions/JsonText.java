package dev.winnow.runtime.eval.questions;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.winnow.weights.Quoted;

/** JSON that is not trusted: bounded nesting, no field given twice. */
final class JsonText {
    private static final int DEEPEST = 64;

    // names are neither interned nor shared: ids serve as names in some formats, by the million
    static final JsonMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(DEEPEST).build())
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                    .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private JsonText() {}

    /** The object that a text holds. */
    static Fields object(String text, String where) {
        JsonNode node;
        try {
            node = MAPPER.readTree(text);
        } catch (JsonProcessingException e) {
            throw invalid(where, e, false);
        }
        if (node == null || !node.isObject()) throw new QuestionsException(where + ": should be a JSON object");
        return new Fields(node, where);
    }

    /** @param lines whether the line within the text says something */
    static QuestionsException invalid(String where, JsonProcessingException e, boolean lines) {
        // the library's remarks about its own settings mean nothing to the reader of a message
        String why = e.getOriginalMessage().replaceAll(", from `[^`]*`| \\(start marker at [^)]*\\)[^)]*\\)", "").replaceAll("\\s+", " ");
        String at = e.getLocation() == null ? "" : lines ? " (line " + e.getLocation().getLineNr() + ", column "
                + e.getLocation().getColumnNr() + ")" : " (column " + e.getLocation().getColumnNr() + ")";
        return new QuestionsException(where + ": is not valid JSON: " + Quoted.plain(why) + at, e);
    }
}
