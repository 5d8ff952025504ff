package dev.winnow.runtime.text;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.JsonTree;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

/**
 * Refuses what the native tokenizers would not survive. They report most faults of a tokenizer.json, but panic on a few, and
 * a panic ends the whole process. These were found by feeding some hundred thousand damaged files to tokenizers 0.21.4:
 * <ul>
 *   <li>a TemplateProcessing whose single sequence uses a special token it does not list, or the second sequence;
 *   <li>a Precompiled normalizer without a valid table;
 *   <li>a Replace normalizer of the empty text;
 *   <li>a Strip decoder that takes characters off the end, on a text that has nothing else.
 * </ul>
 * Parts are told by their keys, as the native side tells them: it accepts a wrong type.
 */
final class NativeHazards {
    private NativeHazards() {}

    /**
     * Reads as far as to the parts in question, which files in practice have before the large ones.
     *
     * @throws CheckpointException when there is such a part, or the text is not a JSON object
     */
    static void check(String json, String file) {
        try (JsonParser in = new JsonFactory().createParser(json)) {
            if (in.nextToken() != JsonToken.START_OBJECT) throw new CheckpointException(file + " does not hold a JSON object");
            int found = 0;
            while (found < 3 && in.nextToken() == JsonToken.FIELD_NAME) {
                String key = in.currentName();
                in.nextToken();
                if (key.equals("normalizer") || key.equals("post_processor") || key.equals("decoder")) {
                    found++;
                    String fault = fault(JsonTree.read(in), key);
                    if (fault != null) throw new CheckpointException(file + " is not a valid tokenizer: " + fault);
                } else {
                    in.skipChildren();
                }
            }
        } catch (IOException e) {
            throw Vocabulary.invalid(file, e);
        }
    }

    /** What is wrong with a part or one inside it, or null. */
    private static String fault(JsonNode part, String section) {
        String own = switch (section) {
            case "post_processor" -> templateFault(part);
            case "decoder" -> stripFault(part);
            default -> normalizerFault(part);
        };
        if (own != null) return own;
        for (JsonNode inner : part) {
            String fault = fault(inner, section);
            if (fault != null) return fault;
        }
        return null;
    }

    private static String templateFault(JsonNode template) {
        for (JsonNode piece : template.path("single")) {
            String token = piece.path("SpecialToken").path("id").asText("");
            if (piece.has("SpecialToken") && !template.path("special_tokens").has(token)) {
                return "its post-processor adds '" + token + "', which it does not list as a special token";
            }
            if (piece.path("Sequence").path("id").asText().equals("B")) return "its post-processor takes two sequences for one";
        }
        return null;
    }

    private static String stripFault(JsonNode decoder) {
        boolean atEnd = decoder.has("stop") && !(decoder.path("stop").isInt() && decoder.path("stop").intValue() == 0);
        return atEnd ? "its decoder strips the end of texts, which Winnow does not support" : null;
    }

    private static String normalizerFault(JsonNode normalizer) {
        JsonNode pattern = normalizer.path("pattern");
        boolean empty = pattern.path("Regex").asText("x").isEmpty() || pattern.path("String").asText("x").isEmpty();
        if (empty) return "its normalizer replaces the empty text";
        boolean table = normalizer.has("precompiled_charsmap") || normalizer.path("type").asText().equals("Precompiled");
        return table ? tableFault(normalizer.path("precompiled_charsmap")) : null;
    }

    /** The table is SentencePiece's: the size of an array, the array, and the texts that it points to. */
    private static String tableFault(JsonNode table) {
        String fault = "its normalizer has no valid precompiled_charsmap";
        if (!table.isTextual()) return fault;
        try {
            ByteBuffer bytes = ByteBuffer.wrap(Base64.getDecoder().decode(table.textValue())).order(ByteOrder.LITTLE_ENDIAN);
            if (bytes.remaining() < 4) return fault;
            long size = Integer.toUnsignedLong(bytes.getInt());
            if (size > bytes.remaining()) return fault;
            bytes.position(bytes.position() + (int) size / 4 * 4);
            StandardCharsets.UTF_8.newDecoder().decode(bytes);
            return null;
        } catch (IllegalArgumentException | CharacterCodingException e) {
            return fault;
        }
    }
}
