package dev.winnow.runtime.cli;

import dev.winnow.runtime.models.SyntheticModel;
import dev.winnow.runtime.models.SyntheticTokenizer;
import dev.winnow.weights.DType;
import dev.winnow.weights.SafetensorsWriter;
import dev.winnow.weights.Settings;
import dev.winnow.weights.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** A model of random weights, for measuring speed and memory at real sizes. */
@Command(name = "synth", description = "Makes a random-weight model of a configuration.")
final class SynthCommand implements Callable<Integer> {
    @Mixin
    private Common common;
    @Option(names = "--config", paramLabel = "config.json", required = true, description = "the configuration, as in a model directory")
    private Path config;
    @Option(names = "--out", paramLabel = "DIR", required = true, description = "the model directory to make")
    private Path out;
    @Option(names = "--dtype", defaultValue = "bf16", description = "f32, f16 or bf16; default ${DEFAULT-VALUE}")
    private String dtype;
    @Option(names = "--seed", defaultValue = "0", description = "of the random numbers")
    private long seed;

    @Override
    public Integer call() throws IOException {
        DType type = switch (dtype.toLowerCase()) {
            case "f32", "float32" -> DType.F32;
            case "f16", "float16" -> DType.F16;
            case "bf16", "bfloat16" -> DType.BF16;
            default -> throw new UsageException("--dtype should be f32, f16 or bf16 but is '" + dtype + "'");
        };
        Settings settings = Settings.read(config);
        Path weights = out.resolve("model.safetensors");
        if (Files.exists(weights)) throw new UsageException(weights + " exists; synth does not overwrite models");
        try (Arena arena = Arena.ofShared()) {
            List<Tensor> tensors = SyntheticModel.tensors(settings, type, seed, arena, common.backend());
            Files.createDirectories(out);
            SafetensorsWriter.write(weights, tensors, Map.of("format", "pt"));
            Files.writeString(out.resolve("config.json"), settings.text());
            int imageToken = settings.string("model_type").equals("llava")
                    ? settings.integer("image_token_index", settings.integer("image_token_id", 32000)) : -1;
            int vocabulary = settings.optionalSection("text_config").orElse(settings).integer("vocab_size", 32000);
            if (vocabulary >= SyntheticTokenizer.size() && !settings.string("model_type").equals("vit")) {
                Files.writeString(out.resolve("tokenizer.json"), SyntheticTokenizer.json(imageToken));
            }
            if (!settings.string("model_type").equals("llama")) Files.writeString(out.resolve("preprocessor_config.json"), preprocessor(settings));
            long bytes = tensors.stream().mapToLong(t -> t.data().byteSize()).sum();
            common.err().println("wrote " + tensors.size() + " tensors, " + Tables.quantity(bytes, "B") + ", to " + out);
        }
        return 0;
    }

    private static String preprocessor(Settings settings) {
        boolean vit = settings.string("model_type").equals("vit");
        int size = settings.optionalSection("vision_config").orElse(settings).integer("image_size", 224);
        return vit
                ? "{\"image_processor_type\": \"ViTImageProcessor\", \"size\": {\"height\": " + size + ", \"width\": " + size + "}}"
                : "{\"image_processor_type\": \"CLIPImageProcessor\", \"size\": {\"shortest_edge\": " + size + "}, \"crop_size\": {\"height\": "
                        + size + ", \"width\": " + size + "}}";
    }
}
