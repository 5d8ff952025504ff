package dev.winnow.examples.bench;

import dev.winnow.layers.KvCache;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.Tokens;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.bench.Rounds;
import dev.winnow.runtime.models.Llava;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * What visual-token reduction saves a LLaVA prompt of 40 words' tokens and a picture, and what its machinery costs when a plan keeps
 * everything. Arguments: model directory, rounds of each part (0 skips it).
 */
public final class LlavaPrefill {
    private static final int TEXT = 40;
    /** Plans that change nothing. */
    private static final List<String> IDLE_VISION = List.of("visionzip:dominant=576,contextual=0", "fastervlm:keep=576",
            "tome:r=0");
    private static final List<String> IDLE_LANGUAGE = List.of("fastv:ratio=0", "pyramiddrop:ratios=1/1/1", "snapkv:budget=100000");

    private static final String DENSE_AGAIN = "dense again";

    private final Llava model;
    private final float[] pixels;
    private final int[] ids;

    private LlavaPrefill(Llava model) {
        this.model = model;
        this.pixels = Machine.randoms(3 * model.vision().imageSize() * model.vision().imageSize(), 1);
        this.ids = new int[TEXT + model.tokensPerImage()];
        Arrays.setAll(ids, i -> i < 5 || i >= 5 + model.tokensPerImage() ? 100 + i : model.imageToken());
    }

    public static void main(String[] args) {
        int rounds = args.length > 1 ? Integer.parseInt(args[1]) : 5;
        int idleRounds = args.length > 2 ? Integer.parseInt(args[2]) : 5;
        System.out.println(Machine.describe());
        try (Winnow opened = Winnow.open(Path.of(args[0]))) {
            LlavaPrefill bench = new LlavaPrefill((Llava) opened.model());
            if (rounds > 0) bench.savings(rounds);
            if (idleRounds > 0) bench.overhead(idleRounds);
        }
    }

    /** One way through the model: what the tower sees, and what becomes of it in the language model. */
    private final class Route implements StackListener {
        final Schedule schedule;
        final Workspace workspace = new Workspace();
        List<Llava.ImageFeatures> features;
        int prompt;
        long flops;
        /** Of the prompt pass alone; {@link #flops} is of whichever pass ran last. */
        long prefillFlops;
        /** Nanoseconds in methods during this pass, and the least of all passes: another process's turn may fall into one. */
        long reducing;
        long leastReducing = Long.MAX_VALUE;

        Route(String... specs) {
            schedule = ReductionPlan.parse(List.of(specs)).schedule(model.shape());
        }

        void look() {
            long before = workspace.work().flops();
            reducing = 0;
            features = List.of(model.look(pixels, 0, 0, model.lastBlock() + 1, schedule, workspace, null, this));
            flops = workspace.work().flops() - before;
            leastReducing = Math.min(leastReducing, reducing);
        }

        void prefill() {
            if (features == null) {
                look();
                leastReducing = Long.MAX_VALUE;
            }
            long before = workspace.work().flops();
            reducing = 0;
            Tokens tokens = model.merge(ids, features, 0);
            prompt = tokens.count();
            KvCache cache = model.language().newCache(prompt);
            model.language().prefill(tokens, cache, schedule, workspace, this);
            flops = workspace.work().flops() - before;
            prefillFlops = flops;
            leastReducing = Math.min(leastReducing, reducing);
        }

        @Override
        public void acted(ReductionEvent event, Outcome outcome, Tokens tokens, long nanos) {
            reducing += nanos;
        }
    }

    private void savings(int rounds) {
        Map<String, Route> routes = new LinkedHashMap<>();
        routes.put("dense", new Route());
        for (String spec : List.of("visionzip:dominant=53,contextual=10", "fastervlm:keep=64")) routes.put(spec, new Route(spec));
        Rounds r = new Rounds();
        routes.forEach((name, route) -> r.task("vision " + name, route::look).task(name, route::prefill));
        r.task("FMA peak", Machine::peak);
        r.run(1, rounds, 0);
        System.out.println("\n| plan | prompt tokens | prefill s, median | best | CPU s, median | prefill cut, medians | best | vision s, median |"
                + " best | vision + prefill cut, medians | GFLOP/s, best |");
        System.out.println("|---|---|---|---|---|---|---|---|---|---|---|");
        routes.forEach((name, route) -> System.out.printf("| %s | %d | %.3f | %.3f | %.3f | %.2fx | %.2fx | %.3f | %.3f | %.2fx | %.0f |%n",
                name, route.prompt, r.medianWall(name), r.bestWall(name), r.medianCpu(name),
                r.medianWall("dense") / r.medianWall(name), r.bestWall("dense") / r.bestWall(name), r.medianWall("vision " + name),
                r.bestWall("vision " + name), (r.medianWall("vision dense") + r.medianWall("dense"))
                        / (r.medianWall("vision " + name) + r.medianWall(name)), route.prefillFlops / r.bestWall(name) / 1e9));
        System.out.printf("FMA peak: best %.0f, median %.0f GFLOP/s%n", Machine.peakFlops() / r.bestWall("FMA peak") / 1e9,
                Machine.peakFlops() / r.medianWall("FMA peak") / 1e9);
    }

    /**
     * Each part of the model with plans that act there; "dense again" shows how far two runs of the same thing differ. Time inside the
     * methods is measured directly and hardly noisy; what probes cost shows in the operations.
     */
    private void overhead(int rounds) {
        System.out.println("\n| all tokens kept | CPU / dense, median (quartiles) | wall / dense, median (quartiles) | in methods |"
                + " more operations |");
        System.out.println("|---|---|---|---|---|");
        Route dense = new Route();
        dense.look();
        List<String> vision = new ArrayList<>(IDLE_VISION);
        vision.addFirst(DENSE_AGAIN);
        for (String spec : vision) compare("vision", spec, dense, rounds, Route::look);
        List<String> language = new ArrayList<>(IDLE_LANGUAGE);
        language.addFirst(DENSE_AGAIN);
        for (String spec : language) compare("prefill", spec, dense, rounds, Route::prefill);
    }

    /** Dense, plan, plan, dense, and so on: drift within a round cancels. */
    private void compare(String part, String spec, Route dense, int rounds, Consumer<Route> run) {
        Route kept = spec.equals(DENSE_AGAIN) ? new Route() : new Route(spec);
        kept.features = dense.features;
        Rounds r = new Rounds().task("dense 1", () -> run.accept(dense)).task("kept 1", () -> run.accept(kept))
                .task("kept 2", () -> run.accept(kept)).task("dense 2", () -> run.accept(dense));
        r.run(1, rounds, 0);
        double[] cpu = r.ratio(List.of("kept 1", "kept 2"), List.of("dense 1", "dense 2"), Rounds.Sample::cpu);
        double[] wall = r.ratio(List.of("kept 1", "kept 2"), List.of("dense 1", "dense 2"), Rounds.Sample::wall);
        System.out.printf("| %s, %s | %.4f (%.4f to %.4f) | %.4f (%.4f to %.4f) | %.3f%% | %.3f%% |%n", part, spec, cpu[1], cpu[0], cpu[2],
                wall[1], wall[0], wall[2], 100 * kept.leastReducing / 1e9 / r.bestWall("dense 1"),
                100 * ((double) kept.flops / dense.flops - 1));
    }
}
