package dev.winnow.weights;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** How this module reads JSON it does not trust: strict UTF-8, no duplicate keys, bounded nesting, one sentence per failure. */
final class Json {
    static final int DEEPEST = 64;

    // names are neither interned nor shared between documents: a hostile file must not fill a table that outlives it
    private static final JsonFactory FACTORY = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(DEEPEST).maxStringLength(Integer.MAX_VALUE).maxNameLength(Integer.MAX_VALUE).build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .build();

    private Json() {}

    /** A whole text as a tree; one of white space alone gives no node. */
    static JsonNode tree(String text) throws IOException {
        try (JsonParser p = FACTORY.createParser(text)) {
            if (p.nextToken() == null) return MissingNode.getInstance();
            JsonNode root = JsonTree.read(p);
            if (p.nextToken() != null) throw new JsonParseException(p, "Trailing token (" + p.currentToken() + ") found after value");
            return root;
        }
    }

    /** The characters of UTF-8 bytes; malformed bytes are refused, never replaced. */
    static CharBuffer decode(ByteBuffer utf8, String file) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(utf8);
        } catch (CharacterCodingException e) {
            throw new CheckpointException(file + ": not valid UTF-8", e);
        }
    }

    static JsonParser parser(CharBuffer text) throws IOException {
        return FACTORY.createParser(text.array(), text.arrayOffset() + text.position(), text.remaining());
    }

    static JsonGenerator generator(OutputStream to) throws IOException {
        return FACTORY.createGenerator(to);
    }

    static CheckpointException invalid(String file, JsonProcessingException e) {
        // the library's remarks about its own settings mean nothing to the reader of a message
        String why = e.getOriginalMessage().replaceAll(", from `[^`]*`| \\(start marker at [^)]*\\)[^)]*\\)", "");
        String where = e.getLocation() == null ? ""
                : " (line " + e.getLocation().getLineNr() + ", column " + e.getLocation().getColumnNr() + ")";
        return new CheckpointException(file + ": not valid JSON: " + Quoted.plain(why.replaceAll("\\s+", " ")) + where, e);
    }
}
