package dev.winnow.runtime.tune;

import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.eval.Bootstrap;
import dev.winnow.runtime.eval.Interval;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The questions a search never saw, and how plans compare there.
 *
 * @param judged whether right answers are known and count; else divergence from dense does
 */
record HeldOut(Examiner examiner, int[] questions, boolean judged) {
    /** A plan and what it came to. */
    record Asked(ReductionPlan plan, Marks marks) {}

    /** Some plans in the order given, and which of them did best. */
    record Field(List<Asked> all, Asked best) {}

    Asked ask(ReductionPlan plan) {
        return new Asked(plan, examiner.ask(plan, questions));
    }

    /** Asks plans; the best is null where there are none. */
    Field field(List<ReductionPlan> plans) {
        List<Asked> all = new ArrayList<>();
        Asked best = null;
        for (ReductionPlan plan : plans) {
            all.add(ask(plan));
            if (best == null || better(all.getLast(), best).value() > 0) best = all.getLast();
        }
        return new Field(all, best);
    }

    /** By how much the first is better, paired by question. */
    Interval better(Asked first, Asked second) {
        return Bootstrap.difference(worth(first.marks), worth(second.marks));
    }

    /** What counts of each question, higher is better. */
    private double[] worth(Marks marks) {
        return judged ? answered(marks.right()) : Arrays.stream(marks.divergence()).map(d -> -d).toArray();
    }

    Tuning.Score score(Asked asked) {
        Marks marks = asked.marks;
        Interval value = Bootstrap.mean(judged ? answered(marks.right()) : marks.divergence());
        return new Tuning.Score(asked.plan.toString(), marks.count(), value, marks.meanDivergence(), marks.meanUsage());
    }

    private static double[] answered(double[] right) {
        return Arrays.stream(right).filter(r -> !Double.isNaN(r)).toArray();
    }
}
