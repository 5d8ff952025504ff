package dev.winnow.runtime.tune;

import dev.winnow.runtime.eval.Interval;
import java.util.List;

/**
 * The plan that was found, and the evidence for it.
 *
 * @param plan        its specs, which act together
 * @param budget      as given, what it comes to, and what the plan uses: on the held-out questions, or for a time on the questions it was
 *                    measured on
 * @param measure     what the scores are: "accuracy", higher is better; or, where no answers are known, "divergence" from the dense
 *                    model in nats, lower is better
 * @param predicted   on the questions of the tuning half that had no part in the race
 * @param tuning      on the whole tuning half, which chose the plan: flattering
 * @param heldOut     on the half that the search never saw
 * @param dense       the dense model there
 * @param preset      the best single method at the budget with its defaults, there: of those that did best on the tuning half
 *                    the one that does best on the held-out half. Null where the search asked none, and then so is overPreset
 * @param presets     those asked on the held-out half, in their order on the tuning half
 * @param overPreset  what the plan is better by than the preset on the held-out half, paired by question; above 0 is better
 * @param overDense   likewise than the dense model
 * @param effort      what it took
 */
public record Tuning(List<String> plan, Limit budget, String measure, Score predicted, Score tuning, Score heldOut, Score dense,
                     Score preset, List<Score> presets, Interval overPreset, Interval overDense, Effort effort) {
    public Tuning {
        plan = List.copyOf(plan);
        presets = List.copyOf(presets);
    }

    /** A budget and what is used of it, in the same unit. */
    public record Limit(String text, double limit, double used) {}

    /**
     * One plan on some questions.
     *
     * @param value      accuracy or divergence with its 95% bootstrap interval
     * @param divergence mean, nats
     * @param usage      mean
     */
    public record Score(String plan, int questions, Interval value, double divergence, Usage usage) {}

    /**
     * @param evaluations plans asked
     * @param asked       questions put under them by the search
     * @param timeIsUp    whether it ended because of the time and not the evaluations
     */
    public record Effort(int evaluations, long asked, double seconds, boolean timeIsUp, long seed) {}

    /** Whether the quality on the held-out half lies in the interval that was predicted. */
    public boolean predictionHolds() {
        return predicted.value().contains(heldOut.value().value());
    }

    /** Whether the interval of the difference to the preset excludes that it is no better. */
    public boolean beatsPreset() {
        return overPreset != null && overPreset.low() > 0;
    }
}
