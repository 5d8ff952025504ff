package dev.winnow.runtime.tune;

import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.RequestException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * The questions a search may ask, and how often. Every plan that is asked anything counts as one evaluation, however few questions it is
 * asked and however many more later; what it said is kept.
 */
final class Trials {
    private static final int PROMPTS = 3;
    private static final int TOLD_EVERY = 20;

    private final Examiner examiner;
    private final int[] questions;
    private final TuningBudget budget;
    private final ModelShape shape;
    private final int evaluations;
    private final BooleanSupplier timeIsUp;
    private final Consumer<String> progress;
    private final Marks dense;
    private final BudgetFit fit;
    private final Map<String, Marks> known = new LinkedHashMap<>();
    private long asked;

    /**
     * @param questions   in an order whose prefixes are mixed; the dense model is asked all
     * @param evaluations plans that may be asked
     * @param progress    told how far it is
     */
    Trials(Examiner examiner, int[] questions, TuningBudget budget, ModelShape shape, int evaluations, BooleanSupplier timeIsUp,
           Consumer<String> progress) {
        this.examiner = examiner;
        this.questions = questions.clone();
        this.budget = budget;
        this.shape = shape;
        this.evaluations = evaluations;
        this.timeIsUp = timeIsUp;
        this.progress = progress;
        this.dense = examiner.ask(ReductionPlan.NONE, questions);
        this.fit = new BudgetFit(examiner, Arrays.copyOf(questions, Math.min(PROMPTS, questions.length)), budget, shape);
    }

    /** Layers of the language model. */
    int layers() {
        return shape.languageLayers();
    }

    int questions() {
        return questions.length;
    }

    BudgetFit fit() {
        return fit;
    }

    /** The dense model on all questions. */
    Marks dense() {
        return dense;
    }

    /** Whether no further plan may be asked. */
    boolean isOver() {
        return known.size() >= evaluations || timeIsUp.getAsBoolean();
    }

    boolean isTimeUp() {
        return timeIsUp.getAsBoolean();
    }

    /** Plans asked so far. */
    int evaluations() {
        return known.size();
    }

    /** Questions asked so far under all plans, those that measured what a plan uses not counted. */
    long asked() {
        return asked;
    }

    boolean knows(ReductionPlan plan) {
        return known.containsKey(plan.toString());
    }

    /**
     * Marks of a plan on the first questions; empty when it does not suit the model, or uses more than the budget there.
     *
     * @param count questions from the first on, those asked before included
     */
    Optional<Marks> ask(ReductionPlan plan, int count) {
        return askFreely(plan, count).filter(this::isWithinBudget);
    }

    /** As {@link #ask}, of plans that may use more than the budget. */
    Optional<Marks> askFreely(ReductionPlan plan, int count) {
        Marks before = known.get(plan.toString());
        int from = before == null ? 0 : before.count();
        if (from >= count) return Optional.of(before.first(count));
        if (before == null && known.size() % TOLD_EVERY == TOLD_EVERY - 1) {
            progress.accept((known.size() + 1) + " of " + evaluations + " plans, " + asked + " questions asked");
        }
        try {
            Marks more = examiner.ask(plan, Arrays.copyOfRange(questions, from, count));
            asked += count - from;
            Marks all = before == null ? more : before.and(more);
            known.put(plan.toString(), all);
            return Optional.of(all);
        } catch (PlanException | RequestException e) {
            progress.accept(plan + " does not suit the model: " + e.getMessage());
            known.putIfAbsent(plan.toString(), new Marks(new double[0], new double[0], new Usage[0]));
            return Optional.empty();
        }
    }

    private boolean isWithinBudget(Marks marks) {
        // while many questions are asked at once, times are not those of one request: the fit has measured them
        return !budget.repeatable() || budget.holds(marks.meanUsage(), dense.first(marks.count()).meanUsage());
    }

    /** What a plan came to on all questions it was asked. */
    Marks known(ReductionPlan plan) {
        return known.get(plan.toString());
    }

    /** Plans by how many questions they were asked, the most first, and among these by merit. */
    List<ReductionPlan> ranked(List<ReductionPlan> plans) {
        List<ReductionPlan> ranked = new ArrayList<>();
        plans.stream().map(p -> known(p).count()).distinct().sorted(Comparator.reverseOrder()).forEach(count -> {
            List<ReductionPlan> alike = plans.stream().filter(p -> known(p).count() == count).toList();
            double[] merit = Merit.of(alike.stream().map(this::known).toList());
            IntStream.range(0, merit.length).boxed().sorted(Comparator.comparingDouble(i -> -merit[i])).map(alike::get)
                    .forEach(ranked::add);
        });
        return ranked;
    }

    /** Of plans that were asked all questions and are within the budget, the best; of equals the first. */
    Optional<ReductionPlan> best() {
        List<Map.Entry<String, Marks>> whole = known.entrySet().stream().filter(e -> e.getValue().count() == questions.length)
                .filter(e -> isWithinBudget(e.getValue())).toList();
        double[] merit = Merit.of(whole.stream().map(Map.Entry::getValue).toList());
        int best = 0;
        for (int i = 1; i < merit.length; i++) if (merit[i] > merit[best]) best = i;
        return whole.isEmpty() ? Optional.empty() : Optional.of(ReductionPlan.parse(List.of(whole.get(best).getKey().split(" \\+ "))));
    }
}
