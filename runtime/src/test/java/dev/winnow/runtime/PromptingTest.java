package dev.winnow.runtime;

import static dev.winnow.runtime.SmallVisionLanguage.noise;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.runtime.images.RgbImage;
import dev.winnow.runtime.images.Video;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Pictures among words, with chat templates built as those of the families' releases are. Runs of placeholders are written with their
 * length.
 */
class PromptingTest {
    private static final RgbImage PICTURE = noise(60, 40);

    /** LLaVA 1.5: pictures first, then words, the model's own words in a generation block. */
    private static final String LLAVA = """
            {% for message in messages %}{% if message['role'] != 'system' %}{{ message['role'].upper() + ': '}}{% endif %}\
            {% for content in message['content'] | selectattr('type', 'equalto', 'image') %}{{ '<image>\\n' }}{% endfor %}\
            {% if message['role'] != 'assistant' %}{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}\
            {{ content['text'] + ' '}}{% endfor %}{% else %}{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}\
            {% generation %}{{ content['text'] + ' '}}{% endgeneration %}{% endfor %}{% endif %}{% endfor %}\
            {% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}""";
    /** Qwen2-VL: counters in namespaces, pictures where they stand. */
    private static final String QWEN = """
            {% set pictures = namespace(value=0) %}{% for message in messages %}{% if loop.first and message['role'] != 'system' %}\
            <|system|>Be kind.
            {% endif %}<|{{ message['role'] }}|>{% if message['content'] is string %}{{ message['content'] }}{% else %}\
            {% for content in message['content'] %}{% if content['type'] == 'image' or 'image' in content or 'image_url' in content %}\
            {% set pictures.value = pictures.value + 1 %}{% if add_vision_id %}Picture {{ pictures.value }}: {% endif %}\
            <|vision_start|><image><|vision_end|>{% elif content['type'] == 'video' or 'video' in content %}\
            <|vision_start|><video><|vision_end|>{% elif 'text' in content %}{{ content['text'] }}{% endif %}{% endfor %}{% endif %}<end>
            {% endfor %}{% if add_generation_prompt %}<|assistant|>
            {% endif %}""";
    /** Gemma 3: a slice for the system's words, roles that must alternate, a mark that is no placeholder. */
    private static final String GEMMA = """
            {{ bos_token }}
            {%- if messages[0]['role'] == 'system' -%}
                {%- set loop_messages = messages[1:] -%}
            {%- else -%}
                {%- set loop_messages = messages -%}
            {%- endif -%}
            {%- for message in loop_messages -%}
                {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
                    {{ raise_exception("Conversation roles must alternate") }}
                {%- endif -%}
                {{ '<turn>' + message['role'] + '\\n' }}
                {%- if message['content'] is string -%}
                    {{ message['content'] | trim }}
                {%- elif message['content'] is iterable -%}
                    {%- for item in message['content'] -%}
                        {%- if item['type'] == 'image' -%}{{ '<start_of_image>' }}
                        {%- elif item['type'] == 'text' -%}{{ item['text'] | trim }}{%- endif -%}
                    {%- endfor -%}
                {%- else -%}{{ raise_exception("Invalid content type") }}{%- endif -%}
                {{ '<end>\\n' }}
            {%- endfor -%}
            {%- if add_generation_prompt -%}{{ '<turn>model\\n' }}{%- endif -%}""";
    /** SmolVLM: no space after a role whose first part is a picture. */
    private static final String SMOLVLM = """
            <|start|>{% for message in messages %}{{message['role'] | capitalize}}{% if message['content'][0]['type'] == 'image' %}{{':'}}\
            {% else %}{{': '}}{% endif %}{% for line in message['content'] %}{% if line['type'] == 'text' %}{{line['text']}}\
            {% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end>
            {% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}""";
    /** A template of a language model, as early releases of LLaVA-NeXT have: it joins texts. */
    private static final String WORDS = """
            {{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}\
            {% endif %}{% endfor %}""";

    @TempDir
    private Path dir;

    private String prompt(String family, String template, String words, int pictures, int films) throws IOException {
        try (Winnow model = SmallVisionLanguage.model(family, dir)) {
            Files.deleteIfExists(dir.resolve("chat_template.jinja"));
            if (template != null) Files.writeString(dir.resolve("chat_template.jinja"), template);
            RgbImage[] images = new RgbImage[pictures];
            Arrays.fill(images, PICTURE);
            Video[] videos = new Video[films];
            Arrays.fill(videos, new Video(List.of(PICTURE, PICTURE, PICTURE), 2));
            var ids = model.inputs(words, List.of(images), List.of(videos), false).get("input_ids").toLongs();
            String text = String.join("", model.words(Arrays.stream(ids).mapToInt(id -> (int) id).toArray()));
            // runs of placeholders, with their length
            for (String token : List.of("<image>", "<video>")) {
                for (int n = 100; n > 1; n--) text = text.replace(token.repeat(n), token + n);
            }
            return text;
        }
    }

    @Test
    void llava() throws IOException {
        assertThat(prompt("llava", LLAVA, "what?", 1, 0)).isEqualTo("<s>USER: <image>16\nwhat? ASSISTANT:");
        assertThat(prompt("llava", LLAVA, "what?", 2, 0)).isEqualTo("<s>USER: <image>16\n<image>16\nwhat? ASSISTANT:");
        // this template moves pictures to the front wherever they stand
        assertThat(prompt("llava", LLAVA, "a <image>b", 1, 0)).isEqualTo("<s>USER: <image>16\na  b ASSISTANT:");
        assertThat(prompt("llava", LLAVA, "only words", 0, 0)).isEqualTo("<s>USER: only words ASSISTANT:");
        assertThat(prompt("llava_next", LLAVA, "what?", 1, 0)).isEqualTo("<s>USER: <image>70\nwhat? ASSISTANT:");
        assertThat(prompt("llava", null, "a <image> b", 1, 0)).isEqualTo("<s>a <image>16 b");
    }

    @Test
    void qwen() throws IOException {
        assertThat(prompt("qwen2_vl", QWEN, "what?", 1, 0))
                .isEqualTo("<s><|system|>Be kind.\n<|user|><|vision_start|><image>8<|vision_end|>what?<end>\n<|assistant|>\n");
        assertThat(prompt("qwen2_5_vl", QWEN, "from <image> to <image>", 2, 0)).isEqualTo("<s><|system|>Be kind.\n<|user|>from "
                + "<|vision_start|><image>8<|vision_end|> to <|vision_start|><image>8<|vision_end|><end>\n<|assistant|>\n");
        assertThat(prompt("qwen2_vl", QWEN, "what?", 1, 1)).isEqualTo("<s><|system|>Be kind.\n<|user|><|vision_start|><image>8<|vision_end|>"
                + "<|vision_start|><video>16<|vision_end|>what?<end>\n<|assistant|>\n");
        assertThat(prompt("qwen2_vl", QWEN, "words ", 0, 0)).isEqualTo("<s><|system|>Be kind.\n<|user|>words <end>\n<|assistant|>\n");
        assertThat(prompt("qwen2_vl", null, "what?", 1, 1))
                .isEqualTo("<s><|vision_start|><image>8<|vision_end|><|vision_start|><video>16<|vision_end|>what?");
    }

    @Test
    void gemma() throws IOException {
        String picture = "\n\n<start_of_image><image>4<end_of_image>\n\n";
        assertThat(prompt("gemma3", GEMMA, " what? ", 1, 0)).isEqualTo("<s><turn>user\n" + picture + "what?<end>\n<turn>model\n");
        assertThat(prompt("gemma3", GEMMA, "a <image> b <start_of_image>", 2, 0))
                .isEqualTo("<s><turn>user\na" + picture + "b" + picture + "<end>\n<turn>model\n");
        assertThat(prompt("gemma3", GEMMA, "only words", 0, 0)).isEqualTo("<s><turn>user\nonly words<end>\n<turn>model\n");
    }

    /** A long picture is there as a whole and in parts, each with its own placeholders. */
    @Test
    void gemmaPansAndScans() throws IOException {
        String processor = SmallVisionLanguage.processor("gemma3").replace("}}", "},'do_pan_and_scan':true,'pan_and_scan_min_crop_size':20}");
        try (Winnow model = SmallVisionLanguage.model(SmallVisionLanguage.config("gemma3"), processor, dir)) {
            long[] ids = model.inputs("what?", List.of(noise(60, 40)), false).get("input_ids").toLongs();
            String text = String.join("", model.words(Arrays.stream(ids).mapToInt(id -> (int) id).toArray()));
            String each = "\n\n<start_of_image>" + "<image>".repeat(4) + "<end_of_image>\n\n";
            assertThat(text).isEqualTo("<s>Here is the original image " + each + " and here are some crops to help you see better " + each + " "
                    + each + "what?");
            Answer answer = model.generate(Request.of("what?", noise(60, 40), noise(40, 40)).withMaxTokens(2).withIgnoreEos(true), piece -> { });
            assertThat(answer.stats().imageTokens()).isEqualTo(4 * 4);
        }
    }

    @Test
    void paliGemma() throws IOException {
        assertThat(prompt("paligemma", null, "what?", 2, 0)).isEqualTo("<image>32<s>what?\n");
        assertThat(prompt("paligemma", null, "<image>what?", 1, 0)).isEqualTo("<image>16<s>what?\n");
        assertThat(prompt("paligemma", null, "a <image>, b <image>?", 2, 0)).isEqualTo("a <image>16, b <image>16<s>?\n");
        assertThat(prompt("paligemma", null, "only words", 0, 0)).isEqualTo("<s>only words");
    }

    @Test
    void smolvlm() throws IOException {
        assertThat(prompt("smolvlm", SMOLVLM, "what?", 1, 0)).startsWith("<s><|start|>User:<fake_token_around_image><row_1_col_1><image>4")
                .endsWith("<global-img><image>4<fake_token_around_image>what?<end>\nAssistant:");
        // a text-only prompt still comes as a list, which this template takes for granted
        assertThat(prompt("smolvlm", SMOLVLM, "only words", 0, 0)).isEqualTo("<s><|start|>User: only words<end>\nAssistant:");
    }

    @Test
    void aTemplateForWordsAloneGetsTheMarksAsWords() throws IOException {
        assertThat(prompt("llava_next", WORDS, "what?", 1, 0)).isEqualTo("<s>[INST] <image>70\nwhat? [/INST]");
        assertThat(prompt("llava", WORDS, "a <image>b", 1, 0)).isEqualTo("<s>[INST] a <image>16\nb [/INST]");
    }

    @Test
    void asManyPlacesAsPictures() {
        assertThatThrownBy(() -> prompt("llava", LLAVA, "a <image> b <image>", 1, 0)).isInstanceOf(RequestException.class)
                .hasMessage("the prompt has 2 places for images, but there is 1 image");
        assertThatThrownBy(() -> prompt("qwen2_vl", null, "a <video> b <video>", 0, 1)).hasMessage(
                "the prompt has 2 places for videos, but there is 1 video");
        assertThatThrownBy(() -> prompt("llava", LLAVA, "a <image> b", 0, 0)).hasMessage(
                "the prompt has 1 place for an image, but there are 0 images");
    }
}
