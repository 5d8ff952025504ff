package dev.winnow.runtime.tune;

import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.RequestException;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.DoubleFunction;

/**
 * Turns the open number of a family of plans up as far as the budget allows. What a plan uses is measured, on a few prompts: options of
 * different methods mean different things, and methods that drop in stages or by a threshold use more than their {@code keep} says.
 */
final class BudgetFit {
    private static final int MOST_PROBES = 8;
    /** Near enough to the limit from below. */
    private static final double NEAR = 0.985;
    private static final double FINEST = 0.002;
    /** A token or a few: less may be nothing, which some methods refuse. */
    private static final double LEAST = 0.01;

    private final Examiner examiner;
    private final int[] prompts;
    private final TuningBudget budget;
    private final Usage dense;
    private final ModelShape shape;

    /** @param prompts questions to measure on */
    BudgetFit(Examiner examiner, int[] prompts, TuningBudget budget, ModelShape shape) {
        this.examiner = examiner;
        this.prompts = prompts.clone();
        this.budget = budget;
        this.shape = shape;
        this.dense = measured(ReductionPlan.NONE);
    }

    /** A number, and what the plan of that number uses. */
    record Fitted(double number, Usage usage) {}

    /** What the dense model uses on the prompts. */
    Usage dense() {
        return dense;
    }

    /** The budget as a share of what the dense model uses. */
    double share() {
        return Math.min(1, budget.limit(dense) / budget.measure().of(dense));
    }

    /** The recipe's number, as large as fits; empty when none does or the recipe does not suit the model. */
    Optional<Recipe> fit(Recipe recipe) {
        return fit(keep -> recipe.at(keep).plan(shape.languageLayers()), share()).map(f -> recipe.at(f.number()));
    }

    /**
     * The largest number whose plan fits, up to 1; more of it should use more.
     *
     * @param guess where to begin, 0 to 1
     */
    Optional<Fitted> fit(DoubleFunction<ReductionPlan> family, double guess) {
        double limit = budget.limit(dense);
        Fitted best = null;
        double low = 0;
        double lowUse = Double.NaN;
        double high = 1;
        double highUse = budget.measure().of(dense);
        double number = guess;
        for (int probe = 0; probe < MOST_PROBES; probe++) {
            Usage usage = usage(family, number);
            if (usage == null) return Optional.ofNullable(best);
            double use = budget.measure().of(usage);
            if (budget.holds(usage, dense)) {
                best = new Fitted(number, usage);
                if (use >= NEAR * limit || number == 1) return Optional.of(best);
                low = number;
                lowUse = use;
            } else {
                // the least there is uses too much
                if (number <= LEAST) return Optional.empty();
                high = number;
                highUse = use;
            }
            if (high - low < FINEST) break;
            number = between(low, lowUse, high, highUse, limit);
        }
        return Optional.ofNullable(best);
    }

    /** Where a straight line would meet the limit, not quite at either end. */
    private static double between(double low, double lowUse, double high, double highUse, double limit) {
        // nothing known below: look whether the least fits
        if (Double.isNaN(lowUse)) return Math.min(LEAST, high / 2);
        double share = highUse <= lowUse ? 0.5 : (limit - lowUse) / (highUse - lowUse);
        return low + (high - low) * Math.clamp(share, 0.05, 0.95);
    }

    /** What a plan uses on the prompts. Where time counts they run one after the other, as a user's would. */
    Usage measured(ReductionPlan plan) {
        if (budget.measure() != TuningBudget.Measure.TTFT) return examiner.ask(plan, prompts).meanUsage();
        return Usage.mean(Arrays.stream(prompts).mapToObj(q -> examiner.ask(plan, new int[] {q}).meanUsage()).toList());
    }

    private Usage usage(DoubleFunction<ReductionPlan> family, double number) {
        try {
            ReductionPlan plan = family.apply(number);
            plan.schedule(shape);
            return measured(plan);
        } catch (PlanException | RequestException e) {
            // this composition does not suit the model
            return null;
        }
    }
}
