package dev.winnow.runtime.cli;

import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.Answer;
import dev.winnow.runtime.Request;
import dev.winnow.runtime.Stats;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.explain.ExplanationPicture;
import dev.winnow.runtime.images.RgbImage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The embedded model on the embedded pictures, dense and reduced, with what each plan cost. */
@Command(name = "demo", description = "Asks the embedded model about the embedded pictures, dense and with token reduction.")
final class DemoCommand implements Callable<Integer> {
    private static final List<List<String>> PLANS = List.of(
            List.of(),
            List.of("tome:r=8"),
            List.of("visionzip:dominant=53,contextual=10"),
            List.of("fastv:k=2,ratio=0.5"),
            List.of("pyramiddrop:layers=2/3/4"),
            List.of("snapkv:budget=64,window=16"),
            List.of("tome:r=8", "fastv:k=2,ratio=0.5", "snapkv:budget=48,window=16"));

    /** While the JVM compiles; not timed. */
    private static final int WARM_UP_ROUNDS = 4;
    private static final int TIMED_ROUNDS = 3;

    @Mixin
    private Common common;
    @Option(names = "--explain", paramLabel = "FILE.png", defaultValue = "winnow-demo.png",
            description = "where to draw which patches the last plan kept; default ${DEFAULT-VALUE}")
    private Path picture;

    @Option(names = "--quick", description = "ask about one picture only, and measure and draw nothing")
    private boolean quick;

    /** What one plan did over all questions. */
    private record Row(String plan, int right, int questions, double promptTokens, double lastLayerTokens, double flops, double cacheBytes,
                       double firstTokenSeconds) {}

    @Override
    public Integer call() {
        if (quick && common.json()) throw new UsageException("demo --quick measures nothing that could be written as JSON");
        if (!quick) OutputFile.require("--explain", picture, List.of());
        common.check();
        var backend = common.backendForOneRequest();
        try (EmbeddedModel embedded = EmbeddedModel.unpack(); Winnow winnow = Winnow.open(embedded.model(), backend)) {
            ReductionPlan asked = common.plan(embedded.model());
            List<ReductionPlan> plans = asked.isEmpty() ? PLANS.stream().map(ReductionPlan::parse).toList()
                    : List.of(ReductionPlan.NONE, asked);
            for (ReductionPlan plan : plans) plan.schedule(winnow.model().shape());
            List<EmbeddedModel.Question> questions = embedded.questions();
            RgbImage first = RgbImage.read(questions.getFirst().image());
            Answer drawn = null;
            if (!common.json()) common.out().println("Asking a 2.6-million-parameter vision-language model about a picture:");
            for (EmbeddedModel.Question q : questions) {
                if (!q.image().equals(questions.getFirst().image())) break;
                drawn = show(winnow, q, first, plans.getLast());
            }
            if (quick) return 0;
            List<Row> rows = measure(winnow, questions, plans);
            ExplanationPicture.write(picture, drawn.explanation(), List.of(first), List.of(winnow.seen(first)),
                    questions.getFirst().text() + "   [" + plans.getLast() + "]");
            report(rows, questions.size());
        }
        return 0;
    }

    /** One question, dense and reduced; the reduced answer is returned. */
    private Answer show(Winnow winnow, EmbeddedModel.Question q, RgbImage image, ReductionPlan plan) {
        Answer dense = winnow.generate(Request.of(q.text(), image), piece -> { });
        Answer reduced = winnow.generate(Request.of(q.text(), image).withPlan(plan), piece -> { });
        if (!common.json()) {
            common.out().println("  " + q.text() + "  ->  " + dense.text().strip() + "  (reduced: " + reduced.text().strip()
                    + "; right: " + q.answer() + ")");
        }
        return reduced;
    }

    /** Every question under every plan in turns, so that what disturbs the machine disturbs all plans alike. */
    private static List<Row> measure(Winnow winnow, List<EmbeddedModel.Question> questions, List<ReductionPlan> plans) {
        List<List<Stats>> stats = new ArrayList<>();
        int[] right = new int[plans.size()];
        for (int i = 0; i < plans.size(); i++) stats.add(new ArrayList<>());
        for (int round = 0; round < WARM_UP_ROUNDS + TIMED_ROUNDS; round++) {
            for (EmbeddedModel.Question q : questions) {
                RgbImage image = RgbImage.read(q.image());
                for (int i = 0; i < plans.size(); i++) {
                    Answer a = winnow.generate(Request.of(q.text(), image).withPlan(plans.get(i)), piece -> { });
                    if (round < WARM_UP_ROUNDS) continue;
                    stats.get(i).add(a.stats());
                    if (a.text().strip().equals(q.answer())) right[i]++;
                }
            }
        }
        List<Row> rows = new ArrayList<>();
        for (int i = 0; i < plans.size(); i++) {
            List<Stats> s = stats.get(i);
            rows.add(new Row(plans.get(i).toString(), right[i] / TIMED_ROUNDS, questions.size(), mean(s, Stats::promptTokens),
                    mean(s, t -> t.languageTokens().getLast()), mean(s, t -> t.visionFlops() + t.prefillFlops()),
                    mean(s, Stats::cacheBytes), median(s, Stats::firstTokenSeconds)));
        }
        return rows;
    }

    private static double mean(List<Stats> stats, ToDoubleFunction<Stats> f) {
        return stats.stream().mapToDouble(f).average().orElseThrow();
    }

    private static double median(List<Stats> stats, ToDoubleFunction<Stats> f) {
        double[] sorted = stats.stream().mapToDouble(f).sorted().toArray();
        return sorted[sorted.length / 2];
    }

    private void report(List<Row> rows, int questions) {
        if (common.json()) {
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("plans", rows);
            result.put("picture", picture.toString());
            common.printJson(result);
            return;
        }
        List<List<String>> table = new ArrayList<>();
        table.add(List.of("plan", "right", "prompt tokens", "last layer", "compute", "cache", "first token"));
        for (Row r : rows) {
            table.add(List.of(r.plan(), r.right() + "/" + r.questions(), Math.round(r.promptTokens()) + "", Math.round(r.lastLayerTokens()) + "",
                    Tables.quantity(r.flops(), "FLOP"), Tables.quantity(r.cacheBytes(), "B"), Tables.seconds(r.firstTokenSeconds())));
        }
        common.out().println();
        common.out().println("The same " + questions + " questions about the embedded pictures under every plan (means; time is the median):");
        common.out().print(Tables.columns(table));
        common.out().println();
        common.out().println("All figures were measured in this run. Kept patches of the last plan: " + picture);
        common.out().flush();
    }
}
