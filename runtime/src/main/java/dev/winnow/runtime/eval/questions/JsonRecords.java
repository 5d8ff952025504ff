package dev.winnow.runtime.eval.questions;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.weights.Quoted;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Path;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/** Records of one large JSON file, given one after the other, so that the file is never in memory as a whole. */
final class JsonRecords {
    // what follows a record is the next one
    private static final ObjectReader RECORD = JsonText.MAPPER.readerFor(JsonNode.class)
            .without(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    /** Does something with a file of JSON. */
    private interface Work<T> {
        T on(JsonParser parser) throws IOException;
    }

    private JsonRecords() {}

    /** Gives the objects of the array that the file is. */
    static void array(Path path, Consumer<Fields> record) {
        open(path, parser -> {
            expect(parser.nextToken(), JsonToken.START_ARRAY, path, "the file");
            elements(parser, path, "record", record);
            return null;
        });
    }

    /** Gives the objects of the array under a key of the object that the file is. */
    static void array(Path path, String key, Consumer<Fields> record) {
        boolean found = open(path, parser -> {
            expect(parser.nextToken(), JsonToken.START_OBJECT, path, "the file");
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                boolean wanted = parser.currentName().equals(key);
                JsonToken value = parser.nextToken();
                if (wanted) {
                    expect(value, JsonToken.START_ARRAY, path, "'" + key + "'");
                    elements(parser, path, key, record);
                    return true;
                }
                parser.skipChildren();
            }
            return false;
        });
        if (!found) throw new QuestionsException(path.getFileName() + ": '" + key + "' is missing");
    }

    private static void elements(JsonParser parser, Path path, String key, Consumer<Fields> record) throws IOException {
        for (int i = 0; parser.nextToken() != JsonToken.END_ARRAY; i++) {
            record.accept(record(parser, path.getFileName() + " " + key + "[" + i + "]"));
        }
    }

    /** Gives the objects that are the values of the object that the file is, with their keys. */
    static void values(Path path, BiConsumer<String, Fields> record) {
        open(path, parser -> {
            expect(parser.nextToken(), JsonToken.START_OBJECT, path, "the file");
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String key = parser.currentName();
                parser.nextToken();
                record.accept(key, record(parser, path.getFileName() + " " + Quoted.name(key)));
            }
            return null;
        });
    }

    /** The first 64 fields of the object that the file begins with; its arrays stand as empty ones. */
    static Fields header(Path path) {
        return open(path, parser -> {
            ObjectNode header = JsonText.MAPPER.createObjectNode();
            if (parser.nextToken() != JsonToken.START_OBJECT) return new Fields(header, path.getFileName().toString());
            while (header.size() < 64 && parser.nextToken() == JsonToken.FIELD_NAME) {
                String key = parser.currentName();
                JsonToken value = parser.nextToken();
                if (value == JsonToken.START_ARRAY) {
                    header.putArray(key);
                    parser.skipChildren();
                } else {
                    header.set(key, RECORD.readTree(parser));
                }
            }
            return new Fields(header, path.getFileName().toString());
        });
    }

    private static Fields record(JsonParser parser, String where) throws IOException {
        if (parser.currentToken() != JsonToken.START_OBJECT) throw new QuestionsException(where + ": should be a JSON object");
        return new Fields(RECORD.readTree(parser), where);
    }

    private static void expect(JsonToken found, JsonToken wanted, Path path, String what) {
        if (found == wanted) return;
        throw new QuestionsException(path.getFileName() + ": " + what + " should be "
                + (wanted == JsonToken.START_ARRAY ? "an array" : "an object"));
    }

    private static <T> T open(Path path, Work<T> work) {
        try (Reader text = TextFile.reader(path); JsonParser parser = JsonText.MAPPER.createParser(text)) {
            return work.on(parser);
        } catch (JsonProcessingException e) {
            throw JsonText.invalid(String.valueOf(path.getFileName()), e, true);
        } catch (IOException e) {
            throw TextFile.failed(path, e);
        }
    }
}
