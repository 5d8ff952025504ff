package dev.winnow.examples;

import dev.winnow.examples.ReductionAccuracy.Score;
import dev.winnow.reduction.MethodType;
import dev.winnow.reduction.Methods;
import dev.winnow.reduction.Methods.Family;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The page about accuracy: a table for each family, one row per method. */
record AccuracyPage(Map<String, List<Score>> scores, int questions) {
    private static final int BUDGETS = 3;

    /** Why a method is where it is in the table; looked into, not guessed. */
    private static final Map<String, String> REMARKS = Map.ofEntries(
            Map.entry("gtp",
                    "the scales that dropped patches leave on their neighbours weigh background up in attention here; with `scale=false` it is"
                    + " above random (68% at 50%, 100 questions), with `alpha=0` too (69%)."),
            Map.entry("zerotprune",
                    "within the noise of random at 25 and 11%: it ranks by a walk over the attention graph, and this tower's attention"
                    + " hardly tells objects from background."),
            Map.entry("expedit",
                    "all patches come back as mixtures of clusters, for dense prediction; the language model is given blurred patches and no"
                    + " fewer of them. With the published temperature, made for SAM's features, it is below 30% (see the option)."),
            Map.entry("dct",
                    "mixes all patches along the raster and keeps low frequencies, so that places are lost; a baseline of PiToMe's authors."),
            Map.entry("pool",
                    "models are trained for it (M3); untrained, neighbouring patches of different objects are averaged, and 8 x 8 cells over"
                    + " 12 x 12 patches overlap."),
            Map.entry("vflowopt",
                    "its published `t`, found by optimisation for LLaVA-OneVision's encoder, asks a single patch here; `t=1` gives 75% at 50%"
                    + " (200 questions)."),
            Map.entry("pyramiddrop",
                    "its first stage, a quarter of the depth, is before layer 1 of 6 here, where the last token knows little of the"
                    + " question; `layers=2/3/4` gives 77% (200 questions)."),
            Map.entry("corematching",
                    "at two standard errors: neurons that fire with the last text token say little after one layer of six."),
            Map.entry("classexit",
                    "`keep` is a share of depth: at 11% the picture leaves before the layers that read it, and nothing can be known of it."),
            Map.entry("yopo",
                    "as `classexit`: at small shares no layer that reads the picture is run for it."),
            Map.entry("catp",
                    "likeness to the words weighs most in its first stage, and projected patches are not like words here; with"
                    + " `alignment=0` it gives 77% and 73% at 50 and 11%. With one picture there is no second stage: `keep` is not"
                    + " reached."));

    String text() {
        Score dense = scores.get("dense").getFirst();
        StringBuilder page = new StringBuilder("""
                # What reduction costs in accuracy: every visual method

                Made by `examples/bench accuracy` (`accuracy costs` counts operations again). The demo checkpoint (LLaVA layout, 144 patches per picture, 6 language layers) on its %d public
                questions, greedy, exact match. Dense: %s.

                Each cell: accuracy, in brackets the picture's tokens that leave a language layer (mean over layers) and the operations of tower,
                projector and prompt pass as a share of dense; both counted from what ran (last time on every tenth question).
                `keep` is what a method leaves at its last stage: methods that drop inside the language model or in stages see more tokens before, so compare their operations. `random` is the mean of %d
                seeds; the standard error of one accuracy is about %.1f points. **Bold**: more than two standard errors below random at the same `keep`,
                in front of the language model or before its layer 2, whichever leaves the layers about as many tokens. Every row with a bold cell is
                explained below its table.

                Read before quoting: the checkpoint was tuned while shown only 34 to 72 of its 144 patches in most batches (all object patches and
                random background), so it tolerates losing background better than an ordinary model; its class attention is weak, so methods ranked
                by it look noisy; pictures are dark scenes with upright shapes; yes/no relations and whole captions are weak even dense. Differences
                between methods here say that the code works on a real model, not which method is best on yours.
                """.formatted(questions, percent(dense.accuracy()), scores.get(ReductionAccuracy.RANDOM).size() / BUDGETS, 100 * error(0.7)));
        for (Family family : Family.values()) section(page, family, dense);
        unmerged(page, dense);
        return page.toString();
    }

    private void section(StringBuilder page, Family family, Score dense) {
        List<String> names = Methods.of(family).stream().map(MethodType::name).filter(scores::containsKey).toList();
        if (names.isEmpty()) return;
        page.append("\n## ").append(family.title()).append("\n\n| method | keep 50% | keep 25% | keep 11% |\n|---|---|---|---|\n");
        if (family == Family.LANGUAGE) page.append(row(ReductionAccuracy.RANDOM_INSIDE, dense));
        for (String name : names) page.append(row(name, dense));
        for (String name : names) if (REMARKS.containsKey(name)) page.append("\n`").append(name).append("`: ").append(REMARKS.get(name)).append('\n');
    }

    private void unmerged(StringBuilder page, Score dense) {
        page.append("""

                ## Merged in front, unmerged for attention

                Merging with `vtu` behind it: projections and MLPs of the language model run for the merged tokens, attention and the cache as if
                there were all (Virtual Token Unmerging, DyMU). So a quarter of the tokens costs more here than without, the less the wider the
                model, and the cache stays whole.

                | plan | keep 50% | keep 25% | keep 11% |
                |---|---|---|---|
                """);
        scores.keySet().stream().filter(name -> name.endsWith(ReductionAccuracy.JOINED + ReductionAccuracy.UNMERGING))
                .forEach(name -> page.append(row(name, dense)));
        page.append("""

                Unmerging gives each patch to the one token in which it weighs most. Tokens of `pool` (overlapping cells, where they do not divide
                the grid) and of `prumerge` (each kept token and its neighbours, which several may share) are not groups of that kind.
                """);
    }

    private String row(String name, Score dense) {
        StringBuilder row = new StringBuilder("| `" + name + "` |");
        for (int b = 0; b < BUDGETS; b++) {
            List<Score> cell = cell(name, b);
            double accuracy = mean(cell);
            String text = String.format(Locale.ROOT, "%s (%.0f, %.0f%%)", percent(accuracy), cell.getFirst().visual(),
                    100 * cell.getFirst().flops() / dense.flops());
            double byLot = mean(cell(baseline(cell.getFirst(), b), b));
            boolean worse = accuracy < byLot - 2 * error(byLot);
            row.append(' ').append(worse ? "**" + text + "**" : text).append(" |");
        }
        return row.append('\n').toString();
    }

    /** Drawn by lot in front of the language model or inside it, whichever leaves its layers as many tokens. */
    private String baseline(Score score, int budget) {
        double before = cell(ReductionAccuracy.RANDOM, budget).getFirst().visual();
        double inside = cell(ReductionAccuracy.RANDOM_INSIDE, budget).getFirst().visual();
        return score.visual() < (before + inside) / 2 ? ReductionAccuracy.RANDOM : ReductionAccuracy.RANDOM_INSIDE;
    }

    /** Scores of a method at one budget. */
    private List<Score> cell(String name, int budget) {
        List<Score> all = scores.get(name);
        int each = all.size() / BUDGETS;
        return all.subList(budget * each, (budget + 1) * each);
    }

    private static double mean(List<Score> scores) {
        return scores.stream().mapToDouble(Score::accuracy).average().orElseThrow();
    }

    private double error(double accuracy) {
        return Math.sqrt(accuracy * (1 - accuracy) / questions);
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.1f%%", 100 * share);
    }
}
