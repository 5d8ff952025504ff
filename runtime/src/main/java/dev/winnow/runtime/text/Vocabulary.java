package dev.winnow.runtime.text;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.winnow.weights.CheckpointException;
import java.io.IOException;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/**
 * What Winnow itself must know of a {@code tokenizer.json}, since the native binding neither looks tokens up nor tells what
 * they are: ids by token, which ids are special, and which stand for single bytes. Read in one pass, without building a tree
 * of the file, and only as far as needed: the merges of a large BPE model, usually last, are half of it.
 */
final class Vocabulary {
    /** Far above any vocabulary; sets of ids take memory up to the highest one. */
    private static final int HIGHEST = 1 << 24;

    private final Map<String, Integer> ids = new HashMap<>();
    private final Set<String> added = new HashSet<>();
    private final BitSet known = new BitSet();
    private final BitSet special = new BitSet();
    private final BitSet bytes = new BitSet();
    private boolean byteFallback;

    private Vocabulary() {}

    /**
     * Reads the text of a tokenizer.json.
     *
     * @param file how messages call the text
     * @throws CheckpointException when it is not JSON of that layout
     */
    static Vocabulary parse(String json, String file) {
        Vocabulary vocabulary = new Vocabulary();
        try (JsonParser in = new JsonFactory().createParser(json)) {
            if (in.nextToken() != JsonToken.START_OBJECT) throw new CheckpointException(file + " does not hold a JSON object");
            Set<String> missing = new HashSet<>(Set.of("added_tokens", "decoder", "model"));
            while (!missing.isEmpty() && in.nextToken() == JsonToken.FIELD_NAME) {
                String key = in.currentName();
                in.nextToken();
                missing.remove(key);
                switch (key) {
                    case "added_tokens" -> vocabulary.readAddedTokens(in);
                    case "model" -> vocabulary.readModel(in, missing.isEmpty());
                    case "decoder" -> vocabulary.readDecoder(in);
                    default -> in.skipChildren();
                }
            }
        } catch (IOException e) {
            throw invalid(file, e);
        }
        if (vocabulary.byteFallback) vocabulary.findBytes();
        return vocabulary;
    }

    private void readAddedTokens(JsonParser in) throws IOException {
        if (in.currentToken() != JsonToken.START_ARRAY) return;
        while (in.nextToken() == JsonToken.START_OBJECT) {
            String content = null;
            int id = -1;
            boolean isSpecial = false;
            while (in.nextToken() == JsonToken.FIELD_NAME) {
                String key = in.currentName();
                in.nextToken();
                switch (key) {
                    case "content" -> content = in.getText();
                    case "id" -> id = in.getIntValue();
                    case "special" -> isSpecial = in.getBooleanValue();
                    default -> in.skipChildren();
                }
            }
            if (content == null) throw new IOException("an added token has no content");
            add(content, id);
            added.add(content);
            if (isSpecial) special.set(id);
        }
    }

    /** @param last whether nothing after the model matters */
    private void readModel(JsonParser in, boolean last) throws IOException {
        while (in.nextToken() == JsonToken.FIELD_NAME) {
            boolean vocabulary = in.currentName().equals("vocab");
            JsonToken value = in.nextToken();
            if (vocabulary && value == JsonToken.START_OBJECT) readVocabularyByName(in);
            else if (vocabulary && value == JsonToken.START_ARRAY) readVocabularyInOrder(in);
            else in.skipChildren();
            if (vocabulary && last) return;
        }
    }

    /** BPE, WordPiece and WordLevel: {"token": id, ...}. */
    private void readVocabularyByName(JsonParser in) throws IOException {
        while (in.nextToken() == JsonToken.FIELD_NAME) {
            String token = in.currentName();
            in.nextToken();
            add(token, in.getIntValue());
        }
    }

    /** Unigram: [["token", score], ...], where the place is the id. */
    private void readVocabularyInOrder(JsonParser in) throws IOException {
        for (int id = 0; in.nextToken() == JsonToken.START_ARRAY; id++) {
            in.nextToken();
            add(in.getText(), id);
            while (in.nextToken() != JsonToken.END_ARRAY) in.skipChildren();
        }
    }

    private void add(String token, int id) throws IOException {
        if (id < 0 || id > HIGHEST) throw new IOException("the token '" + token + "' has the id " + id);
        ids.putIfAbsent(token, id);
        known.set(id);
    }

    // a decoder is a tree of {"type": ...}; all that matters is whether one of them is ByteFallback
    private void readDecoder(JsonParser in) throws IOException {
        if (!in.currentToken().isStructStart()) return;
        for (int depth = 1; depth > 0; ) {
            JsonToken token = in.nextToken();
            if (token.isStructStart()) depth++;
            else if (token.isStructEnd()) depth--;
            else if (token == JsonToken.VALUE_STRING && "type".equals(in.currentName()) && in.getText().equals("ByteFallback")) {
                byteFallback = true;
            }
        }
    }

    private void findBytes() {
        ids.forEach((token, id) -> {
            if (token.length() == 6 && token.startsWith("<0x") && token.endsWith(">")) bytes.set(id);
        });
    }

    static CheckpointException invalid(String file, IOException e) {
        String firstLine = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
        return new CheckpointException(file + " is not a valid tokenizer: " + firstLine, e);
    }

    OptionalInt id(String token) {
        Integer id = ids.get(token);
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }

    /** Whether the file lists a token as one that is found before a text is cut. */
    boolean isAdded(String token) {
        return added.contains(token);
    }

    /** One more than the highest id. */
    int size() {
        return known.length();
    }

    /** Whether the file gives a token this id. The native side may give ids of its own to added tokens. */
    boolean knows(int id) {
        return id >= 0 && known.get(id);
    }

    boolean isSpecial(int id) {
        return id >= 0 && special.get(id);
    }

    /** Whether the token stands for one byte of text, as {@code <0x0A>}, and the decoder joins such bytes to characters. */
    boolean isByte(int id) {
        return id >= 0 && bytes.get(id);
    }
}
