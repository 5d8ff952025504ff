package dev.winnow.runtime.tune;

import dev.winnow.reduction.ReductionPlan;

/** Asks a model questions under a plan. */
interface Examiner {
    /**
     * Answers and divergences.
     *
     * @param questions by number
     */
    Marks ask(ReductionPlan plan, int[] questions);

    /** What a plan uses in the mean; runs the prompts and looks at no answer. */
    Usage probe(ReductionPlan plan, int[] questions);
}
