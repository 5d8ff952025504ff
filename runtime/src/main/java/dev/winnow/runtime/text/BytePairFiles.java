package dev.winnow.runtime.text;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.weights.CheckpointException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Older releases have the two files of a byte-level BPE (Sennrich et al. 2016; Radford et al. 2019), {@code vocab.json} and
 * {@code merges.txt}, and name the class that knows the rest: how text is normalised and cut before pairs are merged. With it they become
 * the tokenizer.json that the class would write.
 */
enum BytePairFiles {
    GPT2("GPT2|CodeGen|GPTNeoX", "<|endoftext|>", "<|endoftext|>"),
    QWEN2("Qwen2", null, "<|endoftext|>"),
    CLIP("CLIP", "<|startoftext|>", "<|endoftext|>");

    static final String VOCABULARY = "vocab.json";
    static final String MERGES = "merges.txt";

    private static final JsonMapper JSON = new JsonMapper();
    /** Contractions, words, digits one by one, runs of other signs, line breaks, spaces: as Qwen's tokenizer cuts. */
    private static final String QWEN_PIECES = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
            + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final String CLIP_PIECES = "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

    private final String classes;
    /** Special tokens that the class has where no file names others; null for none. */
    final String begin;
    final String end;

    BytePairFiles(String classes, String begin, String end) {
        this.classes = classes;
        this.begin = begin;
        this.end = end;
    }

    /**
     * The kind of a tokenizer class.
     *
     * @param name      {@code tokenizer_class}, or empty
     * @param modelType where there is no class, the model's own is meant
     */
    static BytePairFiles of(String name, String modelType, String file) {
        if (name.isEmpty()) return modelType.startsWith("qwen2") ? QWEN2 : modelType.startsWith("clip") ? CLIP : GPT2;
        for (BytePairFiles kind : values()) if (name.matches("(" + kind.classes + ")Tokenizer(Fast)?")) return kind;
        throw new CheckpointException(file + ": tokenizer_class " + name + " is not known without a tokenizer.json; those of GPT2, CodeGen,"
                + " GPTNeoX, Qwen2 and CLIP are");
    }

    /**
     * The text of a tokenizer.json.
     *
     * @param vocabulary text of vocab.json
     * @param merges     text of merges.txt
     * @param special    special tokens, begin and end of sequences among them, that are in the vocabulary or get the next ids
     */
    String json(String vocabulary, String merges, List<AddedToken> special, String begin, String end) {
        ObjectNode root = JSON.createObjectNode();
        root.put("version", "1.0");
        ObjectNode model = JSON.createObjectNode();
        model.put("type", "BPE").put("continuing_subword_prefix", "").put("end_of_word_suffix", this == CLIP ? "</w>" : "");
        if (this == CLIP) model.put("unk_token", end);
        ObjectNode ids = vocabulary(vocabulary);
        Map<String, Integer> known = new LinkedHashMap<>();
        ids.properties().forEach(e -> known.put(e.getKey(), e.getValue().asInt()));
        ArrayNode added = root.putArray("added_tokens");
        int next = known.values().stream().mapToInt(id -> id + 1).max().orElse(0);
        for (AddedToken token : special) {
            int id = token.id() >= 0 ? token.id() : known.getOrDefault(token.content(), next);
            if (known.putIfAbsent(token.content(), id) == null) next = Math.max(next, id + 1);
            added.add(token.withId(id).json());
        }
        root.set("normalizer", normalizer());
        root.set("pre_tokenizer", pieces());
        root.set("post_processor", this == CLIP ? around(begin, end, known) : byteLevel(true));
        root.set("decoder", byteLevel(true));
        model.set("vocab", ids);
        model.set("merges", pairs(merges));
        root.set("model", model);
        return root.toString();
    }

    private static ObjectNode vocabulary(String text) {
        try {
            JsonNode ids = JSON.readTree(text);
            boolean filled = ids.isObject() && !ids.isEmpty();
            if (!filled) throw new CheckpointException(VOCABULARY + " should hold a JSON object of tokens and ids");
            for (Map.Entry<String, JsonNode> e : ids.properties()) {
                boolean id = e.getValue().canConvertToInt() && e.getValue().isIntegralNumber() && e.getValue().intValue() >= 0;
                if (!id) throw new CheckpointException(VOCABULARY + " gives the token '" + e.getKey() + "' the id " + e.getValue());
            }
            return (ObjectNode) ids;
        } catch (JsonProcessingException e) {
            throw new CheckpointException(VOCABULARY + " is not JSON: " + e.getOriginalMessage(), e);
        }
    }

    private static ArrayNode pairs(String text) {
        ArrayNode pairs = JSON.createArrayNode();
        int line = 0;
        for (String pair : text.split("\r?\n")) {
            line++;
            if (pair.isEmpty() || line == 1 && pair.startsWith("#version")) continue;
            int space = pair.indexOf(' ');
            if (space < 1 || space == pair.length() - 1 || pair.indexOf(' ', space + 1) >= 0) {
                throw new CheckpointException(MERGES + " line " + line + " should hold two tokens and a space between them");
            }
            pairs.addArray().add(pair.substring(0, space)).add(pair.substring(space + 1));
        }
        return pairs;
    }

    private JsonNode normalizer() {
        ObjectNode nfc = JSON.createObjectNode().put("type", "NFC");
        if (this == GPT2) return JSON.nullNode();
        if (this == QWEN2) return nfc;
        ObjectNode spaces = JSON.createObjectNode().put("type", "Replace").put("content", " ");
        spaces.putObject("pattern").put("Regex", "\\s+");
        return sequence("normalizers", nfc, spaces, JSON.createObjectNode().put("type", "Lowercase"));
    }

    private JsonNode pieces() {
        return switch (this) {
            case GPT2 -> byteLevel(true);
            case QWEN2 -> sequence("pretokenizers", split(QWEN_PIECES, "Isolated", false), byteLevel(false));
            case CLIP -> sequence("pretokenizers", split(CLIP_PIECES, "Removed", true), byteLevel(true));
        };
    }

    private static ObjectNode sequence(String key, JsonNode... parts) {
        ObjectNode sequence = JSON.createObjectNode().put("type", "Sequence");
        sequence.putArray(key).addAll(List.of(parts));
        return sequence;
    }

    private static ObjectNode split(String pattern, String behaviour, boolean invert) {
        ObjectNode split = JSON.createObjectNode().put("type", "Split").put("behavior", behaviour).put("invert", invert);
        split.putObject("pattern").put("Regex", pattern);
        return split;
    }

    /** @param cuts whether it cuts text as GPT-2 does, or only spells bytes */
    private static ObjectNode byteLevel(boolean cuts) {
        return JSON.createObjectNode().put("type", "ByteLevel").put("add_prefix_space", false).put("trim_offsets", false)
                .put("use_regex", cuts);
    }

    private static ObjectNode around(String begin, String end, Map<String, Integer> known) {
        ObjectNode around = JSON.createObjectNode().put("type", "RobertaProcessing").put("trim_offsets", false)
                .put("add_prefix_space", false);
        around.putArray("sep").add(end).add(known.get(end));
        around.putArray("cls").add(begin).add(known.get(begin));
        return around;
    }
}
