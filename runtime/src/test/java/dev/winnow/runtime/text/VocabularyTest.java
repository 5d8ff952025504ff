package dev.winnow.runtime.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.weights.CheckpointException;
import org.junit.jupiter.api.Test;

class VocabularyTest {
    private static final String ADDED = """
            "added_tokens": [{"id": 5, "content": "<s>", "special": true}, {"id": 6, "content": "<x>", "special": false}]""";
    private static final String BYTES = """
            "decoder": {"type": "Sequence", "decoders": [{"type": "Strip", "content": " "}, {"type": "ByteFallback"}]}""";
    private static final String MODEL = """
            "model": {"type": "BPE", "vocab": {"a": 0, "<0x0A>": 1, "b": 3}, "merges": ["a b"]}""";

    @Test
    void theOrderOfTheFileDoesNotMatter() {
        for (String json : new String[] {ADDED + "," + BYTES + "," + MODEL, MODEL + ", \"other\": [{}]," + BYTES + "," + ADDED}) {
            Vocabulary vocabulary = Vocabulary.parse("{" + json + "}", "t");
            assertThat(vocabulary.id("b")).hasValue(3);
            assertThat(vocabulary.id("<s>")).hasValue(5);
            assertThat(vocabulary.id("z")).isEmpty();
            assertThat(vocabulary.size()).isEqualTo(7);
            assertThat(vocabulary.knows(2)).isFalse();
            assertThat(vocabulary.knows(3)).isTrue();
            assertThat(vocabulary.isSpecial(5)).isTrue();
            assertThat(vocabulary.isSpecial(-1)).isFalse();
            assertThat(vocabulary.isSpecial(6)).isFalse();
            assertThat(vocabulary.isByte(1)).isTrue();
            assertThat(vocabulary.isByte(0)).isFalse();
        }
    }

    @Test
    void bytesAreBytesOnlyForADecoderThatJoinsThem() {
        assertThat(Vocabulary.parse("{" + MODEL + ", \"decoder\": {\"type\": \"ByteLevel\"}}", "t").isByte(1)).isFalse();
        assertThat(Vocabulary.parse("{" + MODEL + ", \"decoder\": null}", "t").isByte(1)).isFalse();
    }

    @Test
    void aUnigramTokensPlaceIsItsId() {
        Vocabulary vocabulary = Vocabulary.parse("""
                {"model": {"vocab": [["a", -1.5], ["b", -2, [0]], ["c", 0]], "unk_id": 0}}""", "t");
        assertThat(vocabulary.id("c")).hasValue(2);
        assertThat(vocabulary.size()).isEqualTo(3);
    }

    @Test
    void whatIsNoTokenizerIsRefused() {
        for (String json : new String[] {"", "[", "[]",
            "{\"model\": {\"vocab\": {\"a\": -1}}}", "{\"model\": {\"vocab\": {\"a\": 99999999999}}}",
            "{\"model\": {\"vocab\": {\"a\": 2000000000}}}", "{\"decoder\": {\"type\": ", "{\"added_tokens\": [{\"id\": {}}]}"}) {
            assertThatThrownBy(() -> Vocabulary.parse(json, "t")).as(json).isInstanceOf(CheckpointException.class)
                    .hasMessageStartingWith("t ");
        }
    }
}
