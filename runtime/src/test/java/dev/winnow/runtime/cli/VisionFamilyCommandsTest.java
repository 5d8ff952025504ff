package dev.winnow.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.winnow.weights.Checkpoint;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** From a configuration to labels, for families that are not plain ViTs. */
class VisionFamilyCommandsTest {
    private static final String PICTURE = "src/test/resources/golden/llava-1img/image0.png";

    @TempDir
    private Path folder;
    private StringWriter printed;
    private StringWriter said;

    private JsonNode json(String... args) throws IOException {
        assertThat(run(args)).as(said.toString()).isZero();
        return new ObjectMapper().readTree(printed.toString());
    }

    private int run(String... args) {
        printed = new StringWriter();
        said = new StringWriter();
        return WinnowCommand.run(new PrintWriter(printed), new PrintWriter(said), args);
    }

    private Path synthesised(String config) throws IOException {
        Path file = Files.writeString(folder.resolve("small.json"), config);
        Path out = folder.resolve("model");
        assertThat(run("synth", "--config", file.toString(), "--out", out.toString())).as(said.toString()).isZero();
        return out;
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "poolformer|{\"model_type\": \"poolformer\", \"architectures\": [\"PoolFormerForImageClassification\"], \"num_labels\": 6,"
                + " \"depths\": [1, 1, 2, 1], \"hidden_sizes\": [8, 12, 16, 20]}|49|0 of 0 used|20|vision.stage.3",
        "caformer_s18|{\"architecture\": \"caformer_s18\", \"num_classes\": 6, \"model_args\": {\"depths\": [1, 1, 2, 1],"
                + " \"dims\": [8, 12, 32, 64]}}|49|1 of 1 used|64|vision.stage.2",
        "t2t_vit_7|{\"architecture\": \"t2t_vit_7\", \"num_classes\": 6, \"label_names\": [\"cat\"],"
                + " \"model_args\": {\"depth\": 3, \"embed_dim\": 32}}|196|3 of 3 used|32|vision.tokens.1"})
    void everyCommandKnowsThem(String family, String config, int patches, String layers, int width, String traced) throws IOException {
        String model = synthesised(config).toString();
        JsonNode facts = json("inspect", "--model", model, "--json");
        assertThat(facts.get("family").asText()).isEqualTo(family);
        assertThat(facts.get("patches").asInt()).isEqualTo(patches);
        assertThat(facts.get("vision layers").asText()).isEqualTo(layers);
        assertThat(facts.get("before the layers").asText()).isNotEmpty();
        assertThat(facts.get("memory bytes").asLong()).isGreaterThan(facts.get("weight bytes").asLong());
        JsonNode labels = json("classify", "--model", model, "--image", PICTURE, "--top", "6", "--json");
        assertThat(labels.findValuesAsText("name")).contains("LABEL_5", family.startsWith("t2t") ? "cat" : "LABEL_0");
        long flops = facts.get("image flops").asLong();
        // the classifier comes on top
        assertThat(labels.findValue("visionFlops").asLong()).isBetween(flops, flops + flops / 100);
        assertThat(json("embed", "--model", model, "--image", PICTURE, "--json").findValue("embedding")).hasSize(width);
        Path trace = folder.resolve("trace.safetensors");
        assertThat(run("trace", "--model", model, "--image", PICTURE, "--out", trace.toString())).as(said.toString()).isZero();
        try (Checkpoint checkpoint = Checkpoint.open(trace)) {
            assertThat(checkpoint.names()).contains("vision.embed", "vision_last_hidden", "logits", traced);
        }
        assertThat(run("inspect", "--model", model, "--explain-load")).isZero();
        assertThat(printed.toString()).contains(family.startsWith("t2t") ? "vision projection of tokens" : "vision stage 0 entrance");
    }

    @Test
    void reducingAPoolFormerIsRefusedInASentence() throws IOException {
        String model = synthesised("{\"architecture\": \"poolformerv2_s12\", \"num_classes\": 6, \"model_args\": {\"depths\": [1, 1, 1, 1],"
                + " \"dims\": [8, 12, 16, 20]}}").toString();
        assertThat(run("classify", "--model", model, "--image", PICTURE, "--reduce", "tome")).isEqualTo(2);
        assertThat(said.toString()).contains("tome").contains("operators need the whole grid of patches to the end")
                .doesNotContain("\tat ");
    }

    @Test
    void inspectSaysWhatACheckpointWasTrainedWith() throws IOException {
        String model = synthesised("""
                {"model_type": "pmod_llava_llama", "vocab_size": 300, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 32,
                 "num_attention_heads": 2, "image_token_index": 290, "mod_target_layers": "shiftedlinear_decay_0.9_0.2",
                 "mod_weight_norm": "tanh_0.1_1", "mod_router_factor": 0.4,
                 "vision_config": {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2,
                  "image_size": 32, "patch_size": 8}}""").toString();
        JsonNode facts = json("inspect", "--model", model, "--json");
        assertThat(facts.get("family").asText()).isEqualTo("pmod_llava_llama");
        assertThat(facts.get("active by default").asText())
                .isEqualTo("pmod:keep=0.4,most=0.9,least=0.2,scale=0.1,shift=1,decay=shiftedlinear,span=32");
        json("generate", "--model", model, "--prompt", "hi", "--image", PICTURE, "--max-new-tokens", "2", "--ignore-eos", "--json");
    }
}
