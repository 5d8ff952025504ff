package dev.winnow.runtime.cli;

import dev.winnow.layers.CompiledLayer;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.reduction.BlockInfluence;
import dev.winnow.reduction.ReductionMethod;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.models.ComputeCost;
import dev.winnow.runtime.models.ImageTextEncoder;
import dev.winnow.runtime.models.LanguageModel;
import dev.winnow.runtime.models.TextEncoder;
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
    private static final int USUAL_TOKENS = 2048;

    @Mixin
    private Common common;
    @Mixin
    private ModelOption model;
    @Option(names = "--tensors", description = "list every tensor with dtype and shape")
    private boolean tensors;
    @Option(names = "--tokens", paramLabel = "N", description = "tokens of the sequence that memory is counted for; default: 2048, or the"
            + " context where that is shorter")
    private Integer tokens;
    @Option(names = "--calibrate", paramLabel = "TEXT", description = "measure on this text how much each language layer changes its tokens"
            + " (ShortGPT's block influence); may be repeated")
    private List<String> calibration = new ArrayList<>();
    @Option(names = "--spare", paramLabel = "N", description = "with --calibrate: name the N layers that change least")
    private Integer spare;

    @Override
    public Integer call() {
        if (spare != null && calibration.isEmpty()) throw new UsageException("--spare needs --calibrate");
        if (tokens != null && tokens < 1) throw new UsageException("--tokens should be at least 1 but is " + tokens);
        if (spare != null && spare < 1) throw new UsageException("--spare should be at least 1 but is " + spare);
        var plan = common.plan();
        try (Winnow winnow = model.openSilently(common.backend())) {
            plan.schedule(winnow.model().shape());
            Map<String, Object> facts = facts(winnow);
            if (!calibration.isEmpty()) influence(facts, winnow);
            if (common.json()) {
                if (model.explainsLoad()) facts.put("load", LoadListing.json(winnow.loadReport()));
                common.printJson(facts);
            } else {
                facts.forEach((name, value) -> common.out().println(String.format("%-32s %s", name, shown(name, value))));
                if (model.explainsLoad()) LoadListing.lines(winnow.loadReport()).forEach(common.out()::println);
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
        facts.put("weight bytes", winnow.weightBytes());
        switch (winnow.model()) {
            case VisionTransformer m -> tower(facts, m.encoder(), m.encoder().layers());
            case ImageTextEncoder m -> {
                tower(facts, m.vision(), m.vision().layers());
                if (m.text() != null) text(facts, m.text());
            }
            case LanguageModel m -> language(facts, m);
            case VisionLanguageModel m -> {
                tower(facts, m.vision(), m.lastBlock() + 1);
                facts.put("image tokens", m.tokensPerImage());
                m.packing().mostTiles().ifPresent(n -> facts.put("image pieces", "up to " + n));
                language(facts, m.language());
            }
        }
        memory(facts, winnow);
        facts.put("tokenizer", Files.exists(model.directory().resolve("tokenizer.json")) ? "tokenizer.json" : "none");
        facts.put("image processor", Files.exists(model.directory().resolve("preprocessor_config.json")) ? "preprocessor_config.json"
                : winnow.directory().config().has("architecture") ? "config.json" : "none");
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

    private static void text(Map<String, Object> facts, TextEncoder text) {
        List<TransformerLayer> layers = text.layers().stream().map(CompiledLayer::description).toList();
        facts.put("text context", text.context());
        facts.put("text layers", layers.size());
        facts.put("text width", text.width());
        facts.put("text flops", ComputeCost.layers(layers, text.context()));
    }

    /** What a request of one picture of the tower's own size and so many tokens needs, beside the Java runtime itself. */
    private void memory(Map<String, Object> facts, Winnow winnow) {
        long scratch = winnow.visionTower().map(t -> ComputeCost.scratch(t.stack().descriptions(), t.patchCount() + t.specialTokens())
                + t.stemScratch()).orElse(0L);
        if (winnow.languageModel().isEmpty()) {
            facts.put("scratch per image bytes", scratch);
            facts.put("memory bytes", winnow.weightBytes() + scratch);
            return;
        }
        LanguageModel m = winnow.languageModel().get();
        List<TransformerLayer> layers = m.stack().descriptions();
        int n = tokens == null ? Math.min(m.context(), USUAL_TOKENS) : tokens;
        if (n > m.longest()) throw new UsageException("--tokens " + n + " is more than the model's context of " + m.context());
        long cache = n * ComputeCost.cachePerToken(layers);
        // a picture's buffers are used again for the prompt
        scratch = Math.max(scratch, ComputeCost.scratch(layers, n)) + Float.BYTES * ((long) n * m.width() + m.vocabulary());
        facts.put("cache at " + n + " tokens bytes", cache);
        facts.put("scratch at " + n + " tokens bytes", scratch);
        facts.put("memory at " + n + " tokens bytes", winnow.weightBytes() + cache + scratch);
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
        if (!tower.stem().isEmpty()) facts.put("before the layers", tower.stem());
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
        if (!m.learned().trained().isEmpty()) {
            facts.put("active by default", m.learned().trained().stream().map(ReductionMethod::spec).collect(Collectors.joining(" + ")));
        }
        facts.put("vocabulary", m.vocabulary());
        facts.put("context", m.context());
        facts.put("token flops", ComputeCost.layers(layers, 1) + ComputeCost.product(m.head().map()));
        facts.put("cache per token bytes", ComputeCost.cachePerToken(layers));
    }
}
