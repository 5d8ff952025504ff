package dev.winnow.examples.localisation;

import dev.winnow.examples.localisation.LocalisationResult.Asked;
import dev.winnow.layers.Workers;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.primitives.Budget;
import dev.winnow.runtime.Answer;
import dev.winnow.runtime.Request;
import dev.winnow.runtime.Stats;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.images.RgbImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * Whether FEATHER's finding (Endo et al. 2024, arXiv 2412.13180) holds on the demo checkpoint: pruning in an early language layer by the
 * attention of the last token, with rotary phases, keeps the bottom of the picture and loses questions about its top; without phases it
 * does not. Asks about places in all scenes of the question set, counts the rows that kept patches come from, and writes the tables of
 * {@code docs/localisation.md} anew. Nothing is timed.
 *
 * <pre>LocalisationStudy [folder with scenes.jsonl and its pictures]</pre>
 */
public final class LocalisationStudy {
    private static final Path PAGE = Path.of("docs/localisation.md");
    private static final int MOST_TOKENS = 8;

    private final Winnow model;
    private final List<SceneQuestion> questions;
    private final Map<String, RgbImage> images = new TreeMap<>();

    LocalisationStudy(Winnow model, Path folder, List<SceneQuestion> questions) {
        this.model = model;
        this.questions = questions;
        for (SceneQuestion q : questions) images.computeIfAbsent(q.image(), name -> RgbImage.read(folder.resolve(name)));
    }

    public static void main(String[] args) throws IOException {
        Path demo = Path.of("examples/demo");
        Path folder = args.length > 0 ? Path.of(args[0]) : demo.resolve("questions-vlm");
        // questions are shared out over the cores, so each is answered on one
        Workers.shared().resize(1);
        try (Winnow model = Winnow.open(demo.resolve("shapes-vlm"))) {
            LocalisationStudy study = new LocalisationStudy(model, folder, SceneQuestion.read(folder));
            Files.writeString(PAGE, new LocalisationTables(study.all()).within(Files.readString(PAGE)));
        }
    }

    /** The dense model, and every way to choose at early layers and at a smaller budget. */
    private List<LocalisationResult> all() {
        List<LocalisationResult> results = new ArrayList<>();
        results.add(run("dense", 0, "100%", i -> ReductionPlan.NONE));
        for (int layer : new int[] {2, 1, 3}) everyWay(layer, "25%", results);
        everyWay(2, "11%", results);
        return results;
    }

    private void everyWay(int layer, String keep, List<LocalisationResult> results) {
        Budget budget = new Budget(-1, Budget.share(keep));
        String at = "keep=" + keep;
        results.add(run("fastv", layer, keep, fixed("fastv:k=" + layer + "," + at)));
        results.add(run("rotary", layer, keep, drop(layer, budget, true)));
        results.add(run("no rotary", layer, keep, drop(layer, budget, false)));
        // another draw for each question, or one draw would stand for all
        String draw = "random:layer=" + layer + "," + at + ",seed=";
        results.add(run("random", layer, keep, i -> ReductionPlan.parse(List.of(draw + i))));
        results.add(run("feather", layer, keep, fixed("feather:layers=" + layer + "/" + (layer + 1) + "," + at)));
    }

    private static IntFunction<ReductionPlan> fixed(String spec) {
        ReductionPlan plan = ReductionPlan.parse(List.of(spec));
        return i -> plan;
    }

    private static IntFunction<ReductionPlan> drop(int layer, Budget keep, boolean rotated) {
        ReductionPlan plan = new ReductionPlan(List.of(new LastTokenDrop(layer, keep, rotated)));
        return i -> plan;
    }

    /** Asks every question, with a plan for each. */
    LocalisationResult run(String method, int layer, String keep, IntFunction<ReductionPlan> plans) {
        Asked[] asked = new Asked[questions.size()];
        AtomicInteger next = new AtomicInteger();
        Runnable answering = () -> {
            for (int i = next.getAndIncrement(); i < asked.length; i = next.getAndIncrement()) {
                asked[i] = ask(questions.get(i), plans.apply(i));
            }
        };
        int cores = Runtime.getRuntime().availableProcessors();
        List<Thread> threads = IntStream.range(0, cores).mapToObj(t -> Thread.ofPlatform().start(answering)).toList();
        for (Thread t : threads) join(t);
        LocalisationResult result = new LocalisationResult(method, layer, keep, List.of(asked));
        System.out.println(result);
        return result;
    }

    private Asked ask(SceneQuestion q, ReductionPlan plan) {
        Answer answer = model.generate(Request.of(q.text(), images.get(q.image())).withPlan(plan).withMaxTokens(MOST_TOKENS), piece -> { });
        Stats s = answer.stats();
        int grid = answer.explanation().pieces().getFirst().grid().width();
        boolean[] alive = new boolean[grid * grid];
        for (int[] patches : answer.explanation().panels().getLast().pieces().getFirst().groups()) {
            for (int p : patches) alive[p] = true;
        }
        int text = s.promptTokens() - s.imageTokens();
        double visual = s.languageTokens().stream().mapToInt(n -> n).average().orElseThrow() - text;
        return new Asked(q, answer.text().strip().equals(q.answer()), alive, grid, visual);
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
