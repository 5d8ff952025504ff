package dev.winnow.runtime.cli;

import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.images.RgbImage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Vectors of pictures or texts. */
@Command(name = "embed", description = "Turns pictures or texts into vectors, one line each.")
final class EmbedCommand implements Callable<Integer> {
    @Mixin
    private Common common;
    @Mixin
    private ModelOption model;

    @Option(names = "--image", paramLabel = "FILE", arity = "1..*", description = "a picture; may be repeated")
    private List<Path> images = new ArrayList<>();
    @Option(names = "--text", paramLabel = "TEXT", description = "a text; may be repeated")
    private List<String> texts = new ArrayList<>();

    @Override
    public Integer call() {
        if (images.isEmpty() && texts.isEmpty()) throw new UsageException("embed needs an --image or a --text");
        var plan = common.plan();
        try (Winnow winnow = model.open(common.backend())) {
            plan.schedule(winnow.model().shape());
            List<Map<String, Object>> results = new ArrayList<>();
            for (Path file : images) add(results, "image", file.toString(), winnow.embedImage(RgbImage.read(file), plan));
            for (String text : texts) add(results, "text", text, winnow.embedText(text));
            if (common.json()) common.printJson(results);
        }
        return 0;
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
