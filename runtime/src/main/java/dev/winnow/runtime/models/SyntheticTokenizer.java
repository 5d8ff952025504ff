package dev.winnow.runtime.models;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * A {@code tokenizer.json} for models of random weights: one token per byte, so that prompts of any text can be timed. Ids 0 to 2 are
 * unknown, begin and end; bytes follow from 3 on.
 */
public final class SyntheticTokenizer {
    private static final int FIRST_BYTE = 3;

    private SyntheticTokenizer() {}

    /** Ids it needs at least. */
    public static int size() {
        return FIRST_BYTE + 256;
    }

    /** @param imageToken id of {@code <image>}, or -1 for none */
    public static String json(int imageToken) {
        ObjectMapper json = new ObjectMapper();
        ObjectNode root = json.createObjectNode();
        root.put("version", "1.0");
        ArrayNode added = root.putArray("added_tokens");
        ObjectNode model = json.createObjectNode();
        model.put("type", "BPE");
        ObjectNode vocabulary = model.putObject("vocab");
        special(added, vocabulary, 0, "<unk>");
        special(added, vocabulary, 1, "<s>");
        special(added, vocabulary, 2, "</s>");
        for (int b = 0; b < 256; b++) vocabulary.put(String.valueOf(symbol(b)), FIRST_BYTE + b);
        if (imageToken >= size()) special(added, vocabulary, imageToken, "<image>");
        model.putArray("merges");
        ObjectNode byteLevel = json.createObjectNode();
        byteLevel.put("type", "ByteLevel").put("add_prefix_space", false).put("trim_offsets", true).put("use_regex", false);
        root.set("pre_tokenizer", byteLevel);
        root.set("decoder", byteLevel);
        ObjectNode begin = json.createObjectNode();
        begin.putObject("SpecialToken").put("id", "<s>").put("type_id", 0);
        ObjectNode text = json.createObjectNode();
        text.putObject("Sequence").put("id", "A").put("type_id", 0);
        ObjectNode post = root.putObject("post_processor");
        post.put("type", "TemplateProcessing");
        post.putArray("single").add(begin).add(text);
        post.putArray("pair").add(begin).add(text);
        ObjectNode used = post.putObject("special_tokens").putObject("<s>");
        used.put("id", "<s>");
        used.putArray("ids").add(1);
        used.putArray("tokens").add("<s>");
        root.set("model", model);
        return root.toString();
    }

    private static void special(ArrayNode added, ObjectNode vocabulary, int id, String text) {
        vocabulary.put(text, id);
        added.addObject().put("id", id).put("content", text).put("single_word", false).put("lstrip", false).put("rstrip", false)
                .put("normalized", false).put("special", true);
    }

    /** The printable character that byte-level tokenizers write for a byte: itself where it is visible, else one from 256 on. */
    private static char symbol(int b) {
        if (visible(b)) return (char) b;
        int hidden = 0;
        for (int i = 0; i < b; i++) if (!visible(i)) hidden++;
        return (char) (256 + hidden);
    }

    private static boolean visible(int b) {
        return b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae;
    }
}
