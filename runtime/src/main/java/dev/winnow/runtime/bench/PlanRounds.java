package dev.winnow.runtime.bench;

import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.Request;
import dev.winnow.runtime.Stats;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.images.RgbImage;
import dev.winnow.runtime.models.VisionTransformer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/** The same request under several plans, in turns: what each took, from what the runtime itself counts and from clocks around it. */
public final class PlanRounds {
    /** One run of the request, with the seconds between one token and the next. */
    private record Trial(Stats stats, double[] steps) {}

    private final Rounds rounds = new Rounds();
    private final Map<String, List<Trial>> trials = new LinkedHashMap<>();

    private PlanRounds(List<ReductionPlan> plans, Function<ReductionPlan, Trial> run) {
        for (ReductionPlan plan : plans) {
            List<Trial> own = new ArrayList<>();
            trials.put(plan.toString(), own);
            rounds.task(plan.toString(), () -> own.add(run.apply(plan)));
        }
    }

    /** A request that generates; its own plan does not count. */
    public static PlanRounds generating(Winnow winnow, Request request, List<ReductionPlan> plans) {
        return new PlanRounds(plans, plan -> generate(winnow, request.withPlan(plan)));
    }

    /** Pictures that are labelled or, by a model that has no classifier, encoded, one after another. */
    public static PlanRounds looking(Winnow winnow, List<RgbImage> images, List<ReductionPlan> plans) {
        return new PlanRounds(plans, plan -> new Trial(images.stream().map(image -> look(winnow, image, plan)).reduce(PlanRounds::sum)
                .orElseThrow(), new double[0]));
    }

    private static Trial generate(Winnow winnow, Request request) {
        long[] times = new long[request.maxTokens() + 1];
        int[] count = {0};
        Stats stats = winnow.generate(request.withCancelled(() -> {
            // asked between tokens, first when the logits for the first one are there
            times[count[0]++] = System.nanoTime();
            return false;
        }), piece -> { }).stats();
        double[] steps = new double[count[0] - 1];
        Arrays.setAll(steps, i -> (times[i + 1] - times[i]) / 1e9);
        return new Trial(stats, steps);
    }

    private static Stats look(Winnow winnow, RgbImage image, ReductionPlan plan) {
        boolean labels = winnow.model() instanceof VisionTransformer vit && vit.classifier() != null;
        return labels ? winnow.classify(image, plan).stats() : winnow.features(image, plan).stats();
    }

    private static Stats sum(Stats a, Stats b) {
        List<Integer> tokens = new ArrayList<>(a.visionTokens());
        for (int l = 0; l < tokens.size(); l++) tokens.set(l, tokens.get(l) + b.visionTokens().get(l));
        return new Stats(a.images() + b.images(), a.imageTokens() + b.imageTokens(), 0, tokens, List.of(), 0, 0, 0,
                a.visionFlops() + b.visionFlops(), 0, 0, 0, 0, Math.max(a.workspaceBytes(), b.workspaceBytes()),
                a.visionSeconds() + b.visionSeconds(), 0, 0, a.reductionSeconds() + b.reductionSeconds());
    }

    /** Runs every plan so many times, after some that do not count. */
    public void run(int warmUp, int times) {
        rounds.run(warmUp, times, 0);
        trials.values().forEach(own -> own.subList(0, warmUp).clear());
    }

    /** Time that the machine's host gave to others during the rounds that count, in seconds; NaN where nobody says. */
    public double stealSeconds() {
        return rounds.total(Rounds.Sample::steal);
    }

    /** What a plan took; rows in the order of the plans. */
    public List<PlanCost> costs() {
        String first = trials.keySet().iterator().next();
        return trials.keySet().stream().map(plan -> cost(plan, first)).toList();
    }

    private PlanCost cost(String plan, String first) {
        Stats s = trials.get(plan).getLast().stats();
        double[] steps = trials.get(plan).stream().flatMapToDouble(t -> Arrays.stream(t.steps())).toArray();
        return new PlanCost(plan, s,
                new PlanCost.Seconds(rounds.medianWall(plan), rounds.bestWall(plan)),
                new PlanCost.Seconds(rounds.medianCpu(plan), rounds.bestCpu(plan)),
                seconds(plan, Stats::visionSeconds), seconds(plan, Stats::prefillSeconds), seconds(plan, Stats::firstTokenSeconds),
                seconds(plan, Stats::decodeSeconds),
                steps.length == 0 ? 0 : Rounds.quantile(steps, 0.5), steps.length == 0 ? 0 : Rounds.quantile(steps, 0.99),
                rounds.ratio(first, plan, Rounds.Sample::wall)[1], rounds.ratio(first, plan, Rounds.Sample::cpu)[1],
                times(first, plan, Stats::firstTokenSeconds), times(first, plan, Stats::decodeSeconds));
    }

    private PlanCost.Seconds seconds(String plan, ToDoubleFunction<Stats> of) {
        double[] values = values(plan, of);
        return new PlanCost.Seconds(Rounds.quantile(values, 0.5), Rounds.quantile(values, 0));
    }

    /** The median, round by round, of the first plan's time by another's. */
    private double times(String first, String plan, ToDoubleFunction<Stats> of) {
        double[] ratios = values(first, of);
        double[] by = values(plan, of);
        for (int i = 0; i < by.length; i++) ratios[i] = by[i] == 0 ? 0 : ratios[i] / by[i];
        return Rounds.quantile(ratios, 0.5);
    }

    private double[] values(String plan, ToDoubleFunction<Stats> of) {
        return trials.get(plan).stream().map(Trial::stats).mapToDouble(of).toArray();
    }
}
