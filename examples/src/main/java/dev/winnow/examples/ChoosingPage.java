package dev.winnow.examples;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.winnow.examples.ReductionAccuracy.Score;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * "Which method when", from measurements that are in the repository: {@code examples/results/accuracy.json} and {@code reduction.md}.
 * Every number of the page is looked up or computed here, so that it follows them when they are measured again. Writes
 * {@code docs/choosing.md}.
 */
final class ChoosingPage {
    private static final int[] COST_CAPS = {40, 50, 60, 65, 70, 75, 80, 85, 90};
    private static final int[] TOKEN_CAPS = {16, 24, 36, 52, 72, 90, 108};
    private static final int SHOWN = 4;
    /** A row of the table of costs: method, then milliseconds, seconds saved and share, with 576 visual tokens and, or dashes, with 2880. */
    private static final Pattern COST_ROW = Pattern.compile(
            "\\| `([a-z0-9-]+)` \\| [\\d.]+ \\| [\\d.]+ \\| ([\\d.]+)% \\| [\\d.-]+ \\| [\\d.-]+ \\| (?:([\\d.]+)%|-) \\|");
    private static final Pattern CACHE = Pattern.compile("Resident ([\\d.]+)% of dense; decoding ([\\d.]+)x");
    private static final Pattern PARTS = Pattern.compile("Dense: tower ([\\d.]+) s, prompt pass ([\\d.]+) s");

    /**
     * A method at a budget.
     *
     * @param cost   operations of tower, projector and prompt pass as a share of dense
     * @param visual tokens of the picture in a language layer, mean over layers
     */
    private record Plan(String spec, String method, double accuracy, double cost, double visual) {
        String text() {
            return String.format(Locale.ROOT, "`%s` %.1f%%", spec, 100 * accuracy);
        }
    }

    private static final Comparator<Plan> BEST_FIRST =
            Comparator.comparingDouble(Plan::accuracy).reversed().thenComparingDouble(Plan::cost);

    private final Score dense;
    private final List<Plan> plans = new ArrayList<>();
    /** Patches drawn at random, mean over seeds. */
    private final List<Plan> draws = new ArrayList<>();
    private final String costs;

    ChoosingPage(Map<String, List<Score>> scores, String costs) {
        this.costs = costs;
        this.dense = scores.get("dense").getFirst();
        scores.forEach((method, all) -> {
            if (method.startsWith(ReductionAccuracy.RANDOM)) draws.addAll(meansOfSeeds(all));
            else if (!method.equals("dense")) for (Score s : all) plans.add(plan(method, s));
        });
    }

    public static void main(String[] args) throws IOException {
        Path results = Path.of("examples/results");
        Map<String, List<Score>> scores = new ObjectMapper().readValue(results.resolve("accuracy.json").toFile(),
                new TypeReference<LinkedHashMap<String, List<Score>>>() {});
        String costs = Files.readString(results.resolve("reduction.md"));
        Files.writeString(Path.of("docs/choosing.md"), new ChoosingPage(scores, costs).text());
    }

    private Plan plan(String method, Score s) {
        return new Plan(s.spec(), method, s.accuracy(), s.flops() / dense.flops(), s.visual());
    }

    private List<Plan> meansOfSeeds(List<Score> draws) {
        Map<String, List<Score>> bySpec = draws.stream()
                .collect(Collectors.groupingBy(s -> s.spec().replaceFirst(",seed=\\d+", ""), LinkedHashMap::new, Collectors.toList()));
        List<Plan> means = new ArrayList<>();
        bySpec.forEach((spec, seeds) -> {
            Plan first = plan(ReductionAccuracy.RANDOM, seeds.getFirst());
            double mean = seeds.stream().mapToDouble(Score::accuracy).average().orElseThrow();
            means.add(new Plan(spec, first.method(), mean, first.cost(), first.visual()));
        });
        return means;
    }

    String text() {
        double error = error(dense.accuracy());
        return """
                # Which method when

                Made by `examples/bench choosing` from measurements: [accuracy.md](accuracy.md) (the demo checkpoint on its %d questions,
                every method at three budgets) and [reduction.md](../examples/results/reduction.md) (costs). No number is a paper's.

                Read before quoting: the demo checkpoint is small (6 language layers, 144 patches), was tuned while shown only 34 to 72 of
                its patches in most batches, so it tolerates losing background better than an ordinary model, and has a weak class
                attention, so methods ranked by it look worse than they may be. One accuracy has a standard error of %.1f points; the
                best of many plans is partly luck. Measure your own model on your own questions before you choose:
                `./winnow eval --questions FILE --reduce SPEC` reads most formats that question sets come in.

                Dense: %.1f%%. Cost is the operations of tower, projector and prompt pass as a share of dense, tokens are those of the
                picture in a language layer, mean over layers; both counted from what ran (last time on every tenth
                question). "Next" are plans within one standard error of the best. "By lot" is the best that random patches do within the limit.

                ## The most accuracy for tokens in the language model

                Look here first: with a large language model most work and all of the cache is in these tokens. In LLaVA-1.5's shape the
                tower takes %.0f%% of the time of tower and prompt pass.

                | tokens at most | best plan | tokens | cost | next | by lot |
                |---|---|---|---|---|---|
                %s
                ## The most accuracy for a cost

                In this small model the tower is about half of the cost, so below 55%% only plans that reduce inside the tower are left.

                | cost at most | best plan | tokens | cost | next | by lot |
                |---|---|---|---|---|---|
                %s
                ## By what you need

                %s
                ## What the choice itself costs

                %s
                ## Where a method is no better than a draw

                %s""".formatted(dense.questions(), 100 * error, 100 * dense.accuracy(), towerShare(), table(TOKEN_CAPS, "%d", Plan::visual),
                table(COST_CAPS, "%d%%", p -> 100 * p.cost()), needs(), overhead(), weak());
    }

    private double error(double accuracy) {
        return Math.sqrt(accuracy * (1 - accuracy) / dense.questions());
    }

    /** Percent of the time before the first token that the tower takes in the real depth: the language part was measured on a quarter. */
    private double towerShare() {
        MatchResult found = PARTS.matcher(costs).results().findFirst().orElseThrow();
        double tower = Double.parseDouble(found.group(1));
        return 100 * tower / (tower + 4 * Double.parseDouble(found.group(2)));
    }

    private String table(int[] caps, String label, ToDoubleFunction<Plan> measure) {
        StringBuilder rows = new StringBuilder();
        for (int cap : caps) {
            // the mean number of tokens is seldom whole
            Predicate<Plan> fits = p -> measure.applyAsDouble(p) < cap + 0.5;
            List<Plan> within = plans.stream().filter(fits).sorted(BEST_FIRST).toList();
            Plan best = within.getFirst();
            String next = within.stream().skip(1).filter(p -> p.accuracy() > best.accuracy() - error(best.accuracy())).limit(SHOWN)
                    .map(Plan::text).collect(Collectors.joining(", "));
            String byLot = draws.stream().filter(fits).min(BEST_FIRST)
                    .map(p -> String.format(Locale.ROOT, "%.1f%%", 100 * p.accuracy())).orElse("");
            rows.append(String.format(Locale.ROOT, "| " + label + " | %s | %.0f | %.0f%% | %s | %s |%n", cap, best.text(), best.visual(),
                    100 * best.cost(), next, byLot));
        }
        return rows.toString();
    }

    private String needs() {
        return """
                - **Nearly the dense answers for few tokens**: merge in front of the language model and unmerge for attention. At a quarter:
                  %s. At a ninth:
                  %s.
                  Projections and MLPs of the language model run for the merged tokens only, most of its work when it is wide; attention and
                  the cache stay as they were, so this saves no memory. See `chatunivi` and `vtu` in [methods.md](methods.md).
                - **Nearly the dense answers for somewhat less work**: drop late or little inside the language model. %s.
                  Deeper cuts there: %s. Every token of the picture still runs the first layers, whose cache keeps its
                  size, and nothing is saved in the tower.
                - **Fewer tokens in every layer, a smaller cache**: leave them out in front of the language model. Best at a quarter:
                  %s. At a ninth:
                  %s.
                  `fopru`, `gprune` and `vtccls` do not read the question, so one reduced picture serves all questions about it.
                - **A tower that costs most** (large pictures, small language models): merge inside it. At half:
                  %s. At a ninth:
                  %s.
                - **The least work**: the cheapest plans that lose less than 10 points are
                  %s.
                - **No score at all**: %s. A score that does not beat `uniform` on your questions is not
                  worth having.
                - **Questions about places, or about the top of pictures**: read [localisation.md](localisation.md).
                - **Long prompts and answers**: compact the cache. %s. What that costs in accuracy was not measured on questions.
                """.formatted(best(36, true), best(16, true), named("vlapruner:keep=25%", "dart:keep=50%", "holitom-inner:keep=25%"),
                named("dart:keep=25%", "feather:keep=25%", "fastv:keep=25%"), best(36, false), best(16, false),
                named("pitome:keep=50%", "mctf:keep=50%", "tome:keep=50%"), named("mctf:keep=11%", "tome:keep=11%"), leastWork(),
                named("uniform:keep=50%", "uniform:keep=25%"), cache());
    }

    /** The best plans that leave about so many tokens to every language layer. */
    private String best(int tokens, boolean unmerged) {
        return listed(plans.stream().filter(p -> unmerged == p.method().endsWith(ReductionAccuracy.UNMERGING)).filter(p -> Math.abs(p.visual() - tokens) < 1.5).sorted(BEST_FIRST).limit(SHOWN));
    }

    /** The cheapest plans that lose less than a tenth of the questions. */
    private String leastWork() {
        return listed(plans.stream().filter(p -> p.accuracy() > dense.accuracy() - 0.1)
                .sorted(Comparator.comparingDouble(Plan::cost)).limit(3));
    }

    private String named(String... specs) {
        return listed(Stream.of(specs).map(spec -> plans.stream().filter(p -> p.spec().equals(spec)).findFirst().orElseThrow()));
    }

    private static String listed(Stream<Plan> plans) {
        return plans.map(p -> String.format(Locale.ROOT, "%s (cost %.0f%%)", p.text(), 100 * p.cost())).collect(Collectors.joining(", "));
    }

    /** What a smaller cache gave, from the results. */
    private String cache() {
        MatchResult found = CACHE.matcher(costs).results().findFirst().orElseThrow();
        return "`snapkv:keep=10%` left " + found.group(1) + "% of the resident memory and decoded " + found.group(2)
                + " times as fast at 32704 tokens of context";
    }

    private String overhead() {
        List<MatchResult> rows = COST_ROW.matcher(costs).results()
                .sorted(Comparator.comparingDouble(ChoosingPage::share).reversed()).toList();
        String most = rows.stream().limit(SHOWN).map(r -> "`" + r.group(1) + "` " + share(r) + "%").collect(Collectors.joining(", "));
        return """
                Time inside the method as a share of the prompt time that it saves, LLaVA-1.5's shape with 32 language layers and 25%% kept,
                with 576 visual tokens or 2880, whichever is more: under half a percent for %d of the %d methods measured. The dearest:
                %s.
                Choose by accuracy, not by the price of the score.
                """.formatted(rows.stream().filter(r -> share(r) < 0.5).count(), rows.size(), most);
    }

    private static double share(MatchResult row) {
        double one = Double.parseDouble(row.group(2));
        return row.group(3) == null ? one : Math.max(one, Double.parseDouble(row.group(3)));
    }

    /** Methods that at no budget are clearly above the draw that leaves as many tokens. */
    private String weak() {
        String names = plans.stream().map(Plan::method).distinct()
                .filter(m -> plans.stream().filter(p -> p.method().equals(m)).noneMatch(this::clearlyAboveDraw))
                .map(m -> "`" + m + "`").collect(Collectors.joining(", "));
        return """
                At none of the three budgets more than two standard errors above random patches that leave the layers about as many tokens:
                %s.
                The reasons looked into are below the tables of [accuracy.md](accuracy.md).
                """.formatted(names);
    }

    private boolean clearlyAboveDraw(Plan plan) {
        double draw = draws.stream().min(Comparator.comparingDouble(d -> Math.abs(d.visual() - plan.visual()))).orElseThrow().accuracy();
        return plan.accuracy() > draw + 2 * error(draw);
    }
}
