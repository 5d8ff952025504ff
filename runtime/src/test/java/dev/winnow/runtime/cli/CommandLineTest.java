package dev.winnow.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.winnow.weights.Checkpoint;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every command as a user types it: what comes out where it works, one sentence and an exit code where it cannot. */
class CommandLineTest {
    private static final String DEMO = "../examples/demo/";
    private static final String VLM = DEMO + "shapes-vlm";
    private static final String VIT = DEMO + "shapes-vit";
    private static final String PICTURE = DEMO + "questions-vlm/0131.png";
    private static final String GOLDEN = "src/test/resources/golden/";
    private static final String QUESTION = "What color is the square?";
    private static final List<String> COMMANDS = List.of("demo", "generate", "classify", "embed", "trace", "reduce", "methods",
            "bench", "eval", "inspect", "synth");

    @TempDir
    private Path folder;
    private Path out;
    private StringWriter printed;
    private StringWriter said;

    @BeforeEach
    void start() {
        out = folder.resolve("out");
    }

    private int run(String... args) {
        printed = new StringWriter();
        said = new StringWriter();
        return WinnowCommand.run(new PrintWriter(printed), new PrintWriter(said), args);
    }

    private void works(String... args) {
        assertThat(run(args)).as(said.toString()).isZero();
    }

    private JsonNode json() throws IOException {
        return new ObjectMapper().readTree(printed.toString());
    }

    // ---- what works ----

    @Test
    void generateAnswersAndSaysWhatItCost() {
        works("generate", "--model", VLM, "--image", PICTURE, "--prompt", QUESTION, "--reduce", "visionzip:dominant=40,contextual=8");
        assertThat(printed.toString().strip()).isEqualTo("purple");
        assertThat(said.toString()).contains("144 image tokens").contains("first token");
    }

    @Test
    void generateAnswersSeveralPromptsEachWithItsPictures() throws IOException {
        Files.copy(Path.of(PICTURE), folder.resolve("a.png"));
        Files.writeString(folder.resolve("ask.jsonl"), "{\"id\": \"x\", \"prompt\": \"" + QUESTION + "\", \"image\": \"a.png\"}\n"
                + "{\"prompt\": \"" + QUESTION + "\", \"images\": [\"a.png\"]}\n");
        works("generate", "--model", VLM, "--questions", folder.resolve("ask.jsonl").toString());
        assertThat(printed.toString().lines()).containsExactly("x\tpurple", "2\tpurple");
        works("generate", "--model", VLM, "--questions", folder.resolve("ask.jsonl").toString(), "--json");
        assertThat(json()).hasSize(2);
        assertThat(json().get(0).get("id").asText()).isEqualTo("x");
        assertThat(json().get(1).get("stats").get("imageTokens").asInt()).isEqualTo(144);
    }

    @ParameterizedTest
    @ValueSource(strings = {"q8", "q4"})
    void generateWithRoundedMatrices(String quantization) {
        works("generate", "--model", VLM, "--image", PICTURE, "--prompt", QUESTION, "--quantize", quantization);
        assertThat(printed.toString().strip()).isEqualTo("purple");
    }

    @Test
    void generateAsJsonWithAPicture() throws IOException {
        works("generate", "--model", VLM, "--image", PICTURE, "--prompt", QUESTION, "--reduce", "tome:r=8", "--reduce",
                "fastv:k=2", "--reduce", "snapkv:budget=40", "--explain", out + ".png", "--json");
        assertThat(json().get("text").asText().strip()).isEqualTo("purple");
        assertThat(json().get("end").asText()).isEqualTo("END_OF_SEQUENCE");
        assertThat(json().get("plan").asText()).isEqualTo("tome:r=8 + fastv:k=2 + snapkv:keep=40");
        assertThat(json().get("stats").get("languageTokens")).hasSize(6);
        assertThat(Path.of(out + ".png")).isNotEmptyFile();
    }

    @Test
    void classifyLabelsSeveralPictures() throws IOException {
        works("classify", "--model", VIT, "--image", DEMO + "golden/vit-0.png", DEMO + "golden/vit-1.png", "--top", "2", "--json");
        assertThat(json()).hasSize(2);
        assertThat(json().get(0).get("labels")).hasSize(2);
        assertThat(json().get(0).get("labels").get(0).get("probability").asDouble()).isBetween(0.0, 1.0);
    }

    @Test
    void embedPrintsOneLinePerPicture() {
        works("embed", "--model", VIT, "--image", PICTURE, "--image", DEMO + "golden/vit-0.png");
        assertThat(printed.toString().strip().lines()).hasSize(2).allMatch(line -> line.split(" ").length == 128);
    }

    @Test
    void embedWritesFeaturesOfEveryPatch() throws IOException {
        works("embed", "--model", VIT, "--image", PICTURE, DEMO + "golden/vit-0.png", "--dense", "--dropped", "nearest", "--reduce",
                "flowcut:keep=20", "--out", out.toString(), "--json");
        assertThat(json().get("patches")).hasSize(4);
        assertThat(json().get("patches").get(0).asInt()).isEqualTo(2);
        try (Checkpoint written = Checkpoint.open(out)) {
            assertThat(written.names()).containsExactlyInAnyOrder("patches", "class");
            assertThat(written.tensor("class").shape()).containsExactly(2, 128);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama-plain", "clip", "vit-classify", "llava-1img"})
    void traceWritesIntermediates(String model) {
        works("trace", "--model", GOLDEN + model, "--inputs", GOLDEN + model + "/expected.safetensors", "--out", out.toString());
        try (Checkpoint written = Checkpoint.open(out)) {
            assertThat(written.names()).hasSizeGreaterThan(5);
        }
    }

    @Test
    void traceTakesAPromptAndPictures() {
        works("trace", "--model", VLM, "--prompt", QUESTION, "--image", PICTURE, "--max-new-tokens", "2", "--out", out.toString());
        try (Checkpoint written = Checkpoint.open(out)) {
            assertThat(written.names()).contains("input_ids", "pixel_values", "projector", "logits", "generated_ids");
        }
    }

    @Test
    void reduceRunsACase() {
        String name = GOLDEN + "reduction/tome-bsm-b1n17r4-cls";
        works("reduce", "--case", name + ".json", "--in", name + ".safetensors", "--out", out.toString());
        try (Checkpoint written = Checkpoint.open(out)) {
            assertThat(written.names()).isNotEmpty().allMatch(n -> n.startsWith("out."));
        }
    }

    @Test
    void methodsAreListed() throws IOException {
        works("methods");
        assertThat(printed.toString()).contains("tome", "visionzip", "fastv", "pyramiddrop", "snapkv", "layerdrop", "arXiv");
        works("methods", "--json");
        assertThat(json().get(0).get("options")).isNotEmpty();
    }

    @Test
    void inspectMeasuresWhichLayersCanBeSpared() throws IOException {
        works("inspect", "--model", VLM, "--calibrate", QUESTION, "--calibrate", "Describe the image.", "--spare", "2", "--json");
        String spec = json().get("layers to spare").asText();
        assertThat(spec).matches("layerdrop:layers=[0-5]/[0-5]");
        double spared = json().get("block influence " + spec.charAt("layerdrop:layers=".length())).asDouble();
        assertThat(spared).isBetween(0.0, 2.0);
        assertThat(run("inspect", "--model", VLM, "--spare", "2")).isEqualTo(2);
        assertThat(run("inspect", "--model", VLM, "--calibrate", "x", "--spare", "6")).isEqualTo(2);
    }

    @Test
    void inspectDescribes() throws IOException {
        works("inspect", "--model", VLM, "--tensors");
        assertThat(printed.toString()).contains("llava", "96x96", "lm_head");
        works("inspect", "--model", VIT, "--json");
        assertThat(json().get("family").asText()).isEqualTo("vit");
    }

    @Test
    void synthMakesAModelThatGenerates() throws IOException {
        Path config = Files.writeString(folder.resolve("small.json"), """
                {"model_type": "llama", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
                 "vocab_size": 300, "max_position_embeddings": 64}""");
        works("synth", "--config", config.toString(), "--out", out.toString());
        works("generate", "--model", out.toString(), "--prompt", "hi", "--max-new-tokens", "3", "--ignore-eos", "--json");
        assertThat(json().get("tokens")).hasSize(3);
        assertThat(run("synth", "--config", config.toString(), "--out", out.toString())).isEqualTo(2);
        assertThat(said.toString()).contains("does not overwrite");
    }

    @Test
    void demoRunsDenseAndReduced() throws IOException {
        works("demo", "--reduce", "visionzip:dominant=53,contextual=10", "--explain", out + ".png", "--json");
        assertThat(json().get("plans")).hasSize(2);
        assertThat(json().get("plans").get(0).get("right").asInt()).isGreaterThan(12);
        assertThat(Path.of(out + ".png")).isNotEmptyFile();
    }

    @Test
    void demoCanBeQuick() {
        works("demo", "--quick");
        assertThat(printed.toString()).contains("->").doesNotContain("snapkv");
    }

    @Test
    void benchCountsRoundedMatricesAsTheyAreHeld() throws IOException {
        works("bench", "--model", VLM, "--prompt-tokens", "8", "--gen-tokens", "2", "--rounds", "1", "--warm-up", "0", "--quantize", "q8",
                "--json");
        // bf16 to 8.5 bits, but for the embeddings, norms and biases
        assertThat(json().get("memory").get("weights bytes").asDouble() / Files.size(Path.of(VLM, "model.safetensors"))).isBetween(0.5, 0.65);
    }

    @Test
    void benchComparesPlansWithDense() throws IOException {
        works("bench", "--model", VLM, "--image", PICTURE, "--prompt-tokens", "20", "--gen-tokens", "5", "--rounds", "3", "--warm-up", "1",
                "--reduce", "visionzip:dominant=40,contextual=8", "--reduce", "tome:r=8 + snapkv:keep=40", "--json");
        assertThat(json().get("plans")).hasSize(3);
        JsonNode dense = json().get("plans").get(0);
        JsonNode reduced = json().get("plans").get(1);
        assertThat(dense.get("plan").asText()).isEqualTo("dense");
        assertThat(json().get("plans").get(2).get("plan").asText()).isEqualTo("tome:r=8 + snapkv:keep=40");
        // the tokenizer's first token and the line break after the picture come with it
        assertThat(dense.get("stats").get("promptTokens").asInt()).isEqualTo(144 + 2 + 20);
        assertThat(reduced.get("stats").get("promptTokens").asInt()).isEqualTo(40 + 8 + 1 + 2 + 20);
        assertThat(dense.get("stats").get("generatedTokens").asInt()).isEqualTo(5);
        assertThat(dense.get("stats").get("prefillFlops").asLong()).isGreaterThan(reduced.get("stats").get("prefillFlops").asLong());
        double seconds = dense.get("prefillSeconds").get("median").asDouble();
        assertThat(dense.get("prefillTokensPerSecond").asDouble() * seconds).isCloseTo(166, within(1e-6));
        assertThat(dense.get("prefillSeconds").get("best").asDouble()).isPositive().isLessThanOrEqualTo(seconds);
        assertThat(dense.get("stepSeconds99").asDouble()).isGreaterThanOrEqualTo(dense.get("stepSecondsMedian").asDouble());
        assertThat(dense.get("firstTokenSpeedup").asDouble()).isEqualTo(1);
        JsonNode memory = json().get("memory");
        assertThat(memory.get("weights bytes").asLong()).isEqualTo(Files.size(Path.of(VLM, "model.safetensors")));
        // 6 layers, keys and values of 2 heads of 32 channels, room included
        assertThat(memory.get("cache bytes").asLong()).isGreaterThanOrEqualTo((166 + 4) * 6 * 2 * 64 * 4L);
        assertThat(memory.get("workspace bytes").asLong()).isPositive();
    }

    @Test
    void benchSaysWhatPackedWeightsTake() throws IOException {
        works("bench", "--model", VIT, "--rounds", "1", "--warm-up", "1", "--json");
        // bf16 takes twice as much when it is packed, so that has to be asked for
        assertThat(json().get("memory").get("packed weights bytes").asLong()).isZero();
        works("bench", "--model", VIT, "--rounds", "1", "--warm-up", "1", "--packed-memory", "1", "--json");
        assertThat(json().get("memory").get("packed weights bytes").asLong()).isPositive().isLessThanOrEqualTo(1 << 20);
    }

    @Test
    void benchCountsPicturesPerSecond() throws IOException {
        works("bench", "--model", VIT, "--rounds", "2", "--warm-up", "0", "--reduce", "tome:r=8", "--json");
        JsonNode dense = json().get("plans").get(0);
        double seconds = dense.get("requestSeconds").get("median").asDouble();
        assertThat(dense.get("imagesPerSecond").asDouble() * seconds).isCloseTo(1, within(1e-9));
        assertThat(dense.get("stats").get("visionFlops").asLong())
                .isGreaterThan(json().get("plans").get(1).get("stats").get("visionFlops").asLong());
        works("bench", "--model", VIT, "--image", PICTURE, "--image", PICTURE, "--rounds", "1", "--warm-up", "0");
        assertThat(printed.toString()).contains("2 pictures").contains("images/s").contains("weights bytes");
    }

    @Test
    void benchTakesWords() {
        works("bench", "--model", VLM, "--prompt", QUESTION, "--gen-tokens", "1", "--rounds", "1", "--warm-up", "0");
        assertThat(printed.toString()).contains("prompt tokens/s").contains("cache bytes").doesNotContain("picture");
    }

    @Test
    void everyCommandHasHelp() {
        for (String command : COMMANDS) {
            works(command, "--help");
            assertThat(printed.toString()).startsWith("Usage: winnow " + command);
        }
    }

    // ---- what does not ----

    /** Runs words split at blanks, where _ stands for a blank and OUT, FOLDER, VLM and so on for the places above. */
    private void refuses(int code, String sentence, String command) {
        String[] args = command.isEmpty() ? new String[0] : command.split(" +");
        for (int i = 0; i < args.length; i++) {
            args[i] = args[i].replace("OUT", out.toString()).replace("FOLDER", folder.toString()).replace("VLM", VLM).replace("VIT", VIT)
                    .replace("PICTURE", PICTURE).replace("GOLDEN/", GOLDEN).replace("_", " ").replace("EMPTY", "");
        }
        int actual = run(args);
        assertThat(said.toString()).contains(sentence);
        assertThat(said.toString().strip().lines()).hasSize(1);
        assertThat(said.toString()).startsWith("winnow: ").doesNotContain("bug").doesNotContain("Exception");
        assertThat(actual).isEqualTo(code);
        assertThat(printed.toString()).isEmpty();
        assertThat(out).doesNotExist();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "2 | a command is missing | ''",
        "2 | unknown command 'foo' | foo",
        "2 | Unknown option: '--foo' | generate --model VLM --prompt hi --foo",
        "2 | unexpected argument 'extra' | generate --model VLM --prompt hi extra",
        "2 | '--prompt=TEXT' | generate --model VLM",
        "2 | '--model=DIR' | inspect",
        "2 | embed needs | embed --model VIT",
        "2 | --dense and --out together | embed --model VIT --image PICTURE --dense",
        "2 | --dense and --out together | embed --model VIT --image PICTURE --out x.safetensors",
        "2 | takes no --text | embed --model VIT --dense --out x.safetensors --text hi",
        "2 | zero or nearest | embed --model VIT --image PICTURE --dense --out x.safetensors --dropped mean",
        "2 | would overwrite an input | embed --model VIT --image PICTURE --dense --out PICTURE",
        "2 | trace takes | trace --model VLM --out OUT",
        "2 | trace takes | trace --model VLM --prompt hi --inputs x --out OUT",
        "2 | reduce needs | reduce --in x --out OUT",
        "2 | --threads should be | generate --model VLM --prompt hi --threads 0",
        "2 | 'abc' is not a whole number | generate --model VLM --prompt hi --threads abc",
        "2 | --threads should be | methods --threads -1",
        "2 | --packed-memory should not be negative | classify --model VIT --image PICTURE --packed-memory -1",
        "2 | --packed-memory should not be negative | methods --packed-memory -1",
        "1 | there is no TornadoVM | generate --model VLM --prompt hi --backend tornado",
        "1 | there is no TornadoVM | generate --model VLM --prompt hi --backend auto --device 0",
        "1 | there is no TornadoVM | devices",
        "2 | not of cpu | inspect --model VLM --device 0",
        "2 | --backend should be | inspect --model VLM --backend foo",
        "2 | --max-new-tokens should be at least 1 | generate --model VLM --prompt hi --max-new-tokens 0",
        "2 | --max-new-tokens should not be negative | trace --model VLM --prompt hi --max-new-tokens -5 --out OUT",
        "2 | --temperature should be 0 or more | generate --model VLM --prompt hi --temperature -1",
        "2 | 'abc' is not a number | generate --model VLM --prompt hi --temperature abc",
        "2 | --top-p should be | generate --model VLM --prompt hi --top-p 2",
        "2 | --top-k should be | generate --model VLM --prompt hi --top-k -1",
        "2 | --min-p should be | generate --model VLM --prompt hi --min-p 3",
        "2 | --repetition-penalty should be | generate --model VLM --prompt hi --repetition-penalty 0",
        "2 | --stop should not be empty | generate --model VLM --prompt hi --stop EMPTY",
        "2 | --top should be | classify --model VIT --image PICTURE --top 0",
        "2 | measures nothing | demo --quick --json",
        "2 | --rounds should be at least 1 | bench --model VLM --rounds 0",
        "2 | --warm-up should be at least 0 | bench --model VLM --warm-up -1",
        "2 | --prompt-tokens should be at least 1 | bench --model VLM --prompt-tokens 0",
        "2 | --gen-tokens should be at least 1 | bench --model VLM --gen-tokens 0",
        "2 | not both | bench --model VLM --prompt hi --prompt-tokens 4",
        "2 | is given twice | bench --model VLM --reduce fastv:k=2 --reduce fastv:k=2",
        "2 | this model has none | bench --model VIT --reduce fastv",
        "2 | --dtype should be | synth --config x --dtype f64 --out OUT",
        "2 | unknown reduction method 'foo' | generate --model VLM --prompt hi --reduce foo",
        "2 | unknown reduction method 'foo' | methods --reduce foo",
        "2 | names no reduction method | generate --model VLM --prompt hi --reduce :r=8",
        "2 | not of the form option=value | generate --model VLM --prompt hi --reduce tome:r",
        "2 | unknown option 'foo' | generate --model VLM --prompt hi --reduce tome:foo=1",
        "2 | should be a whole number | generate --model VLM --prompt hi --reduce tome:r=abc",
        "2 | ratio should be between | generate --model VLM --prompt hi --reduce fastv:ratio=2",
        "2 | layer 6 is outside 1..5 | generate --model VLM --prompt hi --reduce fastv:k=6",
        "2 | no layer would be left | generate --model VLM --prompt hi --reduce layerdrop:layers=0/1/2/3/4/5",
        "2 | which the plan skips | generate --model VLM --prompt hi --reduce layerdrop:layers=1 --reduce fastv:k=2",
        "2 | this model has none | classify --model VIT --image PICTURE --reduce fastv",
        "2 | this model has none | trace --model GOLDEN/llama-plain --inputs GOLDEN/llama-plain/expected.safetensors --reduce tome --out OUT",
        "2 | no --image | generate --model VLM --prompt hi --explain OUT.png",
        "2 | --fps is the rate of a --video | generate --model VLM --prompt hi --fps 2",
        "2 | frames a second should be above 0 | generate --model VLM --prompt hi --video PICTURE --fps 0",
        "1 | clip.mp4 is a film, and Winnow decodes pictures only | generate --model VLM --prompt hi --video clip.mp4",
        "1 | takes no videos | generate --model VLM --prompt hi --video PICTURE,PICTURE",
        "1 | takes no videos | trace --model VLM --prompt hi --video PICTURE --out OUT",
        "2 | either a '--prompt=TEXT' or --questions | generate --model VLM --prompt hi --questions x",
        "2 | name their own pictures | generate --model VLM --questions x --image PICTURE",
        "2 | would overwrite an input | generate --model VLM --prompt hi --image PICTURE --explain PICTURE",
        "2 | would overwrite an input | trace --model GOLDEN/llama-plain --inputs x --out GOLDEN/llama-plain/model.safetensors",
        "2 | should be q8 or q4 but is 'q5' | generate --model VLM --prompt hi --quantize q5",
        "2 | no method that works on tensors alone | reduce --method foo --in GOLDEN/clip/expected.safetensors --out OUT",
    })
    void wrongUsage(int code, String sentence, String command) {
        refuses(code, sentence, command);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "1 | no such directory | generate --model FOLDER/none --prompt hi",
        "1 | not a directory | generate --model PICTURE --prompt hi",
        "1 | no config.json | generate --model FOLDER --prompt hi",
        "1 | the prompt is empty | generate --model VLM --prompt _",
        "1 | the prompt is empty | generate --model VLM --prompt EMPTY",
        "1 | no such image file | generate --model VLM --prompt hi --image FOLDER/none.png",
        "1 | is a directory | generate --model VLM --prompt hi --image FOLDER",
        "1 | is not a PNG | classify --model VIT --image VIT/config.json",
        "1 | 1 place for an image, but there are 0 images | generate --model VLM --prompt <image>hi",
        "1 | 2 places for images, but there is 1 image | generate --model VLM --prompt <image><image>hi --image PICTURE",
        "1 | no tokenizer.json | generate --model GOLDEN/llama-plain --prompt hi",
        "1 | does not take images | generate --model GOLDEN/llama-plain --prompt hi --image PICTURE",
        "1 | no preprocessor_config.json | embed --model GOLDEN/clip --image PICTURE",
        "1 | does not generate text | generate --model VIT --prompt hi",
        "1 | does not generate text | bench --model VIT --gen-tokens 4",
        "1 | context is 1024 | bench --model VLM --prompt-tokens 1020 --gen-tokens 5",
        "1 | does not take images | bench --model GOLDEN/llama-plain --image PICTURE --prompt-tokens 4 --gen-tokens 2",
        "1 | no such image file | bench --model VIT --image FOLDER/none.png",
        "1 | has no classifier | classify --model VLM --image PICTURE",
        "1 | does not embed text | embed --model VIT --text hi",
        "1 | needs a prompt | trace --model VLM --image PICTURE --out OUT",
        "1 | takes no prompt | trace --model VIT --prompt hi --out OUT",
        "1 | no such file | trace --model VLM --inputs FOLDER/none --out OUT",
        "1 | no directory | trace --model VLM --prompt hi --out OUT/deeper/x",
        "1 | no directory | generate --model VLM --prompt hi --image PICTURE --explain OUT/deeper/x.png",
        "1 | no directory | demo --explain OUT/deeper/x.png",
        "1 | is a directory | trace --model VLM --prompt hi --out FOLDER",
        "1 | no tensor 'input_ids' | trace --model VLM --inputs GOLDEN/vit-classify/expected.safetensors --out OUT",
        "1 | pixel_values should have shape | trace --model VIT --inputs GOLDEN/vit-classify/expected.safetensors --out OUT",
        "1 | is missing | reduce --method tome --in GOLDEN/clip/expected.safetensors --out OUT",
        "1 | cannot read | synth --config FOLDER/none --out OUT",
    })
    void failedRequest(int code, String sentence, String command) {
        refuses(code, sentence, command);
    }

    @Test
    void aPromptBeyondTheContext() {
        String words = "word_".repeat(1100);
        refuses(1, "context is 1024", "generate --model VLM --prompt " + words);
        refuses(1, "context is 1024", "trace --model VLM --out OUT --prompt " + words);
    }

    // ---- damaged models ----

    private Path copyOf(String model) throws IOException {
        Path copy = Files.createDirectory(folder.resolve("model"));
        try (var files = Files.list(Path.of(model))) {
            for (Path f : files.toList()) Files.copy(f, copy.resolve(f.getFileName()));
        }
        return copy;
    }

    /** Each row: a setting of the demo model as it is, as it becomes, and what is said. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "\"model_type\": \"llava\"      | \"model_type\": \"mamba\"         | model_type 'mamba' is not supported",
        "\"hidden_size\": 128           | \"hidden_size\": 0                | hidden_size should be between 1 and",
        "\"hidden_size\": 128           | \"hidden_size\": 64               | but the configuration asks for",
        "\"num_hidden_layers\": 6       | \"num_hidden_layers\": 7          | is missing",
        "\"num_hidden_layers\": 6       | \"num_hidden_layers\": 1000000000 | num_hidden_layers should be between 1 and",
        "\"num_attention_heads\": 4     | \"num_attention_heads\": 7        | cannot be split into 7 attention heads",
        "\"num_attention_heads\": 4     | \"num_attention_heads\": -4       | num_attention_heads should be between 1 and",
        "\"vocab_size\": 464            | \"vocab_size\": 100               | but the configuration asks for [100, 128]",
        "\"vision_feature_layer\": -2   | \"vision_feature_layer\": 99      | vision_feature_layer 99 does not exist",
        "\"vision_feature_layer\": -2   | \"vision_feature_layer\": []      | names no layer",
        "\"patch_size\": 8              | \"patch_size\": 7                 | not a multiple of patch_size",
        "{                              | {,                                | not valid JSON",
    })
    void badConfigurations(String was, String becomes, String sentence) throws IOException {
        Path config = copyOf(VLM).resolve("config.json");
        String text = Files.readString(config);
        assertThat(text).contains(was);
        Files.writeString(config, text.replace(was, becomes));
        refuses(1, sentence, "generate --model FOLDER/model --prompt hi --image PICTURE");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "tokenizer.json           | {}                      | is not a valid tokenizer",
        "preprocessor_config.json | {\"image_processor_type\": \"Foo\"} | image processor 'Foo' is not supported",
        "preprocessor_config.json | {                       | not valid JSON",
        "generation_config.json   | {\"max_new_tokens\": 0} | generation_config.json: max_new_tokens should be at least 1",
        "generation_config.json   | {\"do_sample\": true, \"temperature\": -1} | generation_config.json: temperature should be",
        "tokenizer_config.json    | {\"chat_template\": \"{% if\"} | the chat template",
        "model.safetensors        | x                       | too few for a safetensors file",
        "config.json              | []                      | does not hold a JSON object",
    })
    void badFiles(String file, String content, String sentence) throws IOException {
        Files.writeString(copyOf(VLM).resolve(file), content);
        refuses(1, sentence, "generate --model FOLDER/model --prompt hi --image PICTURE");
    }

    @ParameterizedTest
    @CsvSource({"model.safetensors, neither model.safetensors nor", "tokenizer.json, no tokenizer.json",
        "preprocessor_config.json, no preprocessor_config.json", "config.json, no config.json"})
    void absentFiles(String file, String sentence) throws IOException {
        Files.delete(copyOf(VLM).resolve(file));
        refuses(1, sentence, "generate --model FOLDER/model --prompt hi --image PICTURE");
    }

    @Test
    void truncatedWeights() throws IOException {
        Path weights = copyOf(VLM).resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        Files.write(weights, Arrays.copyOf(bytes, bytes.length / 2));
        refuses(1, "model.safetensors: tensor", "generate --model FOLDER/model --prompt hi");
    }

    @Test
    void anOutputNobodyReadsFailsTheCommand() {
        said = new StringWriter();
        PrintWriter broken = new PrintWriter(OutputStream.nullOutputStream()) {
            @Override
            public boolean checkError() {
                return true;
            }
        };
        assertThat(WinnowCommand.run(broken, new PrintWriter(said), "methods")).isEqualTo(1);
        assertThat(said.toString()).contains("could not be written to standard output");
    }
}
