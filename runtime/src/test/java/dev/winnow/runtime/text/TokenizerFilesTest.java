package dev.winnow.runtime.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.runtime.models.SyntheticTokenizer;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.ModelDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tokenizers of directories as releases have them: with some files and without others. */
class TokenizerFilesTest {
    @TempDir
    private Path directory;

    @BeforeEach
    void aModel() throws IOException {
        write("config.json", "{\"model_type\": \"gpt2\"}");
    }

    private void write(String name, String text) throws IOException {
        Files.writeString(directory.resolve(name), text);
    }

    private Tokenizer open() {
        return Tokenizer.open(ModelDirectory.open(directory));
    }

    private int[] encode(String text, boolean special) {
        try (Tokenizer tokenizer = open()) {
            return tokenizer.encode(text, special);
        }
    }

    /** The printable character for each byte, as GPT-2 chose them: the visible ones as they are, the others from 256 on. */
    private static String symbol(int b) {
        int hidden = 0;
        for (int i = 0; i < b; i++) if (!visible(i)) hidden++;
        return String.valueOf((char) (visible(b) ? b : 256 + hidden));
    }

    private static boolean visible(int b) {
        return b > ' ' && b <= '~' || b > 0xa0 && b != 0xad && b <= 0xff;
    }

    /** 256 bytes, from 0 on, and what pairs make, from 256 on. */
    private void bytePairs(String... merges) throws IOException {
        List<String> tokens = new ArrayList<>();
        for (int b = 0; b < 256; b++) tokens.add(symbol(b));
        for (String pair : merges) tokens.add(pair.replace(" ", ""));
        StringBuilder vocabulary = new StringBuilder("{");
        for (int id = 0; id < tokens.size(); id++) {
            String token = tokens.get(id).replace("\\", "\\\\").replace("\"", "\\\"");
            vocabulary.append(id == 0 ? "" : ", ").append('"').append(token).append("\": ").append(id);
        }
        write("vocab.json", vocabulary + "}");
        write("merges.txt", "#version: 0.2\n" + String.join("\n", merges) + "\n");
    }

    @Test
    void gpt2FromItsTwoFiles() throws IOException {
        bytePairs("t h", "Ġ th", "th e");
        // words take the space before them along; merges never cross words
        assertThat(encode("the the\nthe", true)).containsExactly(258, 257, 'e', '\n', 258);
        // digits stay one word
        bytePairs("1 2", "12 3");
        assertThat(encode("123", true)).containsExactly(257);
        try (Tokenizer tokenizer = open()) {
            assertThat(tokenizer.id("<|endoftext|>")).hasValue(258);
            assertThat(tokenizer.decode(tokenizer.encode("naïve 中 😀<|endoftext|>", false), true)).isEqualTo("naïve 中 😀");
        }
    }

    @Test
    void qwenCutsDigitsOneByOneAndComposesLetters() throws IOException {
        bytePairs("1 2", "Ã ©");
        write("tokenizer_config.json", """
                {"tokenizer_class": "Qwen2Tokenizer", "bos_token": null, "eos_token": "<|im_end|>", "added_tokens_decoder": {
                  "258": {"content": "<|endoftext|>", "special": true}, "259": {"content": "<|im_start|>", "special": true},
                  "260": {"content": "<|im_end|>", "special": true}}}""");
        assertThat(encode("12", true)).containsExactly('1', '2');
        // an accent after its letter is the letter with the accent
        assertThat(encode("e\u0301", true)).containsExactly(257);
        assertThat(encode("<|im_start|>1<|im_end|>", true)).containsExactly(259, '1', 260);
    }

    @Test
    void clipLowersLettersAndEndsWords() throws IOException {
        write("vocab.json", """
                {"a": 0, "b": 1, "a</w>": 2, "b</w>": 3, "ab</w>": 4, "!</w>": 5, "<|startoftext|>": 6, "<|endoftext|>": 7}""");
        write("merges.txt", "#version: 0.2\na b</w>\n");
        write("config.json", "{\"model_type\": \"clip\"}");
        assertThat(encode("AB  a!", true)).containsExactly(6, 4, 2, 5, 7);
    }

    @Test
    void filesThatDoNotFitSaySo() throws IOException {
        assertThatThrownBy(this::open).isInstanceOf(CheckpointException.class).hasMessageContaining("has no tokenizer.json");
        write("tokenizer.model", "x");
        assertThatThrownBy(this::open).hasMessageContaining("has a tokenizer.model but no tokenizer.json").hasMessageContaining("save_pretrained");
        bytePairs("a b");
        write("merges.txt", "#version: 0.2\na b\nc\n");
        assertThatThrownBy(this::open).hasMessage("merges.txt line 3 should hold two tokens and a space between them");
        write("merges.txt", "");
        write("vocab.json", "{\"a\": -1}");
        assertThatThrownBy(this::open).hasMessage("vocab.json gives the token 'a' the id -1");
        write("vocab.json", "[1");
        assertThatThrownBy(this::open).isInstanceOf(CheckpointException.class).hasMessageContaining("vocab.json is not JSON");
        write("tokenizer_config.json", "{\"tokenizer_class\": \"RobertaTokenizer\"}");
        assertThatThrownBy(this::open).hasMessageContaining("tokenizer_class RobertaTokenizer is not known without a tokenizer.json");
    }

    /** Without any word on it the post-processor of tokenizer.json, which begins sequences here, stays. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"{} | 1,300,400", "{'add_bos_token':false} | 300,400", "{'add_bos_token':true,'add_eos_token':true} | 1,300,400,2",
        "{'add_eos_token':true} | 1,300,400,2", "{'add_bos_token':false,'add_eos_token':true} | 300,400,2"})
    void beginningsAndEndsAreAsTheConfigurationSays(String flags, String ids) throws IOException {
        write("tokenizer.json", SyntheticTokenizer.json(-1));
        write("tokenizer_config.json", flags.replace('\'', '"').replaceFirst("\\{", "{\"bos_token\": \"<s>\", \"eos_token\": {\"content\": \"</s>\"}"
                + (flags.equals("{}") ? "" : ", ")));
        int[] plain = encode("hi", false);
        List<Integer> expected = new ArrayList<>();
        for (String id : ids.split(",")) expected.add(switch (id) {
            case "300" -> plain[0];
            case "400" -> plain[1];
            default -> Integer.parseInt(id);
        });
        assertThat(encode("hi", true)).containsExactly(expected.stream().mapToInt(i -> i).toArray());
        assertThat(plain).hasSize(2);
    }

    @Test
    void tokensThatOnlyTheConfigurationLists() throws IOException {
        write("tokenizer.json", SyntheticTokenizer.json(-1));
        int next = SyntheticTokenizer.size();
        String config = "{\"added_tokens_decoder\": {\"" + next + "\": {\"content\": \"<image>\", \"special\": true}, \"" + (next + 1)
                + "\": {\"content\": \"<pad>\", \"special\": true}, \"1\": {\"content\": \"<s>\", \"special\": true}}}";
        assertThat(encode("<image>", false)).hasSize(7);
        write("tokenizer_config.json", config);
        assertThat(encode("a<image>", false)).hasSize(2).endsWith(next);
        try (Tokenizer tokenizer = open()) {
            assertThat(tokenizer.decode(new int[] {next}, false)).isEqualTo("<image>");
            assertThat(tokenizer.decode(new int[] {next}, true)).isEmpty();
        }
    }
}
