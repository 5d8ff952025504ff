package dev.winnow.runtime.text;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.winnow.weights.Settings;

/**
 * A token that is found in a text as it stands, before the text is cut.
 *
 * @param id      -1 for that of the vocabulary, or the next
 * @param lstrip  whether it takes the spaces before it, as rstrip those after
 * @param special whether it is no part of an answer's text
 */
record AddedToken(int id, String content, boolean singleWord, boolean lstrip, boolean rstrip, boolean normalized, boolean special) {
    /** A special token of the default manners. */
    static AddedToken special(int id, String content) {
        return new AddedToken(id, content, false, false, false, false, true);
    }

    /** As described in {@code added_tokens_decoder} of a tokenizer_config.json. */
    static AddedToken of(int id, Settings described) {
        boolean special = described.flag("special", false);
        return new AddedToken(id, described.string("content"), described.flag("single_word", false), described.flag("lstrip", false),
                described.flag("rstrip", false), described.flag("normalized", !special), special);
    }

    AddedToken withId(int other) {
        return new AddedToken(other, content, singleWord, lstrip, rstrip, normalized, special);
    }

    /** As in tokenizer.json. */
    ObjectNode json() {
        return JsonNodeFactory.instance.objectNode().put("id", id).put("content", content).put("single_word", singleWord)
                .put("lstrip", lstrip).put("rstrip", rstrip).put("normalized", normalized).put("special", special);
    }
}
