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
import dev.winnow.runtime.models.Llava;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What visual-token reduction saves a LLaVA prompt of 40 words' tokens and a picture, and what its machinery costs when a plan keeps
 * everything. Arguments: model directory, rounds of each part (0 skips it).
 */
public final class LlavaPrefill {
    private static final int TEXT = 40;
    /** Plans that change nothing. */
    private static final List<String> IDLE_VISION = List.of("visionzip:dominant=576,contextual=0", "fastervlm:keep=576", "tome:r=0");
    private static final List<String> IDLE_LANGUAGE = List.of("fastv:ratio=0", "pyramiddrop:ratios=1/1/1", "snapkv:budget=100000");

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
        long reducing;

        Route(String... specs) {
            schedule = ReductionPlan.parse(List.of(specs)).schedule(model.shape());
        }

        void look() {
            features = List.of(model.look(pixels, 0, 0, model.lastBlock() + 1, schedule, workspace, null, this));
        }

        void prefill() {
            if (features == null) look();
            long before = workspace.work().flops();
            reducing = 0;
            Tokens tokens = model.merge(ids, features, 0);
            prompt = tokens.count();
            KvCache cache = model.language().newCache(prompt);
            model.language().prefill(tokens, cache, schedule, workspace, this);
            flops = workspace.work().flops() - before;
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
                        / (r.medianWall("vision " + name) + r.medianWall(name)), route.flops / r.bestWall(name) / 1e9));
        System.out.printf("FMA peak: best %.0f, median %.0f GFLOP/s%n", Machine.peakFlops() / r.bestWall("FMA peak") / 1e9,
                Machine.peakFlops() / r.medianWall("FMA peak") / 1e9);
    }

    /** Each part of the model with plans that act there; "dense again" shows how far two runs of the same thing differ. */
    private void overhead(int rounds) {
        System.out.println("\n| all tokens kept | wall / dense, median (quartiles) | CPU / dense, median (quartiles) | CPU, medians | CPU, best |"
                + " more operations |");
        System.out.println("|---|---|---|---|---|---|");
        compare("vision, ", IDLE_VISION, rounds, true);
        compare("prefill, ", IDLE_LANGUAGE, rounds, false);
    }

    private void compare(String part, List<String> specs, int rounds, boolean vision) {
        Map<String, Route> routes = new LinkedHashMap<>();
        routes.put("dense", new Route());
        routes.put("dense again", new Route());
        for (String spec : specs) routes.put(spec, new Route(spec));
        Rounds r = new Rounds();
        routes.forEach((name, route) -> r.task(name, () -> {
            route.features = vision ? null : routes.get("dense").features;
            if (vision) {
                long before = route.workspace.work().flops();
                route.look();
                route.flops = route.workspace.work().flops() - before;
            } else {
                route.prefill();
            }
        }));
        if (!vision) routes.get("dense").look();
        r.run(2, rounds, 0);
        double dense = routes.get("dense").flops;
        routes.forEach((name, route) -> {
            if (name.equals("dense")) return;
            double[] wall = r.ratio(name, "dense", Rounds.Sample::wall);
            double[] cpu = r.ratio(name, "dense", Rounds.Sample::cpu);
            System.out.printf("| %s%s | %.4f (%.4f to %.4f) | %.4f (%.4f to %.4f) | %.4f | %.4f | %.3f%% |%n", part, name, wall[1], wall[0],
                    wall[2], cpu[1], cpu[0], cpu[2], r.medianCpu(name) / r.medianCpu("dense"), r.bestCpu(name) / r.bestCpu("dense"),
                    100 * (route.flops / dense - 1));
        });
    }
}
