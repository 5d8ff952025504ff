package dev.winnow.runtime.cli;

import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.models.Clip;
import dev.winnow.runtime.models.ComputeCost;
import dev.winnow.runtime.models.LanguageModel;
import dev.winnow.runtime.models.Llava;
import dev.winnow.runtime.models.VisionEncoder;
import dev.winnow.runtime.models.VisionTransformer;
import dev.winnow.weights.Checkpoint;
import dev.winnow.weights.Tensor;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What is in a model directory. */
@Command(name = "inspect", description = "Says what is in a model directory: family, sizes, dtypes, FLOPs.")
final class InspectCommand implements Callable<Integer> {
    @Mixin
    private Common common;
    @Mixin
    private ModelOption model;
    @Option(names = "--tensors", description = "list every tensor with dtype and shape")
    private boolean tensors;

    @Override
    public Integer call() {
        var plan = common.plan();
        try (Winnow winnow = model.open(common.backend())) {
            plan.schedule(winnow.model().shape());
            Map<String, Object> facts = facts(winnow);
            if (common.json()) {
                common.printJson(facts);
            } else {
                facts.forEach((name, value) -> common.out().println(String.format("%-28s %s", name, shown(name, value))));
            }
        }
        return 0;
    }

    private static String shown(String name, Object value) {
        if (!(value instanceof Long n)) return value.toString();
        if (name.endsWith("bytes")) return Tables.quantity(n, "B");
        return name.endsWith("flops") ? Tables.quantity(n, "FLOP") : Tables.quantity(n, "").strip();
    }

    private Map<String, Object> facts(Winnow winnow) {
        Checkpoint checkpoint = winnow.directory().checkpoint();
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("family", winnow.model().family());
        long parameters = 0;
        Map<String, Long> dtypes = new TreeMap<>();
        for (String name : checkpoint.names()) {
            Tensor t = checkpoint.tensor(name);
            parameters += t.elements();
            dtypes.merge(t.dtype().name(), t.elements(), Long::sum);
        }
        facts.put("parameters", parameters);
        facts.put("tensors", checkpoint.names().size());
        facts.put("elements by dtype", dtypes);
        facts.put("checkpoint bytes", checkpoint.bytes());
        switch (winnow.model()) {
            case VisionTransformer m -> tower(facts, m.encoder(), m.encoder().layers());
            case Clip m -> {
                tower(facts, m.vision(), m.vision().layers());
                if (m.text() != null) facts.put("text context", m.text().context());
            }
            case LanguageModel m -> language(facts, m);
            case Llava m -> {
                tower(facts, m.vision(), m.lastBlock() + 1);
                facts.put("image tokens", m.tokensPerImage());
                language(facts, m.language());
            }
        }
        facts.put("tokenizer", Files.exists(model.directory().resolve("tokenizer.json")) ? "tokenizer.json" : "none");
        facts.put("image processor", Files.exists(model.directory().resolve("preprocessor_config.json")) ? "preprocessor_config.json" : "none");
        if (tensors) {
            Map<String, String> all = new LinkedHashMap<>();
            for (String name : checkpoint.names()) {
                Tensor t = checkpoint.tensor(name);
                all.put(name, t.dtype() + Arrays.toString(t.shape()));
            }
            all.forEach(facts::put);
        }
        return facts;
    }

    private static void tower(Map<String, Object> facts, VisionEncoder tower, int blocks) {
        facts.put("image size", tower.imageSize() + "x" + tower.imageSize());
        facts.put("patches", tower.patchCount());
        facts.put("vision layers", blocks + " of " + tower.layers() + " used");
        facts.put("vision width", tower.width());
        facts.put("image flops", ComputeCost.image(tower, blocks));
    }

    private static void language(Map<String, Object> facts, LanguageModel m) {
        var layers = m.stack().descriptions();
        var attention = layers.getFirst().attention();
        facts.put("language layers", m.stack().layers());
        facts.put("language width", m.width());
        facts.put("heads", attention.heads() + " (" + attention.kvHeads() + " for keys and values) of " + attention.headDim());
        facts.put("vocabulary", m.vocabulary());
        facts.put("context", m.context());
        facts.put("token flops", ComputeCost.layers(layers, 1) + ComputeCost.product(m.head()));
        facts.put("cache per token bytes", ComputeCost.cachePerToken(layers));
    }
}
