package dev.winnow.runtime.text;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.ModelDirectory;
import dev.winnow.weights.Settings;
import java.io.IOException;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * What {@code tokenizer_config.json} says over the head of {@code tokenizer.json}: tokens that only it lists, and whether a sequence begins
 * and ends with tokens of its own ({@code add_bos_token}, {@code add_eos_token}).
 *
 * @param tokenizerClass {@code tokenizer_class}, or empty
 * @param added          tokens that it lists, by id
 * @param begin          token that begins a sequence, or null
 * @param end            token that ends one, or null
 * @param addsBegin      empty for as tokenizer.json says
 * @param addsEnd        likewise
 */
record TokenizerConfig(String tokenizerClass, List<AddedToken> added, String begin, String end, Optional<Boolean> addsBegin,
                       Optional<Boolean> addsEnd) {
    static final String FILE = "tokenizer_config.json";
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final int MOST_ADDED = 100_000;

    static TokenizerConfig of(ModelDirectory dir) {
        return of(dir.optional(FILE).orElse(Settings.of("{}", FILE)));
    }

    private static TokenizerConfig of(Settings c) {
        List<AddedToken> added = new ArrayList<>();
        c.optionalSection("added_tokens_decoder").ifPresent(tokens -> {
            if (tokens.keys().size() > MOST_ADDED) throw new CheckpointException(FILE + " lists " + tokens.keys().size() + " added tokens");
            for (String id : tokens.keys()) {
                if (!id.matches("[0-9]{1,9}")) throw new CheckpointException(FILE + ": added_tokens_decoder has the id '" + id + "'");
                added.add(AddedToken.of(Integer.parseInt(id), tokens.section(id)));
            }
        });
        added.sort((a, b) -> Integer.compare(a.id(), b.id()));
        return new TokenizerConfig(c.string("tokenizer_class", ""), added, token(c, "bos_token"), token(c, "eos_token"),
                flag(c, "add_bos_token"), flag(c, "add_eos_token"));
    }

    private static Optional<Boolean> flag(Settings c, String key) {
        return c.has(key) ? Optional.of(c.flag(key, false)) : Optional.empty();
    }

    private static String token(Settings c, String key) {
        if (!c.has(key)) return null;
        return c.type(key).equals("object") ? c.section(key).string("content") : c.string(key);
    }

    /** Tokens that tokenizer.json does not list. */
    List<AddedToken> missing(Vocabulary vocabulary) {
        return added.stream().filter(token -> !vocabulary.isAdded(token.content())).toList();
    }

    /**
     * The text of a tokenizer.json with what it lacks, or nothing where it lacks nothing.
     *
     * @param around the ids that its tokenizer puts around an empty text
     */
    Optional<String> over(String json, Vocabulary vocabulary, int[] around) {
        List<AddedToken> missing = missing(vocabulary).stream()
                .map(token -> token.withId(vocabulary.id(token.content()).orElse(token.id()))).toList();
        ObjectNode processor = addsBegin.isEmpty() && addsEnd.isEmpty() ? null : processor(vocabulary, missing, around);
        if (missing.isEmpty() && processor == null) return Optional.empty();
        try {
            return Optional.of(rewritten(json, missing, processor));
        } catch (IOException e) {
            throw Vocabulary.invalid(Tokenizer.FILE, e);
        }
    }

    /** What puts the tokens that are asked for around a sequence; null where that is done already. */
    private ObjectNode processor(Vocabulary vocabulary, List<AddedToken> missing, int[] around) {
        int first = id(begin, vocabulary, missing);
        int last = id(end, vocabulary, missing);
        // where nothing is said of one of them, it stays as it is
        boolean begins = first >= 0 && addsBegin.orElse(around.length > 0 && around[0] == first);
        boolean ends = last >= 0 && addsEnd.orElse(around.length > (begins && first == last ? 1 : 0) && around[around.length - 1] == last);
        int[] wanted = IntStream.concat(begins ? IntStream.of(first) : IntStream.empty(), ends ? IntStream.of(last) : IntStream.empty())
                .toArray();
        if (Arrays.equals(wanted, around)) return null;
        ObjectNode processor = NODES.objectNode().put("type", "TemplateProcessing");
        ArrayNode single = processor.putArray("single");
        ArrayNode pair = processor.putArray("pair");
        ObjectNode used = processor.putObject("special_tokens");
        for (String sequence : List.of("A", "B")) {
            List<JsonNode> pieces = new ArrayList<>();
            if (begins) pieces.add(piece("SpecialToken", begin));
            pieces.add(piece("Sequence", sequence));
            if (ends) pieces.add(piece("SpecialToken", end));
            if (sequence.equals("A")) single.addAll(pieces);
            pair.addAll(pieces);
        }
        if (begins) use(used, begin, first);
        if (ends) use(used, end, last);
        return processor;
    }

    private static ObjectNode piece(String kind, String id) {
        ObjectNode piece = NODES.objectNode();
        piece.putObject(kind).put("id", id).put("type_id", 0);
        return piece;
    }

    private static void use(ObjectNode used, String token, int id) {
        ObjectNode special = used.putObject(token);
        special.put("id", token);
        special.putArray("ids").add(id);
        special.putArray("tokens").add(token);
    }

    private static int id(String token, Vocabulary vocabulary, List<AddedToken> missing) {
        if (token == null) return -1;
        return vocabulary.id(token).orElseGet(() -> missing.stream().filter(m -> m.content().equals(token)).mapToInt(AddedToken::id)
                .findFirst().orElse(-1));
    }

    /** Copied part by part: the vocabulary is large and stays as it is. */
    private static String rewritten(String json, List<AddedToken> missing, ObjectNode processor) throws IOException {
        StringWriter text = new StringWriter(json.length() + 1024);
        // a mapper takes a while to make, and few tokenizers need one
        JsonMapper mapper = new JsonMapper();
        try (JsonParser in = mapper.createParser(json); JsonGenerator out = mapper.createGenerator(text)) {
            in.nextToken();
            out.writeStartObject();
            boolean tokensWritten = missing.isEmpty();
            boolean processorWritten = processor == null;
            while (in.nextToken() == JsonToken.FIELD_NAME) {
                String key = in.currentName();
                JsonToken value = in.nextToken();
                if (key.equals("added_tokens") && !missing.isEmpty()) {
                    out.writeFieldName(key);
                    writeTokens(value == JsonToken.START_ARRAY ? in.readValueAsTree() : null, missing, out);
                    tokensWritten = true;
                } else if (key.equals("post_processor") && processor != null) {
                    in.skipChildren();
                    out.writeFieldName(key);
                    out.writeTree(processor);
                    processorWritten = true;
                } else {
                    out.writeFieldName(key);
                    out.copyCurrentStructure(in);
                }
            }
            if (!tokensWritten) {
                out.writeFieldName("added_tokens");
                writeTokens(null, missing, out);
            }
            if (!processorWritten) {
                out.writeFieldName("post_processor");
                out.writeTree(processor);
            }
            out.writeEndObject();
        }
        return text.toString();
    }

    private static void writeTokens(JsonNode present, List<AddedToken> missing, JsonGenerator out) throws IOException {
        List<JsonNode> all = new ArrayList<>();
        if (present != null) present.forEach(all::add);
        missing.forEach(token -> all.add(token.json()));
        // the native side wants them in the order of their ids
        all.sort((a, b) -> Integer.compare(a.path("id").asInt(), b.path("id").asInt()));
        out.writeStartArray();
        for (JsonNode token : all) out.writeTree(token);
        out.writeEndArray();
    }
}
