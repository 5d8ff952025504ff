package dev.winnow.runtime.tune;

import dev.winnow.reduction.ReductionPlan;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;

/**
 * G-Search (Zhao et al. 2024, "Accelerating Multimodal Large Language Models by Searching Optimal Vision Token Reduction", arXiv
 * 2412.00556): from the shallowest layer to the deepest, the smallest share of visual tokens that does not lose quality, given what
 * shallower layers were found to need. The paper has no budget. Here the loss that is allowed, spread evenly over the layers, is bisected
 * until what is found fits the budget, and then the schedule is scaled up to it.
 */
final class GreedyLayerSearch implements PlanSearch {
    /** Shares are looked for in sixteenths. */
    private static final int GRID = 16;
    private static final int BISECTIONS = 24;
    private static final double LARGEST_LOSS = 1;

    @Override
    public Optional<ReductionPlan> search(Trials trials) {
        double whole = quality(trials.dense());
        KeepCurve found = null;
        double low = 0;
        double high = LARGEST_LOSS;
        for (int i = 0; i < BISECTIONS && !trials.isOver(); i++) {
            double allowed = (low + high) / 2;
            Optional<KeepCurve> curve = smallest(trials.layers(), whole, allowed, c -> quality(trials, c));
            if (curve.isEmpty()) break;
            if (fits(trials, curve.get())) {
                found = curve.get();
                high = allowed;
            } else {
                low = allowed;
            }
        }
        if (found == null) found = KeepCurve.all(trials.layers());
        KeepCurve shape = found;
        // up to four times the shares found, which is as far as scaling keeps their shape
        return trials.fit().fit(x -> shape.times(4 * x).plan(), 0.25).map(f -> shape.times(4 * f.number()).plan())
                .filter(plan -> trials.ask(plan, trials.questions()).isPresent()).or(trials::best);
    }

    private boolean fits(Trials trials, KeepCurve curve) {
        return trials.ask(curve.plan(), trials.questions()).isPresent();
    }

    private static OptionalDouble quality(Trials trials, KeepCurve curve) {
        if (trials.isOver() && !trials.knows(curve.plan())) return OptionalDouble.empty();
        return OptionalDouble.of(trials.askFreely(curve.plan(), trials.questions()).map(GreedyLayerSearch::quality).orElse(0.0));
    }

    private static double quality(Marks marks) {
        return Double.isNaN(marks.accuracy()) ? 1 - marks.drift() : marks.accuracy();
    }

    /**
     * The schedule whose layers each have the smallest share that keeps enough quality.
     *
     * @param whole   quality with all tokens
     * @param allowed loss at the deepest layer; at others in proportion to their depth
     * @param quality of a schedule; empty when no more may be asked, and then nothing is found
     */
    static Optional<KeepCurve> smallest(int layers, double whole, double allowed, Function<KeepCurve, OptionalDouble> quality) {
        KeepCurve curve = KeepCurve.all(layers);
        for (int layer = 0; layer < layers; layer++) {
            double enough = whole - allowed * (layer + 1) / layers;
            int least = 0;
            // no deeper layer sees more than a shallower one
            int most = (int) Math.round(GRID * curve.shares()[layer]);
            while (least < most) {
                int middle = (least + most) / 2;
                OptionalDouble q = quality.apply(curve.from(layer, (double) middle / GRID));
                if (q.isEmpty()) return Optional.empty();
                if (q.getAsDouble() >= enough) most = middle;
                else least = middle + 1;
            }
            curve = curve.from(layer, (double) most / GRID);
        }
        return Optional.of(curve);
    }
}
