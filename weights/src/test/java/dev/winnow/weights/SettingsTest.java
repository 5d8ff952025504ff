package dev.winnow.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SettingsTest {
    private static final String TEXT = """
            {"n": 12, "x": 1e-6, "big": 3000000000, "huge": 1e999, "whole": 12.0, "yes": true, "s": "abc", "nothing": null,
             "ints": [1, 2], "numbers": [1, 2.5], "strings": ["a", "b"], "mixed": [1, "a"], "items": [{"k": 1}, {"k": 2}],
             "text_config": {"hidden_size": 64, "rope": {"theta": 10000}}}""";

    private final Settings settings = Settings.of(TEXT, "config.json");

    @TempDir
    Path dir;

    @Test
    void defaultsStandInForWhatIsAbsentOnly() {
        Settings merged = settings.withDefaults("{\"n\": 1, \"nothing\": 2, \"new\": 3}");
        assertThat(merged.integer("n")).isEqualTo(12);
        assertThat(merged.has("nothing")).as("null overrides a default").isFalse();
        assertThat(merged.integer("new")).isEqualTo(3);
        assertThat(merged.text()).isEqualTo(TEXT);
        assertThat(settings.has("new")).isFalse();
        assertThatThrownBy(() -> settings.section("text_config").withDefaults("{\"depth\": \"x\"}").integer("depth"))
                .isInstanceOf(CheckpointException.class).hasMessageContaining("'text_config.depth' should be an integer");
    }

    @Test
    void valuesOfEveryKind() {
        assertThat(settings.integer("n")).isEqualTo(12);
        assertThat(settings.number("n")).isEqualTo(12.0);
        assertThat(settings.number("x")).isEqualTo(1e-6);
        assertThat(settings.number("big")).isEqualTo(3e9);
        assertThat(settings.flag("yes", false)).isTrue();
        assertThat(settings.string("s")).isEqualTo("abc");
        assertThat(settings.integers("ints")).containsExactly(1, 2);
        assertThat(settings.numbers("numbers")).containsExactly(1.0, 2.5);
        assertThat(settings.strings("strings")).containsExactly("a", "b");
        assertThat(settings.sections("items")).extracting(s -> s.integer("k")).containsExactly(1, 2);
        assertThat(settings.section("text_config").section("rope").integer("theta")).isEqualTo(10000);
        assertThat(settings.optionalSection("text_config")).hasValueSatisfying(
                s -> assertThat(s.integer("hidden_size")).isEqualTo(64));
    }

    @Test
    void absentAndNullTakeTheDefault() {
        for (String key : List.of("absent", "nothing")) {
            assertThat(settings.has(key)).isFalse();
            assertThat(settings.integer(key, 3)).isEqualTo(3);
            assertThat(settings.number(key, 0.5)).isEqualTo(0.5);
            assertThat(settings.flag(key, true)).isTrue();
            assertThat(settings.string(key, "d")).isEqualTo("d");
            assertThat(settings.optionalSection(key)).isEmpty();
        }
        assertThat(settings.has("n")).isTrue();
        assertThat(settings.integer("n", 3)).isEqualTo(12);
        assertThat(settings.string("s", "d")).isEqualTo("abc");
    }

    @Test
    void kindsOfValues() {
        assertThat(List.of("n", "s", "ints", "text_config", "yes", "nothing", "gone")).extracting(settings::type)
                .containsExactly("number", "string", "array", "object", "boolean", "null", "absent");
        assertThat(settings.keys()).startsWith("n", "x", "big").contains("nothing").hasSize(14);
    }

    @Test
    void textIsTheSourceOrTheSectionAlone() {
        assertThat(settings.text()).isEqualTo(TEXT);
        assertThat(settings.section("text_config").text()).isEqualTo("{\"hidden_size\":64,\"rope\":{\"theta\":10000}}");
    }

    @Test
    void missingKeys() {
        Settings inner = settings.section("text_config");
        refused(() -> inner.integer("layers"), "key 'text_config.layers' is missing");
        refused(() -> inner.number("eps"), "key 'text_config.eps' is missing");
        refused(() -> inner.string("type"), "key 'text_config.type' is missing");
        refused(() -> inner.section("vision"), "key 'text_config.vision' is missing");
        refused(() -> inner.section("rope").integers("list"), "key 'text_config.rope.list' is missing");
        refused(() -> settings.integer("nothing"), "key 'nothing' should be an integer but is null");
    }

    @Test
    void valuesOfTheWrongKind() {
        refused(() -> settings.integer("s"), "key 's' should be an integer but is \"abc\"");
        refused(() -> settings.integer("s", 1), "key 's' should be an integer but is \"abc\"");
        refused(() -> settings.integer("whole"), "key 'whole' should be an integer but is 12.0");
        refused(() -> settings.integer("big"), "key 'big' should be an integer of at most 32 bits but is 3000000000");
        refused(() -> settings.number("yes"), "key 'yes' should be a number but is true");
        refused(() -> settings.number("huge"), "key 'huge' should be a number that a double can hold");
        refused(() -> settings.flag("n", true), "key 'n' should be true or false but is 12");
        refused(() -> settings.string("n"), "key 'n' should be a string but is 12");
        refused(() -> settings.section("ints"), "key 'ints' should be an object but is an array");
        refused(() -> settings.optionalSection("s"), "key 's' should be an object but is \"abc\"");
        refused(() -> settings.strings("text_config"), "key 'text_config' should be an array but is an object");
        refused(() -> settings.integers("mixed"), "key 'mixed[1]' should be an integer but is \"a\"");
        refused(() -> settings.strings("mixed"), "key 'mixed[0]' should be a string but is 1");
        refused(() -> settings.sections("ints"), "key 'ints[0]' should be an object but is 1");
        refused(() -> settings.sections("items").get(1).string("k"), "key 'items[1].k' should be a string but is 2");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{", "{\"a\":}", "{\"a\":NaN}", "{a:1}", "{} x", "{}{}", "{\"a\":1,}", "{'a':1}", "{\"a\":1}//"})
    void invalidJson(String json) {
        refused(() -> Settings.of(json, "config.json"), "not valid JSON");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "   ", "[]", "1", "null", "\"x\""})
    void textThatIsNoObject(String json) {
        refused(() -> Settings.of(json, "config.json"), "does not hold a JSON object");
    }

    @Test
    void duplicateKeys() {
        refused(() -> Settings.of("{\"a\":{\"b\":1,\"b\":2}}", "config.json"), "Duplicate field 'b' (line 1, column");
    }

    @Test
    void deepNesting() {
        refused(() -> Settings.of("{\"a\":".repeat(100_000), "config.json"),
                "nesting depth (65) exceeds the maximum allowed (64)");
        refused(() -> Settings.of("{\"a\":" + "[".repeat(100_000), "config.json"), "nesting depth (65)");
        String allowed = "{\"a\":".repeat(64) + "1" + "}".repeat(64);
        assertThat(Settings.of(allowed, "config.json").has("a")).isTrue();
    }

    @Test
    void filesAreNamedInMessages() throws IOException {
        Path file = dir.resolve("config.json");
        refused(() -> Settings.read(file), "cannot read " + file + ": no such file");
        Files.write(file, new byte[] {'{', '"', (byte) 0xc3, '"', ':', '1', '}'});
        refused(() -> Settings.read(file), "config.json: not valid UTF-8");
        Files.writeString(file, "{\"\u00fc\": \"\u4e2d\"}");
        assertThat(Settings.read(file).string("\u00fc")).isEqualTo("\u4e2d");
        assertThatThrownBy(() -> Settings.read(dir)).isInstanceOf(CheckpointException.class)
                .hasMessageStartingWith("cannot read " + dir);
    }

    @Test
    void oversizedFile() throws IOException {
        Path file = dir.resolve("config.json");
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
            out.setLength(Settings.LARGEST + 1L);
        }
        refused(() -> Settings.read(file), "over the limit of 67108864 bytes");
    }

    @Test
    void damagedTextIsRefusedInASentence() {
        Random random = new Random(99);
        byte[] whole = TEXT.getBytes(StandardCharsets.UTF_8);
        int refused = 0;
        for (int i = 0; i < 20_000; i++) {
            byte[] damaged = whole.clone();
            for (int n = 1 + random.nextInt(2); n > 0; n--) damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(128);
            try {
                Settings read = Settings.of(new String(damaged, StandardCharsets.UTF_8), "config.json");
                for (String key : read.keys()) read.type(key);
                read.integer("n");
                read.section("text_config").section("rope").integer("theta");
            } catch (CheckpointException e) {
                assertThat(e.getMessage()).startsWith("config.json: ").doesNotContain("\n");
                refused++;
            }
        }
        assertThat(refused).isBetween(1000, 19_900);
    }

    private static void refused(ThrowingCallable call, String why) {
        assertThatThrownBy(call).isExactlyInstanceOf(CheckpointException.class).hasMessageContaining("config.json")
                .hasMessageContaining(why);
    }
}
