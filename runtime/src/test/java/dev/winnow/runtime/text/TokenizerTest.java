package dev.winnow.runtime.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.ModelDirectory;
import dev.winnow.weights.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerTest {
    @TempDir
    private Path directory;

    private static Tokenizer demo() {
        return Tokenizer.open(ModelDirectory.open(TestData.path("demo")));
    }

    private static int[] ints(List<Integer> list) {
        return list.stream().mapToInt(Integer::intValue).toArray();
    }

    @Test
    void agreesWithTheDemoModelsGoldenIds() {
        try (Tokenizer tokenizer = demo()) {
            for (Settings golden : TestData.json("demo/golden.json").sections("cases")) {
                int[] prompt = ints(golden.integers("prompt_ids"));
                assertThat(tokenizer.encode(golden.string("prompt"), true)).containsExactly(prompt);
                assertThat(tokenizer.encode(golden.string("prompt"), false))
                        .containsExactly(Arrays.copyOfRange(prompt, 1, prompt.length));
                int[] generated = ints(golden.integers("generated_ids"));
                assertThat(tokenizer.decode(generated, true)).isEqualTo(golden.string("generated_text"));
                assertThat(tokenizer.decode(generated, false)).isEqualTo(golden.string("generated_text") + "</s>");
            }
        }
    }

    @Test
    void looksUpTokens() {
        try (Tokenizer tokenizer = demo()) {
            assertThat(tokenizer.id("<image>")).hasValue(4);
            assertThat(tokenizer.id("</s>")).hasValue(2);
            assertThat(tokenizer.id("!")).hasValue(5);
            assertThat(tokenizer.id("<video>")).isEmpty();
            assertThat(tokenizer.vocabularySize()).isEqualTo(461);
        }
    }

    @Test
    void anyTextComesBack() {
        try (Tokenizer tokenizer = demo()) {
            String text = "naïve 中文 😀\u0000 \t\n 👩‍👩‍👧";
            assertThat(tokenizer.decode(tokenizer.encode(text, false), true)).isEqualTo(text);
            assertThat(tokenizer.encode("", false)).isEmpty();
            assertThat(tokenizer.decode(new int[0], true)).isEmpty();
            assertThat(tokenizer.decode(tokenizer.encode("a\uD83Db", false), true)).isEqualTo("a?b");
        }
    }

    @Test
    void idsWithoutTokenAreLeftOut() {
        try (Tokenizer tokenizer = demo()) {
            assertThat(tokenizer.decode(new int[] {5, 9999, -1, Integer.MIN_VALUE, Integer.MAX_VALUE, 5}, true)).isEqualTo("!!");
        }
    }

    @Test
    void neitherTruncatesNorPads() {
        String json = TestData.text("demo/tokenizer.json")
                .replace("\"truncation\": null", """
                        "truncation": {"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0}""")
                .replace("\"padding\": null", """
                        "padding": {"strategy": {"Fixed": 64}, "direction": "Left", "pad_to_multiple_of": null,
                                    "pad_id": 3, "pad_type_id": 0, "pad_token": "<pad>"}""");
        try (Tokenizer tokenizer = Tokenizer.parse(json, "t"); Tokenizer plain = demo()) {
            String text = "Describe the image, and all that is in it.";
            assertThat(tokenizer.encode(text, true)).containsExactly(plain.encode(text, true)).hasSizeBetween(5, 63);
        }
    }

    @Test
    void aMissingTokenizerIsSaidPlainly() throws IOException {
        Files.writeString(directory.resolve("config.json"), "{}");
        ModelDirectory model = ModelDirectory.open(directory);
        assertThatThrownBy(() -> Tokenizer.open(model)).isInstanceOf(CheckpointException.class)
                .hasMessageContaining(directory + " has no tokenizer.json");
    }

    @Test
    void aBrokenTokenizerIsSaidPlainly() throws IOException {
        Files.writeString(directory.resolve("config.json"), "{}");
        ModelDirectory model = ModelDirectory.open(directory);
        for (String json : List.of("", "[]", "{", "{}",
                "{\"model\": {\"type\": \"Odd\"}}", "{\"model\": {\"vocab\": {\"a\": -1}}}",
                "{\"added_tokens\": [{\"id\": \"x\", \"content\": \"y\"}]}")) {
            Files.writeString(directory.resolve("tokenizer.json"), json);
            assertThatThrownBy(() -> Tokenizer.open(model)).as(json).isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("tokenizer.json");
        }
        Files.write(directory.resolve("tokenizer.json"), new byte[] {'"', (byte) 0xff, '"'});
        assertThatThrownBy(() -> Tokenizer.open(model)).isInstanceOf(CheckpointException.class)
                .hasMessageContaining("is not UTF-8");
    }

    @Test
    void aClosedTokenizerSaysSo() {
        Tokenizer tokenizer = demo();
        tokenizer.close();
        tokenizer.close();
        assertThatThrownBy(() -> tokenizer.encode("a", true)).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("is closed");
        assertThatThrownBy(() -> tokenizer.decode(new int[] {1}, true)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void manyThreadsMayUseOne() {
        try (Tokenizer tokenizer = demo()) {
            int[] expected = tokenizer.encode("USER: what is the gray cross? ASSISTANT:", true);
            List<int[]> all = IntStream.range(0, 500).parallel()
                    .mapToObj(i -> tokenizer.encode("USER: what is the gray cross? ASSISTANT:", true)).toList();
            assertThat(all).allSatisfy(ids -> assertThat(ids).containsExactly(expected));
        }
    }
}
