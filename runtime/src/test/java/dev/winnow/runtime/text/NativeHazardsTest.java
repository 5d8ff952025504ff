package dev.winnow.runtime.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.weights.CheckpointException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each of these files would end the process if it came to the native side, so nothing here goes there. */
class NativeHazardsTest {
    @ParameterizedTest
    @ValueSource(strings = {
        "'post_processor': {'type': 'TemplateProcessing', 'single': [{'SpecialToken': {'id': '<s>'}}], 'special_tokens': {}}",
        "'post_processor': {'type': 'TemplateProcessing', 'single': [{'SpecialToken': {'id': '<s>'}}]}",
        "'post_processor': {'type': 'TemplateProcessing', 'single': [{'Sequence': {'id': 'B'}}], 'special_tokens': {}}",
        "'post_processor': {'type': 'Sequence', 'processors': [{'single': [{'Sequence': {'id': 'B'}}]}]}",
        "'post_processor': {'single': [{'SpecialToken': {'id': '<s>'}}], 'special_tokens': {}}",
        "'decoder': {'type': 'Sequence', 'decoders': [{'type': 'Strip', 'content': ' ', 'start': 1, 'stop': 1}]}",
        "'decoder': {'content': ' ', 'start': 1, 'stop': 4294967296}",
        "'normalizer': {'type': 'Precompiled'}",
        "'normalizer': {'type': 'Precompiled', 'precompiled_charsmap': 1}",
        "'normalizer': {'type': 'Precompiled', 'precompiled_charsmap': '!'}",
        "'normalizer': {'type': 'Precompiled', 'precompiled_charsmap': '/////w=='}",
        "'normalizer': {'type': 'Sequence', 'normalizers': [{'type': 'NFC'}, {'type': 'Replace', 'pattern': {'Regex': ''}}]}",
        "'normalizer': {'type': 'Replace', 'pattern': {'String': ''}, 'content': 'a'}",
    })
    void whatTheNativeSideWouldNotSurviveIsRefused(String part) {
        for (String json : new String[] {"{" + part + "}", "{'model': {'vocab': {}}, 'normalizer': null, " + part + "}"}) {
            assertThatThrownBy(() -> NativeHazards.check(json.replace('\'', '"'), "t")).isInstanceOf(CheckpointException.class)
                    .hasMessageStartingWith("t is not a valid tokenizer: its ");
        }
    }

    @Test
    void whatIsCommonPasses() {
        assertThatCode(() -> NativeHazards.check("""
                {"normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"},
                   {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
                   {"type": "Precompiled", "precompiled_charsmap": "BAAAAAAAAABhAA=="}]},
                 "decoder": {"type": "Strip", "content": " ", "start": 1, "stop": 0},
                 "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                   {"Sequence": {"id": "A", "type_id": 0}}],
                   "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}}}""", "t"))
                .doesNotThrowAnyException();
        assertThatCode(() -> NativeHazards.check(TestData.text("demo/tokenizer.json"), "t")).doesNotThrowAnyException();
        assertThat(TestData.text("demo/tokenizer.json")).contains("TemplateProcessing");
    }
}
