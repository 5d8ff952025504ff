package dev.winnow.examples;

import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.Request;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.images.RgbImage;
import dev.winnow.weights.Settings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/**
 * Accuracy of the demo checkpoints on their public questions, dense or with the reduction specs given as arguments, by question type
 * and beside the reference implementation's own answers.
 */
public final class DemoAccuracy {
    /** Right answers, answers equal to the reference's, and questions. */
    public record Score(int right, int sameAsReference, int questions) {
        Score plus(boolean right, boolean same) {
            return new Score(this.right + (right ? 1 : 0), sameAsReference + (same ? 1 : 0), questions + 1);
        }
    }

    private DemoAccuracy() {}

    public static void main(String[] specs) throws IOException {
        Path demo = Files.isDirectory(Path.of("examples/demo")) ? Path.of("examples/demo") : Path.of("demo");
        ReductionPlan plan = ReductionPlan.parse(Arrays.asList(specs));
        long began = System.nanoTime();
        System.out.println("plan: " + plan);
        visionLanguage(demo, plan).forEach((type, s) -> System.out.printf("%-12s %.4f  %d of %d, %d as the reference%n", type,
                (double) s.right() / s.questions(), s.right(), s.questions(), s.sameAsReference()));
        if (plan.isEmpty()) {
            Score vit = classifier(demo, plan);
            System.out.printf("%-12s %.4f  %d of %d%n", "classifier", (double) vit.right() / vit.questions(), vit.right(), vit.questions());
        }
        System.out.printf("%.1f s%n", (System.nanoTime() - began) / 1e9);
    }

    /** All questions to the vision-language model, by type and as "all". */
    public static Map<String, Score> visionLanguage(Path demo, ReductionPlan plan) throws IOException {
        try (Winnow model = Winnow.open(demo.resolve("shapes-vlm"))) {
            return visionLanguage(demo, model, plan);
        }
    }

    /** All questions to a vision-language model that is open. */
    static Map<String, Score> visionLanguage(Path demo, Winnow model, ReductionPlan plan) throws IOException {
        Map<String, Score> scores = new TreeMap<>();
        for (String line : Files.readAllLines(demo.resolve("results-vlm-public.predictions.jsonl"))) {
            Settings q = Settings.of(line, "predictions");
            RgbImage image = RgbImage.read(demo.resolve("questions-vlm").resolve(q.string("image")));
            String answer = model.generate(Request.of(q.string("question"), image).withPlan(plan).withMaxTokens(96), piece -> { })
                    .text().strip();
            for (String type : new String[] {q.string("type"), "all"}) {
                scores.put(type, scores.getOrDefault(type, new Score(0, 0, 0))
                        .plus(answer.equals(q.string("answer")), answer.equals(q.string("prediction"))));
            }
        }
        return scores;
    }

    /** All pictures of the classifier's question set. */
    public static Score classifier(Path demo, ReductionPlan plan) throws IOException {
        Score score = new Score(0, 0, 0);
        try (Winnow model = Winnow.open(demo.resolve("shapes-vit"))) {
            for (String line : Files.readAllLines(demo.resolve("questions-vit/labels.csv")).stream().skip(1).toList()) {
                String[] cells = line.split(",");
                RgbImage image = RgbImage.read(demo.resolve("questions-vit").resolve(cells[0]));
                boolean right = model.classify(image, plan).labels().getFirst().index() == Integer.parseInt(cells[1]);
                score = score.plus(right, right);
            }
        }
        return score;
    }
}
