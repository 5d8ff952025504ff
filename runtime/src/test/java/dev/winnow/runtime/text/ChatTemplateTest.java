package dev.winnow.runtime.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.winnow.weights.ModelDirectory;
import dev.winnow.weights.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Templates in the styles of well-known models, written for these tests. The prompts in expected.json were made of the same
 * conversations by Python's jinja2 3.1, set up as transformers sets it up.
 */
class ChatTemplateTest {
    private static final Clock CLOCK = Clock.fixed(Instant.parse("2025-03-09T14:05:07Z"), ZoneOffset.UTC);

    @TempDir
    private Path directory;

    @TestFactory
    Stream<DynamicTest> rendersWhatPythonRenders() {
        Settings file = TestData.json("templates/expected.json");
        Settings conversations = file.section("conversations");
        Settings expected = file.section("expected");
        return expected.keys().stream().flatMap(name -> expected.section(name).keys().stream().map(conversation ->
                dynamicTest(name + ", " + conversation, () -> {
                    Settings wanted = expected.section(name).section(conversation);
                    Settings given = conversations.section(conversation);
                    ChatTemplate template = template(TestData.text("templates/" + name + ".jinja"));
                    List<Message> messages = given.sections("messages").stream().map(ChatTemplateTest::message).toList();
                    boolean begin = given.flag("add_generation_prompt", false);
                    if (wanted.has("error")) {
                        assertThatThrownBy(() -> template.render(messages, begin)).isInstanceOf(TemplateException.class)
                                .hasMessageContaining("the chat template of test.jinja");
                    } else {
                        assertThat(template.render(messages, begin)).isEqualTo(wanted.string("prompt"));
                    }
                })));
    }

    private static ChatTemplate template(String source) {
        return new ChatTemplate(source, "test.jinja", Map.of("bos_token", "<s>", "eos_token", "</s>"), () -> CLOCK);
    }

    private static Message message(Settings message) {
        if (message.type("content").equals("string")) return Message.of(message.string("role"), message.string("content"));
        return new Message(message.string("role"), message.sections("content").stream()
                .<Part>map(part -> part.has("text") ? new Part.Text(part.string("text")) : new Part.Image()).toList());
    }

    @Test
    void theDemoModelsPrompt() {
        ChatTemplate template = ChatTemplate.load(ModelDirectory.open(TestData.path("demo"))).orElseThrow();
        for (Settings golden : TestData.json("demo/golden.json").sections("cases")) {
            List<Message> messages = List.of(Message.user(golden.string("question"), 1));
            assertThat(template.render(messages, true)).isEqualTo(golden.string("prompt"));
        }
    }

    @Test
    void filesAreTakenInHuggingFacesOrder() throws IOException {
        write("config.json", "{}");
        assertThat(ChatTemplate.load(ModelDirectory.open(directory))).isEmpty();
        write("tokenizer_config.json", "{\"bos_token\": {\"content\": \"<b>\"}, \"eos_token\": null}");
        assertThat(ChatTemplate.load(ModelDirectory.open(directory))).isEmpty();
        write("tokenizer_config.json", """
                {"bos_token": {"content": "<b>"}, "chat_template": [
                  {"name": "tool_use", "template": "no"},
                  {"name": "default", "template": "{{ bos_token }}list{{ eos_token }}"}]}""");
        assertThat(loaded()).isEqualTo("<b>list");
        write("chat_template.json", "{\"chat_template\": \"{{ bos_token }}json\"}");
        assertThat(loaded()).isEqualTo("<b>json");
        write("chat_template.jinja", "{{ bos_token }}jinja\n");
        assertThat(loaded()).isEqualTo("<b>jinja");
    }

    private String loaded() {
        return ChatTemplate.load(ModelDirectory.open(directory)).orElseThrow().render(List.of(Message.user("Hi", 0)), true);
    }

    private void write(String name, String text) throws IOException {
        Files.writeString(directory.resolve(name), text);
    }

    @Test
    void failuresNameTheFileAndTheLine() {
        assertThatThrownBy(() -> template("one\n{% if %}")).isInstanceOf(TemplateException.class)
                .hasMessage("the chat template of test.jinja fails at line 2: unexpected '%}'");
        assertThatThrownBy(() -> template("\n\n{{ 1 + messages[9].role }}").render(List.of(), false))
                .hasMessage("the chat template of test.jinja fails at line 3: a list has no item 9");
        assertThatThrownBy(() -> template("{{ raise_exception('no system role') }}").render(List.of(), false))
                .hasMessage("the chat template of test.jinja rejects these messages: no system role");
    }

    @Test
    void aTextOfSeveralPartsIsJoined() {
        Message message = new Message("user", List.of(new Part.Text("a"), new Part.Text("b")));
        assertThat(template("{{ messages[0].content }}").render(List.of(message), false)).isEqualTo("ab");
    }

    @Test
    void messagesAreChecked() {
        assertThatThrownBy(() -> Message.user("a", -1)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("-1 images");
        assertThatThrownBy(() -> Message.of("", "a")).hasMessage("a message needs a role");
        assertThatThrownBy(() -> Message.of("user", null)).hasMessage("a text part needs a text");
        assertThat(Message.user("a", 2).parts()).containsExactly(new Part.Image(), new Part.Image(), new Part.Text("a"));
    }
}
