package dev.winnow.runtime.eval;

import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.eval.Evaluation.Answered;
import dev.winnow.runtime.eval.questions.Question;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * An evaluation's results: the dense model first, then the plans in the order asked for.
 *
 * @param questions what was asked
 * @param answers   by question
 */
public record Results(List<Question> questions, List<Answered> answers, List<PlanResult> plans) {
    public Results {
        questions = List.copyOf(questions);
        answers = List.copyOf(answers);
        plans = List.copyOf(plans);
    }

    public static Results of(List<Question> questions, List<ReductionPlan> plans, List<Answered> answers) {
        List<Outcome> dense = answers.stream().map(Answered::dense).toList();
        List<PlanResult> results = new ArrayList<>();
        results.add(PlanResult.of(ReductionPlan.NONE.toString(), questions, dense, dense));
        for (int p = 0; p < plans.size(); p++) {
            int plan = p;
            results.add(PlanResult.of(plans.get(p).toString(), questions, dense, answers.stream().map(a -> a.plans().get(plan)).toList()));
        }
        return new Results(questions, answers, results);
    }

    public PlanResult dense() {
        return plans.getFirst();
    }

    /** All but the dense model. */
    public List<PlanResult> reduced() {
        return plans.subList(1, plans.size());
    }

    /** Outcomes of the plan at a place of {@link #plans}, by question. */
    public List<Outcome> outcomes(int plan) {
        return answers.stream().map(a -> plan == 0 ? a.dense() : a.plans().get(plan - 1)).toList();
    }

    /** Whether answers are known, so that there is an accuracy. */
    public boolean judged() {
        return dense().judged() > 0;
    }

    /**
     * Of the plans whose accuracy these questions cannot tell from the dense one (the interval of the difference holds 0), the one with the
     * fewest operations to the first token. Empty where there is none, or no accuracy.
     */
    public Optional<PlanResult> cheapestWithoutLoss() {
        return reduced().stream().filter(p -> p.difference().contains(0)).min(Comparator.comparingDouble(p -> p.cost().firstTokenFlops()));
    }

    /** The plan that keeps the most: by accuracy where there is one, else by divergence. */
    public Optional<PlanResult> closest() {
        Comparator<PlanResult> order = judged() ? Comparator.comparingDouble(p -> -p.accuracy().value())
                : Comparator.comparingDouble(PlanResult::divergence);
        return reduced().stream().min(order.thenComparingDouble(PlanResult::divergence));
    }
}
