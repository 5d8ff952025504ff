package dev.winnow.runtime.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.ModelDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GenerationDefaultsTest {
    @TempDir
    private Path directory;

    private GenerationDefaults of(String config, String generation) throws IOException {
        Files.writeString(directory.resolve("config.json"), config);
        if (generation != null) Files.writeString(directory.resolve("generation_config.json"), generation);
        return GenerationDefaults.of(ModelDirectory.open(directory));
    }

    @Test
    void theirOwnFileComesFirst() throws IOException {
        GenerationDefaults defaults = of("""
                {"eos_token_id": 9, "bos_token_id": 8, "top_k": 3, "text_config": {"pad_token_id": 7}}""", """
                {"eos_token_id": [2, 5], "do_sample": true, "temperature": 0.6, "top_p": 0.9, "max_new_tokens": 96}""");
        assertThat(defaults.eosIds()).isEqualTo(Set.of(2, 5));
        assertThat(defaults.bosId()).hasValue(8);
        assertThat(defaults.padId()).hasValue(7);
        assertThat(defaults.maxNewTokens()).hasValue(96);
        assertThat(defaults.sampling(11)).isEqualTo(new SamplingOptions(0.6, 50, 0.9, 0, 1, 11));
    }

    @Test
    void withoutItTheConfigSpeaks() throws IOException {
        GenerationDefaults defaults = of("""
                {"eos_token_id": null, "text_config": {"eos_token_id": 4}, "do_sample": true, "top_k": 0,
                 "repetition_penalty": 1.1}""", null);
        assertThat(defaults.eosIds()).isEqualTo(Set.of(4));
        assertThat(defaults.bosId()).isEmpty();
        assertThat(defaults.maxNewTokens()).isEmpty();
        assertThat(defaults.sampling(0)).isEqualTo(new SamplingOptions(1, 0, 1, 0, 1.1, 0));
    }

    @Test
    void withoutSamplingTheChoiceIsGreedy() throws IOException {
        assertThat(of("{}", "{\"temperature\": 0.6}").sampling(0)).isEqualTo(SamplingOptions.greedy());
        assertThat(of("{}", "{}").eosIds()).isEmpty();
    }

    @Test
    void aWrongTypeNamesTheKey() {
        assertThatThrownBy(() -> of("{}", "{\"eos_token_id\": \"</s>\"}")).isInstanceOf(CheckpointException.class)
                .hasMessageContaining("generation_config.json").hasMessageContaining("eos_token_id");
    }
}
