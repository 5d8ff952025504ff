package dev.winnow.runtime.tune;

import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.RequestException;
import dev.winnow.runtime.eval.Evaluation;
import dev.winnow.runtime.eval.Outcome;
import java.util.List;
import java.util.function.Consumer;

/**
 * Asks by an evaluation, which keeps dense answers and pictures.
 *
 * @param progress told of plans that fail for a reason that is none of the plan's
 */
record QuestionExaminer(Evaluation evaluation, Consumer<String> progress) implements Examiner {
    @Override
    public Marks ask(ReductionPlan plan, int[] questions) {
        List<Outcome> outcomes = outcomes(plan, questions);
        return new Marks(outcomes.stream().mapToDouble(Outcome::score).toArray(),
                outcomes.stream().mapToDouble(Outcome::divergence).toArray(), outcomes.stream().map(Usage::of).toArray(Usage[]::new));
    }

    /** An odd composition that meets a mistake in some method must not end a search of half an hour. */
    private List<Outcome> outcomes(ReductionPlan plan, int[] questions) {
        try {
            return evaluation.under(plan, questions);
        } catch (PlanException | RequestException e) {
            throw e;
        } catch (RuntimeException e) {
            if (plan.isEmpty()) throw e;
            progress.accept(plan + " fails, which is a bug in Winnow: " + e);
            throw new RequestException(plan + " fails: " + e.getMessage());
        }
    }
}
