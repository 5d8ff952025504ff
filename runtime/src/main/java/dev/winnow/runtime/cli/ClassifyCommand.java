package dev.winnow.runtime.cli;

import dev.winnow.runtime.Classification;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.images.RgbImage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Labels with probabilities. */
@Command(name = "classify", description = "Labels pictures with an image classifier.")
final class ClassifyCommand implements Callable<Integer> {
    @Mixin
    private Common common;
    @Mixin
    private ModelOption model;
    @Mixin
    private ExplainOption explain;

    @Option(names = "--image", paramLabel = "FILE", required = true, arity = "1..*", description = "a picture; may be repeated")
    private List<Path> images;
    @Option(names = "--top", paramLabel = "N", defaultValue = "5", description = "labels to show; default ${DEFAULT-VALUE}")
    private int top;

    @Override
    public Integer call() {
        if (top < 1) throw new UsageException("--top should be at least 1 but is " + top);
        var plan = common.plan();
        explain.requireOnePicture(images);
        explain.check(images, plan);
        try (Winnow winnow = model.open(common.backendForOneRequest())) {
            explain.check(images, plan, winnow.model().shape());
            List<Map<String, Object>> results = new ArrayList<>();
            for (Path file : images) {
                RgbImage image = RgbImage.read(file);
                Classification c = winnow.classify(image, plan);
                List<Classification.Label> best = c.labels().subList(0, Math.min(top, c.labels().size()));
                Map<String, Object> result = new LinkedHashMap<>();
                result.put("image", file.toString());
                result.put("labels", best);
                result.put("stats", c.stats());
                results.add(result);
                if (!common.json()) {
                    if (images.size() > 1) common.out().println(file);
                    for (Classification.Label l : best) {
                        common.out().println(String.format(Locale.ROOT, "%6.2f%%  %s", 100 * l.probability(), l.name()));
                    }
                    common.err().println(plan + ": " + Tables.seconds(c.stats().visionSeconds()) + ", "
                            + Tables.quantity(c.stats().flops(), "FLOP") + ", tokens per layer " + c.stats().visionTokens());
                }
                if (file.equals(images.getFirst())) {
                    explain.write(explained(c), plan, "", List.of(file), List.of(image), List.of(), winnow,
                            other -> explained(winnow.classify(image, other)), common.err());
                }
            }
            if (common.json()) common.printJson(results);
        }
        return 0;
    }

    private static ExplainOption.Run explained(Classification c) {
        return new ExplainOption.Run(c.labels().getFirst().name(), c.stats(), c.explanation());
    }
}
