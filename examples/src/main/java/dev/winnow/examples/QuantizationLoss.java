package dev.winnow.examples;

import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.LoadOptions;
import dev.winnow.runtime.Tracer;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.images.RgbImage;
import dev.winnow.runtime.models.Quantization;
import dev.winnow.weights.Settings;
import dev.winnow.weights.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * What rounding the demo model's matrices costs: the divergence of its next-word distributions from those of the stored weights, over
 * every place of every public question, and the questions still answered rightly. Argument: number of questions, default all.
 */
public final class QuantizationLoss {
    /**
     * @param mean    Kullback-Leibler divergence from the stored weights' distribution, nats, mean over places
     * @param worst   the highest of a place
     * @param sameTop share of places whose likeliest word is the same
     */
    public record Loss(double mean, double worst, double sameTop) {}

    private QuantizationLoss() {}

    public static void main(String[] args) throws IOException {
        Path demo = Path.of("examples/demo");
        int questions = args.length > 0 ? Integer.parseInt(args[0]) : Integer.MAX_VALUE;
        System.out.println("| matrices | KL, mean | KL, worst | same likeliest word | right answers |");
        System.out.println("|---|---|---|---|---|");
        for (Quantization q : Quantization.values()) {
            Loss loss = measure(demo, q, questions);
            try (Winnow model = open(demo, q)) {
                DemoAccuracy.Score all = DemoAccuracy.visionLanguage(demo, model, ReductionPlan.NONE).get("all");
                System.out.printf("| %s | %.2e | %.2e | %.2f%% | %.1f%% of %d |%n", q == Quantization.NONE ? "as stored" : q.name().toLowerCase(Locale.ROOT),
                        loss.mean(), loss.worst(), 100 * loss.sameTop(), 100.0 * all.right() / all.questions(), all.questions());
            }
        }
    }

    private static Winnow open(Path demo, Quantization quantization) {
        return Winnow.open(demo.resolve("shapes-vlm"), LoadOptions.defaults().withQuantization(quantization));
    }

    /** Over the first so many questions. */
    public static Loss measure(Path demo, Quantization quantization, int questions) throws IOException {
        double sum = 0;
        double worst = 0;
        long same = 0;
        long places = 0;
        try (Winnow stored = open(demo, Quantization.NONE); Winnow rounded = open(demo, quantization)) {
            List<String> lines = Files.readAllLines(demo.resolve("results-vlm-public.predictions.jsonl"));
            for (String line : lines.subList(0, Math.min(questions, lines.size()))) {
                Settings q = Settings.of(line, "predictions");
                RgbImage image = RgbImage.read(demo.resolve("questions-vlm").resolve(q.string("image")));
                Tensor expected = logits(stored, q.string("question"), image);
                float[] p = expected.toFloats();
                float[] r = logits(rounded, q.string("question"), image).toFloats();
                int words = expected.dim(-1);
                for (int at = 0; at < p.length; at += words) {
                    float[] dense = Arrays.copyOfRange(p, at, at + words);
                    float[] other = Arrays.copyOfRange(r, at, at + words);
                    double divergence = divergence(dense, other);
                    sum += divergence;
                    worst = Math.max(worst, divergence);
                    if (top(dense) == top(other)) same++;
                    places++;
                }
            }
        }
        return new Loss(sum / places, worst, (double) same / places);
    }

    private static Tensor logits(Winnow model, String question, RgbImage image) {
        List<Tensor> trace = new Tracer(model.model(), ReductionPlan.NONE, 0, Set.of())
                .run(model.inputs(question, List.of(image), false));
        return trace.stream().filter(t -> t.name().equals("logits")).findFirst().orElseThrow();
    }

    /** Of the second distribution from the first, both given as logits. */
    private static double divergence(float[] p, float[] q) {
        double pNorm = logSum(p);
        double qNorm = logSum(q);
        double sum = 0;
        for (int i = 0; i < p.length; i++) sum += Math.exp(p[i] - pNorm) * (p[i] - pNorm - q[i] + qNorm);
        return Math.max(0, sum);
    }

    private static double logSum(float[] x) {
        double max = x[top(x)];
        double sum = 0;
        for (float v : x) sum += Math.exp(v - max);
        return max + Math.log(sum);
    }

    private static int top(float[] x) {
        int top = 0;
        for (int i = 1; i < x.length; i++) if (x[i] > x[top]) top = i;
        return top;
    }
}
