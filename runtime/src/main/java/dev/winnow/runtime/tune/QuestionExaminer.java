package dev.winnow.runtime.tune;

import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.eval.Evaluation;
import dev.winnow.runtime.eval.Outcome;
import java.util.List;

/** Asks by an evaluation, which keeps dense answers and pictures. */
record QuestionExaminer(Evaluation evaluation) implements Examiner {
    @Override
    public Marks ask(ReductionPlan plan, int[] questions) {
        List<Outcome> outcomes = evaluation.under(plan, questions);
        return new Marks(outcomes.stream().mapToDouble(Outcome::score).toArray(),
                outcomes.stream().mapToDouble(Outcome::divergence).toArray(), outcomes.stream().map(Usage::of).toArray(Usage[]::new));
    }
}
