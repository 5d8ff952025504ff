package dev.winnow.runtime.tune;

import dev.winnow.reduction.ReductionPlan;
import java.util.Optional;

/** Looks for the plan within a budget that keeps the most quality. */
interface PlanSearch {
    /** The plan found once evaluations or time are up; empty when none was within the budget. */
    Optional<ReductionPlan> search(Trials trials);
}
