package dev.winnow.runtime.cli;

import dev.winnow.reduction.FullResolution;
import dev.winnow.runtime.DenseFeatures;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.images.RgbImage;
import dev.winnow.weights.SafetensorsWriter;
import dev.winnow.weights.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Vectors of pictures or texts, or features of every patch of pictures. */
@Command(name = "embed", description = "Turns pictures or texts into vectors, one line each; or pictures into features of every patch.")
final class EmbedCommand implements Callable<Integer> {
    @Mixin
    private Common common;
    @Mixin
    private ModelOption model;

    @Option(names = "--image", paramLabel = "FILE", arity = "1..*", description = "a picture; may be repeated")
    private List<Path> images = new ArrayList<>();
    @Option(names = "--text", paramLabel = "TEXT", description = "a text; may be repeated")
    private List<String> texts = new ArrayList<>();
    @Option(names = "--dense", description = "write features of every patch, at full resolution whatever the plan reduced, to --out")
    private boolean dense;
    @Option(names = "--dropped", paramLabel = "FILL", defaultValue = "zero",
            description = "with --dense: what patches get that the plan dropped, zero or nearest; default ${DEFAULT-VALUE}")
    private String dropped;
    @Option(names = "--out", paramLabel = "FILE", description = "with --dense: the safetensors file to write")
    private Path out;

    @Override
    public Integer call() {
        if (dense || out != null) return dense();
        if (images.isEmpty() && texts.isEmpty()) throw new UsageException("embed needs an --image or a --text");
        var plan = common.plan();
        try (Winnow winnow = model.open(common.backendForOneRequest())) {
            plan.schedule(winnow.model().shape());
            List<Map<String, Object>> results = new ArrayList<>();
            for (Path file : images) add(results, "image", file.toString(), winnow.embedImage(RgbImage.read(file), plan));
            for (String text : texts) add(results, "text", text, winnow.embedText(text));
            if (common.json()) common.printJson(results);
        }
        return 0;
    }

    private int dense() {
        if (!dense || out == null) throw new UsageException("embed takes --dense and --out together");
        if (images.isEmpty() || !texts.isEmpty()) throw new UsageException("embed --dense needs an --image and takes no --text");
        FullResolution.Dropped fill = switch (dropped) {
            case "zero" -> FullResolution.Dropped.ZERO;
            case "nearest" -> FullResolution.Dropped.NEAREST;
            default -> throw new UsageException("--dropped should be zero or nearest but is '" + dropped + "'");
        };
        var plan = common.plan();
        List<Path> read = new ArrayList<>(images);
        read.add(model.directory());
        OutputFile.require("--out", out, read);
        try (Winnow winnow = model.open(common.backendForOneRequest())) {
            List<DenseFeatures> features = new ArrayList<>();
            for (Path file : images) features.add(winnow.features(RgbImage.read(file), plan, fill));
            List<Tensor> tensors = tensors(features);
            SafetensorsWriter.write(out, tensors, Map.of("plan", plan.toString()));
            if (common.json()) {
                Map<String, Object> shapes = new LinkedHashMap<>();
                for (Tensor t : tensors) shapes.put(t.name(), t.shape());
                common.printJson(shapes);
            } else {
                common.err().println("wrote " + tensors.size() + " tensors to " + out);
            }
        }
        return 0;
    }

    /** {@code patches} [images, rows, columns, width] and, where every picture has one, {@code class} [images, width]. */
    private static List<Tensor> tensors(List<DenseFeatures> features) {
        DenseFeatures first = features.getFirst();
        int each = first.patches().length;
        float[] patches = new float[features.size() * each];
        for (int i = 0; i < features.size(); i++) System.arraycopy(features.get(i).patches(), 0, patches, i * each, each);
        List<Tensor> tensors = new ArrayList<>();
        tensors.add(Tensor.ofFloats("patches", patches, features.size(), first.rows(), first.columns(), first.width()));
        if (features.stream().allMatch(f -> f.classToken() != null)) {
            int width = first.width();
            float[] classes = new float[features.size() * width];
            for (int i = 0; i < features.size(); i++) System.arraycopy(features.get(i).classToken(), 0, classes, i * width, width);
            tensors.add(Tensor.ofFloats("class", classes, features.size(), width));
        }
        return tensors;
    }

    private void add(List<Map<String, Object>> results, String kind, String what, float[] vector) {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put(kind, what);
        result.put("embedding", vector);
        results.add(result);
        if (common.json()) return;
        StringBuilder line = new StringBuilder();
        for (float v : vector) line.append(line.isEmpty() ? "" : " ").append(v);
        common.out().println(line);
    }
}
