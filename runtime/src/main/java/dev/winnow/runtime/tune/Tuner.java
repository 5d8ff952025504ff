package dev.winnow.runtime.tune;

import dev.winnow.reduction.ReductionMethod;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.RequestException;
import dev.winnow.runtime.eval.Evaluation;
import dev.winnow.runtime.eval.questions.Picture;
import dev.winnow.runtime.eval.questions.Question;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Finds the plan that keeps the most quality within a budget, and shows on questions that the search never saw what it is worth. The
 * questions are split by picture: a half to tune on, of which a third is kept back for the finalists, and a half held out.
 */
public final class Tuner {
    private static final int FEWEST_QUESTIONS = 24;
    private static final double FRESH = 1.0 / 3;
    /** Single methods asked on the held-out half. */
    private static final int OPPONENTS = 8;

    private final Evaluation evaluation;
    private final TuningBudget budget;
    private final Settings settings;
    private final Consumer<String> progress;
    private final Examiner examiner;
    private final QuestionSplit halves;
    private final QuestionSplit parts;

    /**
     * How to search.
     *
     * @param evaluations plans that may be asked
     * @param seconds     until the plan should be found and shown
     * @param heldOut     share of the questions to hold out, above 0 and below 1
     * @param seed        of the split and of what is drawn
     */
    public record Settings(int evaluations, double seconds, double heldOut, long seed) {}

    /** How plans are looked for. */
    public enum Search {
        /** Compositions of all methods against each other. */
        RACE,
        /** G-Search: shares of tokens layer by layer, each as small as quality allows. */
        GREEDY,
        /** P-Sigmoid: shares of tokens that fall as a sigmoid, by Bayesian optimisation. */
        SIGMOID
    }

    /**
     * @param progress told in words how far it is
     * @throws RequestException when there are too few questions
     */
    public Tuner(Evaluation evaluation, TuningBudget budget, Settings settings, Consumer<String> progress) {
        this.evaluation = evaluation;
        this.budget = budget;
        this.settings = settings;
        this.progress = progress;
        this.examiner = new QuestionExaminer(evaluation, progress);
        List<QuestionSplit.Item> items = evaluation.questions().stream().map(Tuner::item).toList();
        halves = QuestionSplit.of(items, IntStream.range(0, items.size()).toArray(), settings.heldOut(), settings.seed());
        parts = QuestionSplit.of(items, halves.first(), FRESH, settings.seed());
        int fewest = Math.min(halves.second().length, Math.min(parts.first().length, parts.second().length));
        if (items.size() < FEWEST_QUESTIONS || fewest == 0) {
            throw new RequestException("tuning needs at least " + FEWEST_QUESTIONS + " questions about several pictures, but there are "
                    + items.size() + ", of which " + halves.second().length + " can be held out");
        }
    }

    private static QuestionSplit.Item item(Question question) {
        return new QuestionSplit.Item(question.type(), question.pictures().stream().map(Picture::name).toList());
    }

    /** Races compositions of all methods. @throws RequestException when no plan is within the budget */
    public Tuning tune() {
        return tune(Search.RACE);
    }

    /** As {@link #tune()}, by a search to compare with, on the same questions with the same evaluations. */
    public Tuning tune(Search search) {
        int layers = evaluation.model().model().shape().languageLayers();
        if (search != Search.RACE && layers == 0) {
            throw new RequestException("the " + search.name().toLowerCase(Locale.ROOT) + " search is over language layers, and this model"
                    + " has none");
        }
        long began = System.nanoTime();
        Trials trials = trials(began, secondsToShow());
        progress.accept("fitting every method to " + budget);
        List<Recipe> presets = presets(trials);
        progress.accept(presets.size() + " methods can be kept within the budget; the search begins");
        ReductionPlan found = found(switch (search) {
            case RACE -> new RacingSearch(presets, parts.first().length, settings.seed());
            case GREEDY -> new GreedyLayerSearch();
            case SIGMOID -> new SigmoidSearch(settings.seed());
        }, trials);
        return evidence(found, trials, best(presets, trials), began);
    }

    private ReductionPlan found(PlanSearch search, Trials trials) {
        return search.search(trials).orElseThrow(() -> new RequestException("no plan within the budget " + budget + " was found in "
                + trials.evaluations() + " evaluations"));
    }

    private Trials trials(long began, double reserve) {
        int[] tuning = IntStream.concat(Arrays.stream(parts.first()), Arrays.stream(parts.second())).toArray();
        Trials trials = new Trials(examiner, tuning, budget, evaluation.model().model().shape(), settings.evaluations(),
                () -> seconds(began) > settings.seconds() - reserve, progress);
        requireSense(trials);
        return trials;
    }

    /** @throws RequestException when the budget means nothing here or limits nothing */
    private void requireSense(Trials trials) {
        Usage dense = trials.fit().dense();
        double used = budget.measure().of(dense);
        if (used == 0) throw new RequestException("a budget of " + budget + " limits nothing: no question has tokens of a picture");
        if (budget.holds(dense, dense)) {
            throw new RequestException("there is nothing to tune: the dense model uses " + budget.measure().text(used)
                    + ", which is within " + budget);
        }
    }

    /** A guess at what the fresh and held-out questions will take, from what dense answers take once the JVM has warmed up. */
    private double secondsToShow() {
        int[] fresh = parts.second();
        int warmUp = fresh.length / 2;
        examiner.ask(ReductionPlan.NONE, Arrays.copyOf(fresh, warmUp));
        long began = System.nanoTime();
        examiner.ask(ReductionPlan.NONE, Arrays.copyOfRange(fresh, warmUp, fresh.length));
        double each = seconds(began) / (fresh.length - warmUp);
        return Math.min(settings.seconds() / 3, each * (RacingSearch.FINALISTS * fresh.length + (OPPONENTS + 2) * halves.second().length));
    }

    private List<Recipe> presets(Trials trials) {
        List<Recipe> presets = Presets.within(trials.fit());
        if (!presets.isEmpty()) return presets;
        throw new RequestException("no method can be kept within the budget " + budget + "; dense uses "
                + budget.measure().text(budget.measure().of(trials.fit().dense())));
    }

    /** The presets that were asked the most questions, of these the best; only a race asks any. */
    private List<ReductionPlan> best(List<Recipe> presets, Trials trials) {
        List<ReductionPlan> asked = presets.stream().map(r -> r.plan(trials.layers())).filter(trials::knows).toList();
        return trials.ranked(asked).stream().limit(OPPONENTS).toList();
    }

    private Tuning evidence(ReductionPlan found, Trials trials, List<ReductionPlan> opponents, long began) {
        boolean timeIsUp = trials.isTimeUp();
        progress.accept(String.format(Locale.ROOT, "found %s after %d evaluations in %.0f s; asking the held-out questions", found,
                trials.evaluations(), seconds(began)));
        Marks tuning = trials.known(found);
        HeldOut heldOut = new HeldOut(examiner, halves.second(), !Double.isNaN(tuning.accuracy()));
        HeldOut.Asked dense = heldOut.ask(ReductionPlan.NONE);
        HeldOut.Asked held = heldOut.ask(found);
        HeldOut.Field presets = heldOut.field(opponents);
        HeldOut.Asked preset = presets.best();
        return new Tuning(found.methods().stream().map(ReductionMethod::spec).toList(), limit(held, dense, trials.fit()),
                heldOut.judged() ? "accuracy" : "divergence", heldOut.score(new HeldOut.Asked(found, tuning.from(parts.first().length))),
                heldOut.score(new HeldOut.Asked(found, tuning)), heldOut.score(held), heldOut.score(dense),
                preset == null ? null : heldOut.score(preset), presets.all().stream().map(heldOut::score).toList(),
                preset == null ? null : heldOut.better(held, preset), heldOut.better(held, dense),
                new Tuning.Effort(trials.evaluations(), trials.asked(), seconds(began), timeIsUp, settings.seed()));
    }

    /** On the held-out questions; a time on those it is measured on one by one. */
    private Tuning.Limit limit(HeldOut.Asked held, HeldOut.Asked dense, BudgetFit fit) {
        Usage most = budget.repeatable() ? dense.marks().meanUsage() : fit.dense();
        Usage used = budget.repeatable() ? held.marks().meanUsage() : fit.measured(held.plan());
        return new Tuning.Limit(budget.toString(), budget.limit(most), budget.measure().of(used));
    }

    private static double seconds(long began) {
        return (System.nanoTime() - began) / 1e9;
    }
}
