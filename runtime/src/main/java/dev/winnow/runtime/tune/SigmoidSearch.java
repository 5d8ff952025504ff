package dev.winnow.runtime.tune;

import dev.winnow.reduction.ReductionPlan;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * P-Sigmoid (Zhao et al. 2024, arXiv 2412.00556): the share of visual tokens falls over the layers as a sigmoid, whose parameters are
 * found by Bayesian optimisation. Here steepness and top are searched, and the centre is where the budget puts it. What is optimised is
 * the same merit as in the other searches, of all curves tried so far.
 *
 * @param seed of what is drawn
 */
record SigmoidSearch(long seed) implements PlanSearch {
    private static final double LEAST_STEEPNESS = 1;
    private static final double MOST_STEEPNESS = 60;
    private static final double LEAST_TOP = 0.1;
    /** So far from its centre, in units of its width, a sigmoid is flat. */
    private static final double FLAT = 8;
    /** Curves that round to a schedule asked before cost nothing; so many in a row say that there are no others. */
    private static final int MOST_REPEATED = 20;

    @Override
    public Optional<ReductionPlan> search(Trials trials) {
        BayesianOptimisation optimisation = new BayesianOptimisation(2, seed);
        List<Optional<Marks>> tried = new ArrayList<>();
        int repeated = 0;
        while (!trials.isOver() && repeated < MOST_REPEATED) {
            int before = trials.evaluations();
            double[] place = optimisation.next(values(tried));
            tried.add(plan(trials, place).flatMap(p -> trials.ask(p, trials.questions())));
            repeated = trials.evaluations() == before ? repeated + 1 : 0;
        }
        return trials.best();
    }

    /** Merit of what was tried; what did not fit the budget is as bad as the worst. */
    private static double[] values(List<Optional<Marks>> tried) {
        double[] merit = Merit.of(tried.stream().flatMap(Optional::stream).toList());
        double worst = Arrays.stream(merit).min().orElse(0);
        double[] values = new double[tried.size()];
        int next = 0;
        for (int i = 0; i < values.length; i++) values[i] = tried.get(i).isPresent() ? merit[next++] : worst;
        return values;
    }

    private static Optional<ReductionPlan> plan(Trials trials, double[] place) {
        double steepness = LEAST_STEEPNESS * Math.pow(MOST_STEEPNESS / LEAST_STEEPNESS, place[0]);
        double top = LEAST_TOP + (1 - LEAST_TOP) * place[1];
        int layers = trials.layers();
        double reach = FLAT / steepness;
        return trials.fit().fit(x -> KeepCurve.sigmoid(layers, top, steepness, x * (1 + 2 * reach) - reach).plan(), 0.5)
                .map(f -> KeepCurve.sigmoid(layers, top, steepness, f.number() * (1 + 2 * reach) - reach).plan());
    }
}
