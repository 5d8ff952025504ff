package dev.winnow.runtime.cli;

import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.Site;
import dev.winnow.reduction.Stage;
import dev.winnow.runtime.Explanation;
import dev.winnow.runtime.Stats;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.explain.ExplanationPage;
import dev.winnow.runtime.explain.ExplanationPicture;
import dev.winnow.runtime.images.RgbImage;
import dev.winnow.runtime.images.Video;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;
import picocli.CommandLine.Option;

/** The picture or the page of what was kept. */
final class ExplainOption {
    /**
     * A run that may be explained.
     *
     * @param answer what the model said
     */
    record Run(String answer, Stats stats, Explanation explanation) {}

    @Option(names = "--explain", paramLabel = "FILE",
            description = "show what each reduction kept and merged: on a page to look through (.html), or as a picture (.png)")
    private Path file;
    @Option(names = "--explain-budgets", paramLabel = "LIST", split = ",",
            description = "budgets that the page shows the answers of, such as 50%%,25%%,64, each run on its own; 'none' for none; default:"
                    + " 100%%,75%%,50%%,25%%,11%% of the last method on tokens with the option keep")
    private List<String> budgets;

    private BudgetSweep sweep;

    /** Finds out before the model is there whether there will be something to see and a place to put it. */
    void check(List<Path> images, ReductionPlan plan) {
        if (!isPage() && budgets != null) throw new UsageException("--explain-budgets needs --explain with a file name that ends in .html");
        if (file == null) return;
        String name = file.toString().toLowerCase(Locale.ROOT);
        if (!isPage() && !name.endsWith(".png")) {
            throw new UsageException("--explain should name a picture (.png) or a page (.html), but is '" + file + "'");
        }
        if (images.isEmpty() && !isPage()) throw new UsageException("--explain draws on pictures, but there is no --image");
        if (images.isEmpty() && plan.isEmpty()) {
            throw new UsageException("--explain has nothing to show: there is no --image, and no --reduce that acts on the prompt");
        }
        OutputFile.require("--explain", file, images);
        if (!isPage()) return;
        sweep = isAlone() ? new BudgetSweep("", Map.of()) : budgets == null ? BudgetSweep.usual(plan) : BudgetSweep.of(plan, budgets);
    }

    boolean isGiven() {
        return file != null;
    }

    private boolean isAlone() {
        return budgets != null && budgets.equals(List.of("none"));
    }

    /** Finds out before the model runs whether the plan and its other budgets have something to show. */
    void check(List<Path> images, ReductionPlan plan, ModelShape shape) {
        if (!isPage()) return;
        if (images.isEmpty() && !actsOnPrompt(plan.schedule(shape), shape)) {
            throw new UsageException("--explain has nothing to show: there is no --image, and nothing in the plan " + plan
                    + " acts on the prompt or its cache");
        }
        for (ReductionPlan other : sweep.plans().values()) other.schedule(shape);
    }

    /** Finds out before the model runs whether it sees the pictures as they can be drawn. */
    void check(List<RgbImage> pictures, Winnow winnow) {
        if (file == null || isPage() || pictures.stream().allMatch(p -> winnow.pieces(p) == 1)) return;
        throw new UsageException("--explain " + file + " draws pictures that the model sees in one piece; this model cuts them, so ask for"
                + " a page (.html)");
    }

    private static boolean actsOnPrompt(Schedule schedule, ModelShape shape) {
        return IntStream.range(0, shape.languageLayers()).anyMatch(l -> {
            for (Site.Moment m : Site.Moment.values()) if (!schedule.at(Stage.LANGUAGE, m, l).isEmpty()) return true;
            return false;
        });
    }

    private boolean isPage() {
        return file != null && file.toString().toLowerCase(Locale.ROOT).endsWith(".html");
    }

    /** One picture is all that a run of a classifier is about. */
    void requireOnePicture(List<Path> images) {
        if (isPage() && images.size() > 1) {
            throw new UsageException("--explain shows the run of one picture on its page, but there are " + images.size());
        }
    }

    /**
     * Draws the picture, or writes the page.
     *
     * @param question   what was asked; may be empty
     * @param names      of the pictures
     * @param videos     each moment of which is shown by its first frame
     * @param underPlan  runs the same request under another plan
     */
    void write(Run run, ReductionPlan plan, String question, List<Path> names, List<RgbImage> pictures, List<Video> videos, Winnow winnow,
               Function<ReductionPlan, Run> underPlan, PrintWriter err) {
        if (file == null) return;
        List<RgbImage> drawn = new ArrayList<>(pictures);
        for (Video video : videos) drawn.addAll(winnow.moments(video));
        if (isPage()) {
            List<String> words = winnow.words(run.explanation().prompt().ids());
            List<String> shown = new ArrayList<>(names.stream().map(n -> n.getFileName().toString()).toList());
            while (shown.size() < drawn.size()) shown.add("moment " + (shown.size() - names.size() + 1));
            var subject = new ExplanationPage.Subject(question, shown, words, runs(run, plan, underPlan, err), sweep.method());
            ExplanationPage.write(file, run.explanation(), drawn, subject);
        } else {
            String caption = (question.isEmpty() ? "" : "“" + question + "” → ") + run.answer() + "   [" + plan + "]";
            ExplanationPicture.write(file, run.explanation(), drawn, drawn.stream().map(winnow::seen).toList(), caption);
        }
        err.println("wrote " + file);
    }

    private List<ExplanationPage.Run> runs(Run own, ReductionPlan plan, Function<ReductionPlan, Run> underPlan, PrintWriter err) {
        if (plan.isEmpty() || isAlone()) return List.of(row(plan.isEmpty() ? "dense" : "this plan", plan, own, null));
        err.println("--explain: " + (sweep.plans().size() + 1) + " more runs, " + (sweep.plans().isEmpty() ? "dense"
                : "dense and with " + sweep.method() + ":keep=" + String.join(", ", sweep.plans().keySet())));
        Run dense = underPlan.apply(ReductionPlan.NONE);
        List<ExplanationPage.Run> rows = new ArrayList<>();
        rows.add(row("this plan", plan, own, dense));
        rows.add(row("dense", ReductionPlan.NONE, dense, dense));
        sweep.plans().forEach((budget, other) -> rows.add(row("keep " + budget, other, underPlan.apply(other), dense)));
        return rows;
    }

    private static ExplanationPage.Run row(String name, ReductionPlan plan, Run run, Run dense) {
        return new ExplanationPage.Run(name, plan.toString(), run.answer(), run.explanation().pictureTokens(), run.stats().flops(),
                run.stats().cacheBytes(), dense == null ? null : dense.answer());
    }
}
