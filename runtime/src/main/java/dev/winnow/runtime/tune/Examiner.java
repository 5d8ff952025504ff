package dev.winnow.runtime.tune;

import dev.winnow.reduction.ReductionPlan;

/** Asks a model questions under a plan. */
interface Examiner {
    /**
     * Marks in the order of the questions.
     *
     * @param questions by number
     * @throws RuntimeException when the plan does not suit the model or a question
     */
    Marks ask(ReductionPlan plan, int[] questions);
}
