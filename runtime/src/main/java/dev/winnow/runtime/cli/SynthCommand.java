package dev.winnow.runtime.cli;

import dev.winnow.runtime.RequestException;
import dev.winnow.runtime.models.Model;
import dev.winnow.runtime.models.SyntheticModel;
import dev.winnow.runtime.models.SyntheticTokenizer;
import dev.winnow.weights.DType;
import dev.winnow.weights.SafetensorsWriter;
import dev.winnow.weights.Settings;
import dev.winnow.weights.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** A model of random weights, for measuring speed and memory at real sizes. */
@Command(name = "synth", description = "Makes a random-weight model of a configuration.")
final class SynthCommand implements Callable<Integer> {
    private static final String WEIGHTS = "model.safetensors";
    private static final String CONFIG = "config.json";
    private static final String TOKENIZER = "tokenizer.json";
    private static final String PREPROCESSOR = "preprocessor_config.json";
    private static final Set<String> PICTURES_ONLY = Set.of("vit", "poolformer", "timm");

    @Mixin
    private Common common;
    @Option(names = "--config", paramLabel = "FILE.json", required = true,
            description = "the configuration, as in a model directory")
    private Path config;
    @Option(names = "--out", paramLabel = "DIR", required = true, description = "the model directory to make")
    private Path out;
    @Option(names = "--dtype", paramLabel = "TYPE", defaultValue = "bf16",
            description = "how weights are stored: f32, f16 or bf16; default ${DEFAULT-VALUE}")
    private String dtype;
    @Option(names = "--seed", defaultValue = "0", paramLabel = "N",
            description = "the same seed makes the same weights; default ${DEFAULT-VALUE}")
    private long seed;

    @Override
    public Integer call() throws IOException {
        common.check();
        DType type = switch (dtype.toLowerCase()) {
            case "f32", "float32" -> DType.F32;
            case "f16", "float16" -> DType.F16;
            case "bf16", "bfloat16" -> DType.BF16;
            default -> throw new UsageException("--dtype should be f32, f16 or bf16 but is '" + dtype + "'");
        };
        Settings settings = Settings.read(config);
        for (String name : List.of(WEIGHTS, CONFIG, TOKENIZER, PREPROCESSOR)) requireNew(out.resolve(name));
        Map<String, String> texts = texts(settings);
        try (Arena arena = Arena.ofShared()) {
            List<Tensor> tensors = SyntheticModel.tensors(settings, type, seed, arena, common.backend());
            write(tensors, texts);
            long bytes = tensors.stream().mapToLong(t -> t.data().byteSize()).sum();
            common.err().println("wrote " + tensors.size() + " tensors, " + Tables.quantity(bytes, "B") + ", to " + out);
        }
        return 0;
    }

    /** The configuration itself may lie where the model goes. */
    private void requireNew(Path file) throws IOException {
        if (!Files.exists(file) || Files.exists(config) && Files.isSameFile(file, config)) return;
        throw new UsageException(file + " exists; synth does not overwrite models");
    }

    /** The small files beside the weights, by name. */
    private static Map<String, String> texts(Settings settings) {
        Map<String, String> texts = new LinkedHashMap<>();
        texts.put(CONFIG, settings.text());
        String family = Model.type(settings);
        int imageToken = family.equals("llava") || family.equals("pmod_llava_llama")
                ? settings.integer("image_token_index", settings.integer("image_token_id", 32000)) : -1;
        int vocabulary = settings.optionalSection("text_config").orElse(settings).integer("vocab_size", 32000);
        boolean words = vocabulary >= SyntheticTokenizer.size() && !PICTURES_ONLY.contains(family);
        if (words) texts.put(TOKENIZER, SyntheticTokenizer.json(imageToken));
        if (!Model.readsOnly(family) && !family.equals("timm")) texts.put(PREPROCESSOR, preprocessor(settings));
        return texts;
    }

    /** The weights last: without them a directory is no model yet. */
    private void write(List<Tensor> tensors, Map<String, String> texts) {
        try {
            Files.createDirectories(out);
            for (Map.Entry<String, String> text : texts.entrySet()) Files.writeString(out.resolve(text.getKey()), text.getValue());
        } catch (IOException e) {
            String why = e instanceof FileSystemException system && system.getReason() != null ? system.getReason()
                    : "not a place for files";
            throw new RequestException("--out " + out + " cannot be written: " + why);
        }
        SafetensorsWriter.write(out.resolve(WEIGHTS), tensors, Map.of("format", "pt"));
    }

    private static String preprocessor(Settings settings) {
        String family = Model.type(settings);
        if (family.equals("poolformer")) return "{\"image_processor_type\": \"PoolFormerImageProcessor\"}";
        boolean vit = family.equals("vit");
        int size = settings.optionalSection("vision_config").orElse(settings).integer("image_size", 224);
        return vit
                ? "{\"image_processor_type\": \"ViTImageProcessor\", \"size\": {\"height\": " + size + ", \"width\": " + size + "}}"
                : "{\"image_processor_type\": \"CLIPImageProcessor\", \"size\": {\"shortest_edge\": " + size + "}, \"crop_size\": {\"height\": "
                        + size + ", \"width\": " + size + "}}";
    }
}
