package dev.winnow.runtime.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.winnow.weights.ModelDirectory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import org.junit.jupiter.api.Test;

/** Small tokenizers of every kind, spelled out here, whose streamed text must be what they decode at once. */
class TokenStreamTest {
    private static final String ADDED = added(0, "<unk>", true) + ", " + added(1, "<s>", true) + ", " + added(2, "<tag>", false);

    private static final Map<String, Tokenizer> KINDS = new TreeMap<>(Map.of(
            "byte-level BPE", Tokenizer.open(ModelDirectory.open(TestData.path("demo"))),
            "BPE with byte fallback, Llama's decoder", parse(bpe(true), """
                    {"type": "Sequence", "decoders": [
                      {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
                      {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}"""),
            "BPE with byte fallback, Gemma's decoder", parse(bpe(true), """
                    {"type": "Sequence", "decoders": [
                      {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                      {"type": "ByteFallback"}, {"type": "Fuse"}]}"""),
            "Unigram with Metaspace", parse(unigram(), """
                    {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true}"""),
            "WordPiece", parse(wordPiece(), """
                    {"type": "WordPiece", "prefix": "##", "cleanup": true}"""),
            "BPE with word ends", parse(bpe(false), """
                    {"type": "BPEDecoder", "suffix": "</w>"}"""),
            "no decoder", parse(wordPiece(), "null")));

    private static String added(int id, String content, boolean special) {
        return """
                {"id": %d, "content": "%s", "special": %s,
                 "single_word": false, "lstrip": false, "rstrip": false, "normalized": false}""".formatted(id, content, special);
    }

    private static Tokenizer parse(String model, String decoder) {
        String json = """
                {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [%s], "normalizer": null,
                 "pre_tokenizer": null, "post_processor": null, "decoder": %s, "model": %s}""";
        return Tokenizer.parse(json.formatted(ADDED, decoder, model), "test");
    }

    private static String bpe(boolean bytes) {
        List<String> tokens = new ArrayList<>(List.of("<unk>", "<s>", "<tag>"));
        if (bytes) for (int i = 0; i < 256; i++) tokens.add("<0x%02X>".formatted(i));
        tokens.addAll(List.of("▁", "▁▁", "a", "▁b", "é", "▁中", "😀", "\uFFFD", "c</w>", "d", ",", "e</w>"));
        return """
                {"type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null,
                 "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": %s,
                 "vocab": %s, "merges": []}""".formatted(bytes, byName(tokens));
    }

    private static String unigram() {
        StringBuilder vocabulary = new StringBuilder();
        for (String token : List.of("<unk>", "<s>", "<tag>", "▁", "▁▁", "a", "▁b", "é", "▁中", "😀", "▁a▁b")) {
            vocabulary.append(vocabulary.isEmpty() ? "" : ", ").append("[\"").append(token).append("\", -1.5]");
        }
        return """
                {"type": "Unigram", "unk_id": 0, "vocab": [%s], "byte_fallback": false}""".formatted(vocabulary);
    }

    private static String wordPiece() {
        List<String> tokens = List.of("<unk>", "<s>", "<tag>",
                "don", "##'", "##t", "'", "t", "n't", "is", "##ing", ".", ",", "中", "##é", "do", "not");
        return """
                {"type": "WordPiece", "unk_token": "<unk>", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
                 "vocab": %s}""".formatted(byName(tokens));
    }

    private static String byName(List<String> tokens) {
        StringBuilder vocabulary = new StringBuilder("{");
        for (int id = 0; id < tokens.size(); id++) {
            vocabulary.append(id == 0 ? "" : ", ").append('"').append(tokens.get(id)).append("\": ").append(id);
        }
        return vocabulary.append('}').toString();
    }

    @Property(tries = 1500)
    void streamedIsDecoded(@ForAll("sequences") Sequence sequence, @ForAll boolean skipSpecial) {
        Tokenizer tokenizer = KINDS.get(sequence.kind);
        TokenStream stream = new TokenStream(tokenizer, skipSpecial);
        // twice, since a finished stream starts anew
        for (int round = 0; round < 2; round++) {
            StringBuilder text = new StringBuilder();
            for (int id : sequence.ids) text.append(stream.next(id));
            text.append(stream.finish());
            assertThat(text.toString()).isEqualTo(tokenizer.decode(sequence.ids, skipSpecial));
        }
    }

    record Sequence(String kind, int[] ids) {}

    @Provide
    Arbitrary<Sequence> sequences() {
        return Arbitraries.of(KINDS.keySet()).flatMap(kind -> {
            int size = KINDS.get(kind).vocabularySize();
            Arbitrary<Integer> any = Arbitraries.integers().between(-1, size);
            // few different tokens, so that the same odd ones follow each other; the last of a vocabulary are the interesting ones
            Arbitrary<Integer> few = Arbitraries.integers().between(Math.max(0, size - 12), size - 1);
            // the bytes of 😀 and of 中, whole or in parts, in the tokenizers that have byte tokens
            Arbitrary<Integer> bytes = Arbitraries.of(0xF0, 0x9F, 0x98, 0x80, 0xE4, 0xB8, 0xAD, 0x41, 0x20)
                    .map(b -> Math.min(size, b + 3));
            Arbitrary<int[]> ids = Arbitraries.frequencyOf(
                    Tuple.of(1, any.array(int[].class).ofMaxSize(80)),
                    Tuple.of(1, few.array(int[].class).ofMaxSize(80)),
                    Tuple.of(1, Arbitraries.oneOf(few, bytes).array(int[].class).ofMaxSize(80)));
            return Combinators.combine(Arbitraries.just(kind), ids).as(Sequence::new);
        });
    }

    @Property(tries = 300)
    void textSplitOverTokensComesBack(@ForAll("texts") String text) {
        for (String kind : List.of("byte-level BPE", "BPE with byte fallback, Gemma's decoder")) {
            Tokenizer tokenizer = KINDS.get(kind);
            int[] ids = tokenizer.encode(text, false);
            TokenStream stream = new TokenStream(tokenizer, true);
            StringBuilder streamed = new StringBuilder();
            for (int id : ids) {
                streamed.append(stream.next(id));
                assertThat(text).as(kind).startsWith(streamed);
            }
            assertThat(streamed.append(stream.finish()).toString()).as(kind).isEqualTo(text);
        }
    }

    @Provide
    Arbitrary<String> texts() {
        return Arbitraries.of("中", "文", "😀", "👩‍👩‍👧", "é", "x", " ", "  ", "the ", "\n", "\u0000").list().ofMaxSize(40)
                .map(parts -> String.join("", parts));
    }

    @Test
    void aCharacterComesWhenItsLastByteComes() {
        Tokenizer tokenizer = KINDS.get("byte-level BPE");
        int[] ids = tokenizer.encode("a😀!", false);
        TokenStream stream = new TokenStream(tokenizer, true);
        List<String> pieces = new ArrayList<>();
        for (int id : ids) pieces.add(stream.next(id));
        assertThat(pieces).containsExactly("a", "", "", "", "😀", "!");
        assertThat(stream.finish()).isEmpty();
    }

    @Test
    void anUnfinishedCharacterIsReplacedAtTheEnd() {
        Tokenizer tokenizer = KINDS.get("byte-level BPE");
        int[] ids = tokenizer.encode("a😀", false);
        TokenStream stream = new TokenStream(tokenizer, true);
        assertThat(stream.next(ids[0])).isEqualTo("a");
        assertThat(stream.next(ids[1])).isEmpty();
        assertThat(stream.finish()).isEqualTo("\uFFFD");
    }

    @Test
    void aLongStreamDecodesShortWindows() {
        Tokenizer tokenizer = KINDS.get("byte-level BPE");
        int[] ids = tokenizer.encode("small gray cross at top, ".repeat(4000), false);
        TokenStream stream = new TokenStream(tokenizer, true);
        long start = System.nanoTime();
        int length = 0;
        for (int id : ids) length += stream.next(id).length();
        assertThat(length).isEqualTo(100_000);
        // a window of all tokens would take minutes
        assertThat(System.nanoTime() - start).isLessThan(20_000_000_000L);
    }
}
