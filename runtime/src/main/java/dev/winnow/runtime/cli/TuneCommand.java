package dev.winnow.runtime.cli;

import dev.winnow.runtime.RequestException;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.eval.Evaluation;
import dev.winnow.runtime.eval.Interval;
import dev.winnow.runtime.tune.SavedReduction;
import dev.winnow.runtime.tune.Tuner;
import dev.winnow.runtime.tune.Tuner.Search;
import dev.winnow.runtime.tune.Tuning;
import dev.winnow.runtime.tune.TuningBudget;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The plan that keeps the most quality within a budget, with the evidence for it. */
@Command(name = "tune", description = "Searches the reduction plan that keeps the most quality within a budget, shows what it is worth on"
        + " questions held out, and saves it for --reduce auto.")
final class TuneCommand implements Callable<Integer> {
    @Mixin
    private Common common;
    @Mixin
    private ModelOption model;
    @Mixin
    private AskedOptions asked;

    @Option(names = "--budget", paramLabel = "B", required = true,
            description = "25%% or tokens=36: visual tokens that run a language layer, mean over the layers, as a share of dense or a count;"
                    + " flops=50%%: operations to the first token; cache=2MB: keys and values after the prompt; ttft=120ms: time to the"
                    + " first token of a request that has all threads, which makes the result depend on the machine")
    private String budget;
    @Option(names = "--evaluations", paramLabel = "N", defaultValue = "200",
            description = "most plans to ask, on however many questions; default ${DEFAULT-VALUE}")
    private int evaluations;
    @Option(names = "--seconds", paramLabel = "S", defaultValue = "1800",
            description = "about how long it may take; where time ends it, another run may find another plan; default ${DEFAULT-VALUE}")
    private double seconds;
    @Option(names = "--held-out", paramLabel = "SHARE", defaultValue = "0.5",
            description = "share of the questions that the search never sees; default ${DEFAULT-VALUE}")
    private double heldOut;
    @Option(names = "--seed", paramLabel = "N", defaultValue = "0",
            description = "the same seed finds the same plan; default ${DEFAULT-VALUE}")
    private long seed;
    @Option(names = "--search", paramLabel = "NAME", defaultValue = "race",
            description = "race: compositions of all methods; to compare with, greedy: layer by layer (G-Search), or sigmoid: a curve fitted by"
                    + " Bayesian optimisation (P-Sigmoid); default ${DEFAULT-VALUE}")
    private String search;
    @Option(names = "--out", paramLabel = "FILE",
            description = "where to save the plan; default: " + SavedReduction.FILE + " beside the model")
    private Path out;

    @Override
    public Integer call() {
        common.check();
        TuningBudget limits = limits();
        check();
        Path file = out != null ? out : model.directory().resolve(SavedReduction.FILE);
        try (Winnow winnow = model.open(common.backend())) {
            requireWritable(file);
            Evaluation evaluation = asked.evaluation(winnow, asked.of(asked.read()));
            if (!limits.repeatable()) say("a budget of time depends on the machine and the moment: another run may find another plan");
            Tuning tuning = new Tuner(evaluation, limits, new Tuner.Settings(evaluations, seconds, heldOut, seed), this::say).tune(search());
            SavedReduction.write(file, tuning, model.directory());
            if (common.json()) common.printJson(tuning);
            else report(tuning, file);
        }
        return 0;
    }

    private TuningBudget limits() {
        try {
            return TuningBudget.parse(budget);
        } catch (RequestException e) {
            throw new UsageException(e.getMessage());
        }
    }

    private void check() {
        if (evaluations < 1) throw new UsageException("--evaluations should be at least 1 but is " + evaluations);
        if (!(seconds > 0)) throw new UsageException("--seconds should be more than 0 but is " + seconds);
        if (!(heldOut > 0 && heldOut < 1)) throw new UsageException("--held-out should be between 0 and 1 but is " + heldOut);
        asked.check();
        search();
    }

    private Search search() {
        return Stream.of(Search.values()).filter(s -> s.name().toLowerCase(Locale.ROOT).equals(search)).findFirst()
                .orElseThrow(() -> new UsageException("--search should be race, greedy or sigmoid but is '" + search + "'"));
    }

    private void requireWritable(Path file) {
        if (out == null && !Files.isWritable(model.directory())) {
            throw new RequestException(model.directory() + " is read-only, so the plan cannot be saved beside the model; name a file with"
                    + " --out");
        }
        OutputFile.require("--out", file, List.of(asked.file()));
    }

    private void say(String line) {
        common.err().println("tune: " + line);
        common.err().flush();
    }

    private void report(Tuning t, Path file) {
        common.out().println("plan    " + String.join(" + ", t.plan()));
        common.out().println("budget  " + t.budget().text() + ": at most " + number(t.budget().limit()) + ", uses "
                + number(t.budget().used()));
        common.out().println();
        List<List<String>> table = new ArrayList<>();
        table.add(List.of("", t.measure(), "95%", "questions", "divergence", "visual tokens", "FLOP"));
        table.add(row("tuned, predicted", t.predicted(), t));
        table.add(row("tuned, held out", t.heldOut(), t));
        if (t.preset() != null) table.add(row(t.preset().plan(), t.preset(), t));
        table.add(row("dense", t.dense(), t));
        common.out().print(Tables.columns(table));
        common.out().println();
        if (t.preset() != null) {
            common.out().println("better than " + t.preset().plan() + ", the best single method, by " + difference(t.overPreset(), t)
                    + (t.beatsPreset() ? "" : ": these questions cannot tell them apart"));
        }
        common.out().println("against dense " + difference(t.overDense(), t));
        common.out().println("the prediction " + (t.predictionHolds() ? "holds" : "does not hold") + " on the held-out questions");
        common.out().println(t.effort().evaluations() + " plans, " + t.effort().asked() + " questions asked, "
                + Tables.seconds(t.effort().seconds()) + (t.effort().timeIsUp() ? "; the time was up" : ""));
        common.out().println("saved to " + file + "; --reduce auto takes it");
        common.out().flush();
    }

    private static List<String> row(String name, Tuning.Score s, Tuning t) {
        return List.of(name, value(s.value().value(), t), value(s.value().low(), t) + " to " + value(s.value().high(), t), s.questions() + "",
                number(s.divergence()), number(s.usage().visualTokens()), Tables.quantity(s.usage().flops(), ""));
    }

    private static String value(double v, Tuning t) {
        return isAccuracy(t) ? String.format(Locale.ROOT, "%.1f%%", 100 * v) : number(v);
    }

    private static boolean isAccuracy(Tuning t) {
        return t.measure().equals("accuracy");
    }

    private static String difference(Interval d, Tuning t) {
        String form = isAccuracy(t) ? "%+.1f points (%+.1f to %+.1f)" : "%+.4f nats (%+.4f to %+.4f)";
        double unit = isAccuracy(t) ? 100 : 1;
        return String.format(Locale.ROOT, form, unit * d.value(), unit * d.low(), unit * d.high());
    }

    private static String number(double x) {
        return Math.abs(x) < 1 ? String.format(Locale.ROOT, "%.4f", x) : x < 1e5 ? String.format(Locale.ROOT, "%.1f", x)
                : Tables.quantity(x, "").strip();
    }
}
