package dev.winnow.runtime.cli;

import dev.winnow.layers.Mlp;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.reduction.BlockInfluence;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.models.ComputeCost;
import dev.winnow.runtime.models.ImageTextEncoder;
import dev.winnow.runtime.models.LanguageModel;
import dev.winnow.runtime.models.VisionEncoder;
import dev.winnow.runtime.models.VisionLanguageModel;
import dev.winnow.runtime.models.VisionTransformer;
import dev.winnow.weights.Checkpoint;
import dev.winnow.weights.Tensor;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
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
    @Option(names = "--calibrate", paramLabel = "TEXT", description = "measure on this text how much each language layer changes its tokens"
            + " (ShortGPT's block influence); may be repeated")
    private List<String> calibration = new ArrayList<>();
    @Option(names = "--spare", paramLabel = "N", description = "with --calibrate: name the N layers that change least")
    private Integer spare;

    @Override
    public Integer call() {
        if (spare != null && calibration.isEmpty()) throw new UsageException("--spare needs --calibrate");
        if (spare != null && spare < 1) throw new UsageException("--spare should be at least 1 but is " + spare);
        var plan = common.plan();
        try (Winnow winnow = model.open(common.backend())) {
            plan.schedule(winnow.model().shape());
            Map<String, Object> facts = facts(winnow);
            if (!calibration.isEmpty()) influence(facts, winnow);
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
            case ImageTextEncoder m -> {
                tower(facts, m.vision(), m.vision().layers());
                if (m.text() != null) facts.put("text context", m.text().context());
            }
            case LanguageModel m -> language(facts, m);
            case VisionLanguageModel m -> {
                tower(facts, m.vision(), m.lastBlock() + 1);
                facts.put("image tokens", m.tokensPerImage());
                m.packing().mostTiles().ifPresent(n -> facts.put("image pieces", "up to " + n));
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

    private void influence(Map<String, Object> facts, Winnow winnow) {
        BlockInfluence influence = winnow.blockInfluence(calibration);
        double[] layers = influence.layers();
        for (int l = 0; l < layers.length; l++) facts.put("block influence " + l, String.format(Locale.ROOT, "%.6f", layers[l]));
        if (spare == null) return;
        if (spare >= layers.length) throw new UsageException("--spare should leave a layer: there are " + layers.length);
        facts.put("layers to spare", "layerdrop:layers=" + Arrays.stream(influence.lowest(spare)).mapToObj(Integer::toString)
                .collect(Collectors.joining("/")));
    }

    private static void tower(Map<String, Object> facts, VisionEncoder tower, int blocks) {
        facts.put("image size", tower.imageSize() + "x" + tower.imageSize() + (tower.takesAnySize() ? ", others too" : ""));
        facts.put("patches", tower.patchCount());
        facts.put("vision layers", blocks + " of " + tower.layers() + " used");
        facts.put("vision width", tower.width());
        facts.put("image flops", ComputeCost.image(tower, blocks));
    }

    private static void experts(Map<String, Object> facts, List<TransformerLayer> layers) {
        List<Mlp.MixtureOfExperts> mixtures = layers.stream().map(TransformerLayer::mlp)
                .filter(Mlp.MixtureOfExperts.class::isInstance).map(Mlp.MixtureOfExperts.class::cast).toList();
        if (mixtures.isEmpty()) return;
        Mlp.MixtureOfExperts first = mixtures.getFirst();
        facts.put("experts", first.active() + " of " + first.experts().size() + " per token in " + mixtures.size() + " layers");
    }

    private static void language(Map<String, Object> facts, LanguageModel m) {
        var layers = m.stack().descriptions();
        var attention = layers.getFirst().attention();
        facts.put("language layers", m.stack().layers());
        facts.put("language width", m.width());
        facts.put("heads", attention.heads() + " (" + attention.kvHeads() + " for keys and values) of " + attention.headDim());
        experts(facts, layers);
        long sliding = layers.stream().filter(l -> l.attention().mask().slides()).count();
        if (sliding > 0) {
            int window = layers.stream().mapToInt(l -> l.attention().mask().window()).min().orElseThrow();
            facts.put("layers with a window", sliding + " of " + layers.size() + " see " + window + " tokens back");
        }
        facts.put("vocabulary", m.vocabulary());
        facts.put("context", m.context());
        facts.put("token flops", ComputeCost.layers(layers, 1) + ComputeCost.product(m.head().map()));
        facts.put("cache per token bytes", ComputeCost.cachePerToken(layers));
    }
}
