package dev.winnow.runtime.loading;

import dev.winnow.layers.CpuBackend;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.LoadOptions;
import dev.winnow.runtime.Tracer;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.models.SyntheticModel;
import dev.winnow.weights.DType;
import dev.winnow.weights.SafetensorsWriter;
import dev.winnow.weights.Settings;
import dev.winnow.weights.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/** A language model of two layers whose matrices are known as floats, and what it makes of a few tokens. */
final class TinyModel {
    static final String LLAMA = """
            {"model_type": "llama", "vocab_size": 48, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
             "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64, "tie_word_embeddings": false}""";
    static final String GPT2 = """
            {"model_type": "gpt2", "vocab_size": 48, "n_positions": 64, "n_embd": 64, "n_layer": 2, "n_head": 4, "n_inner": 96}""";

    final String config;
    /** By name; the same for every model of a configuration. */
    final Map<String, Tensor> tensors = new LinkedHashMap<>();

    TinyModel(String config) {
        this.config = config;
        try (Arena arena = Arena.ofConfined()) {
            for (Tensor t : SyntheticModel.tensors(Settings.of(config, "config.json"), DType.F32, 1, arena, CpuBackend.create())) {
                put(t.name(), random(t), t.shape());
            }
        }
    }

    private static float[] random(Tensor like) {
        Random random = new Random(like.name().hashCode());
        boolean norm = like.shape().length == 1 && like.name().endsWith(".weight");
        float[] values = new float[(int) like.elements()];
        for (int i = 0; i < values.length; i++) values[i] = (float) ((norm ? 1 : 0) + 0.2 * random.nextGaussian());
        return values;
    }

    void put(String name, float[] values, long... shape) {
        tensors.put(name, Tensor.ofFloats(name, values, shape.clone()));
    }

    /** Names of the modules of all layers whose weights are matrices. */
    List<String> modules() {
        return tensors.values().stream().filter(t -> t.shape().length == 2 && (t.name().contains("layers.") || t.name().contains("h.")))
                .map(t -> t.name().replaceFirst("\\.weight$", "")).toList();
    }

    float[] weight(String module) {
        return tensors.get(module + ".weight").toFloats();
    }

    long[] shape(String module) {
        return tensors.get(module + ".weight").shape();
    }

    /** Writes a model directory. */
    Path write(Path directory) throws IOException {
        return write(directory, tensors.values(), "");
    }

    /** @param more of the configuration, to be appended */
    Path write(Path directory, Collection<Tensor> stored, String more) throws IOException {
        Files.createDirectories(directory);
        Files.writeString(directory.resolve("config.json"), config.substring(0, config.lastIndexOf('}')) + (more.isEmpty() ? "" : ", " + more) + "}");
        SafetensorsWriter.write(directory.resolve("model.safetensors"), stored, Map.of());
        return directory;
    }

    /** Writes it with some modules stored in another way. */
    Path writePacked(Path directory, Collection<Tensor> packed, List<String> modules, String more) throws IOException {
        List<Tensor> stored = new ArrayList<>(packed);
        tensors.forEach((name, t) -> {
            if (!modules.contains(name.replaceFirst("\\.weight$", ""))) stored.add(t);
        });
        return write(directory, stored, more);
    }

    static float[] logits(Path directory) {
        return logits(directory, LoadOptions.defaults());
    }

    /** Logits of all positions of a short prompt, and of three generated tokens. */
    static float[] logits(Path directory, LoadOptions options) {
        try (Winnow winnow = Winnow.open(directory, options)) {
            return logits(winnow);
        }
    }

    static float[] logits(Winnow winnow) {
        Tensor ids = Tensor.ofLongs("input_ids", new long[] {3, 17, 4, 29, 11, 8, 40}, 1, 7);
        List<Tensor> traced = new Tracer(winnow.model(), ReductionPlan.parse(List.of()), 3, Set.of()).run(Map.of("input_ids", ids));
        return traced.stream().filter(t -> t.name().equals("logits")).findFirst().orElseThrow().toFloats();
    }
}
