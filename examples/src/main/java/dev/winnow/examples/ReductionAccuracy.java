package dev.winnow.examples;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.winnow.reduction.MethodType;
import dev.winnow.reduction.Methods;
import dev.winnow.reduction.Methods.Family;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.eval.Evaluation;
import dev.winnow.runtime.eval.Judge;
import dev.winnow.runtime.eval.Outcome;
import dev.winnow.runtime.eval.questions.Question;
import dev.winnow.runtime.eval.questions.Questions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * Accuracy of the demo checkpoint on its public questions, dense and at 50, 25 and 11% of the visual tokens, for every method that
 * reduces visual tokens: writes {@code docs/accuracy.md}. Every count comes from what really ran.
 *
 * <pre>ReductionAccuracy [question stride] [method or plan...]</pre>
 *
 * With methods given, only those are asked, and their rows of the page are made anew; with plans or a stride nothing is written. With
 * {@code page} for a stride, the page is made again from the scores of the last run; with {@code costs}, tokens and operations of all its
 * plans are counted again first, on every tenth question, which is enough for them and takes minutes. Methods of one plan are joined by " + ".
 */
public final class ReductionAccuracy {
    private static final List<Family> VISUAL = List.of(Family.TOWER, Family.PROJECTOR, Family.LANGUAGE, Family.VIDEO, Family.DEPTH);
    private static final String[] BUDGETS = {"50%", "25%", "11%"};
    /** Drawn by lot: in front of the language model, and inside it, for methods that act there. */
    static final String RANDOM = "random";
    static final String RANDOM_INSIDE = "random before layer 2";
    /** What joins the methods of a plan in a row's name. */
    static final String JOINED = " + ";
    static final String UNMERGING = "vtu";
    /** Methods that merge in front of the language model, and options, for rows with virtual unmerging behind them. */
    private static final Map<String, String> MERGING = merging();
    private static final int[] SEEDS = {1, 2, 3, 4, 5};
    private static final int MOST_TOKENS = 96;
    private static final int COSTS_STRIDE = 10;

    /**
     * What one plan did on all questions.
     *
     * @param visual tokens of the picture in a language layer, mean over layers and questions
     * @param flops  tower, projector and prompt pass, per question
     */
    record Score(String spec, int right, int questions, double visual, double flops) {
        /** Share of right answers. */
        double accuracy() {
            return (double) right / questions;
        }
    }

    private final Evaluation evaluation;

    private ReductionAccuracy(Evaluation evaluation) {
        this.evaluation = evaluation;
    }

    public static void main(String[] args) throws IOException {
        Path demo = Files.isDirectory(Path.of("examples/demo")) ? Path.of("examples/demo") : Path.of("demo");
        Path root = demo.toAbsolutePath().getParent().getParent();
        Path results = root.resolve("examples/results/accuracy.json");
        ObjectMapper json = new ObjectMapper();
        if (args.length > 0 && args[0].equals("page")) {
            writePage(root, read(results, json));
            return;
        }
        if (args.length > 0 && args[0].equals("costs")) {
            try (Winnow model = Winnow.open(demo.resolve("shapes-vlm"))) {
                ReductionAccuracy few = new ReductionAccuracy(new Evaluation(model, questions(demo, COSTS_STRIDE), Judge.EXACT, MOST_TOKENS));
                Map<String, List<Score>> scores = read(results, json);
                scores.replaceAll((name, row) -> row.stream().map(few::counted).toList());
                write(root, results, json, scores);
            }
            return;
        }
        int stride = args.length > 0 ? Integer.parseInt(args[0]) : 1;
        List<String> only = args.length > 1 ? List.of(args).subList(1, args.length) : List.of();
        try (Winnow model = Winnow.open(demo.resolve("shapes-vlm"))) {
            ReductionAccuracy table = new ReductionAccuracy(new Evaluation(model, questions(demo, stride), Judge.EXACT, MOST_TOKENS));
            Map<String, List<Score>> scores = table.all(only);
            if (stride > 1 || only.stream().anyMatch(name -> name.contains(":"))) return;
            if (!only.isEmpty()) scores = with(read(results, json), scores);
            write(root, results, json, scores);
        }
    }

    private static void write(Path root, Path results, ObjectMapper json, Map<String, List<Score>> scores) throws IOException {
        Files.writeString(results, json.writerWithDefaultPrettyPrinter().writeValueAsString(scores) + "\n");
        writePage(root, scores);
    }

    private static Map<String, List<Score>> read(Path results, ObjectMapper json) throws IOException {
        return json.readValue(results.toFile(), new TypeReference<LinkedHashMap<String, List<Score>>>() {});
    }

    /** Earlier rows, with those measured anew in their places and new ones at the end. */
    private static Map<String, List<Score>> with(Map<String, List<Score>> earlier, Map<String, List<Score>> anew) {
        Map<String, List<Score>> all = new LinkedHashMap<>(earlier);
        all.putAll(anew);
        return all;
    }

    private static void writePage(Path root, Map<String, List<Score>> scores) throws IOException {
        Files.writeString(root.resolve("docs/accuracy.md"), new AccuracyPage(scores, scores.get("dense").getFirst().questions()).text());
    }

    private static List<Question> questions(Path demo, int stride) {
        List<Question> all = Questions.read(demo.resolve("questions-vlm/qa.jsonl")).list();
        return IntStream.range(0, all.size()).filter(i -> i % stride == 0).mapToObj(all::get).toList();
    }

    /** Scores by method: "dense" has one, a method one per budget, the random baseline one per budget and seed. */
    private Map<String, List<Score>> all(List<String> only) {
        Map<String, List<Score>> scores = new LinkedHashMap<>();
        scores.put("dense", List.of(ask("", ReductionPlan.NONE)));
        for (String plan : only) if (plan.contains(":")) ask(plan, plan(plan));
        for (Family family : VISUAL) {
            for (MethodType method : Methods.of(family)) {
                if (!method.trainingFree() || method.options().stream().noneMatch(o -> o.name().equals("keep"))) continue;
                if (!only.isEmpty() && !only.contains(method.name())) continue;
                scores.put(method.name(), atBudgets(method.name(), ""));
                if (method.name().equals(RANDOM)) scores.put(RANDOM_INSIDE, atBudgets(RANDOM, ",layer=2"));
            }
        }
        MERGING.forEach((name, options) -> {
            String row = name + JOINED + UNMERGING;
            if (only.isEmpty() || only.contains(row)) scores.put(row, atBudgets(name, options + JOINED + UNMERGING));
        });
        return scores;
    }

    private static Map<String, String> merging() {
        Map<String, String> options = new LinkedHashMap<>();
        for (String name : List.of("tome", "pitome", "mctf", "dtome", "visionzip", "prumerge", "pool", "chatunivi", "holitom")) {
            options.put(name, "");
        }
        options.put("aim", ",fall=0");
        return options;
    }

    private List<Score> atBudgets(String method, String options) {
        List<Score> scores = new ArrayList<>();
        for (String budget : BUDGETS) {
            String spec = method + ":keep=" + budget + options;
            List<String> specs = method.equals(RANDOM) ? Arrays.stream(SEEDS).mapToObj(seed -> spec + ",seed=" + seed).toList() : List.of(spec);
            for (String one : specs) scores.add(ask(one, plan(one)));
        }
        return scores;
    }

    /** The score with costs counted anew. */
    private Score counted(Score score) {
        Score few = ask(score.spec(), plan(score.spec()));
        return new Score(score.spec(), score.right(), score.questions(), few.visual(), few.flops());
    }

    private static ReductionPlan plan(String specs) {
        return specs.isEmpty() ? ReductionPlan.NONE : ReductionPlan.parse(List.of(specs.split(Pattern.quote(JOINED))));
    }

    private Score ask(String spec, ReductionPlan plan) {
        long began = System.nanoTime();
        List<Outcome> outcomes = evaluation.under(plan);
        int n = outcomes.size();
        int correct = (int) outcomes.stream().filter(Outcome::right).count();
        double meanVisual = outcomes.stream().mapToDouble(o -> o.work().meanVisualTokens()).average().orElse(0);
        double meanFlops = outcomes.stream().mapToDouble(o -> o.work().firstTokenFlops()).average().orElse(0);
        System.out.printf(Locale.ROOT, "%-40s %.1f%%  %5.1f visual tokens per layer  %.3f GFLOP  %.1f s%n", spec.isEmpty() ? "dense" : spec,
                100.0 * correct / n, meanVisual, meanFlops / 1e9, (System.nanoTime() - began) / 1e9);
        return new Score(spec, correct, n, meanVisual, meanFlops);
    }
}
