package dev.winnow.runtime.tune;

import dev.winnow.reduction.MethodType;
import dev.winnow.reduction.Methods;
import dev.winnow.reduction.Methods.Family;
import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.ReductionPlan;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Races compositions of methods against each other. The first to start are the presets, single methods with their defaults, and those in
 * front of the language model once more with virtual unmerging; then the best with all visual tokens kept out of some layers, and with a
 * second method inside the language model; from there on small changes to the best so far and crosses between them. Each composition has one number left open, which is turned until it fits the budget. A few
 * that came furthest are asked fresh questions, which had no part in choosing them; these and the others together decide.
 */
final class RacingSearch implements PlanSearch {
    /** Plans that are asked the fresh questions. */
    static final int FINALISTS = 6;
    private static final int PARENTS = 8;
    private static final int SCANNED = 2;
    private static final int FEWEST_ON_RUNG = 12;
    /** Changes tried in a row that lead to nothing new before the search is done. */
    private static final int MOST_IN_VAIN = 200;
    private static final double INNER_SHARE = 0.15;
    /** Of methods in front of the language model. */
    private static final Set<Family> FRONT = EnumSet.of(Family.TOWER, Family.PROJECTOR, Family.VIDEO);

    private final List<Recipe> presets;
    private final int searched;
    private final SplittableRandom random;
    private final Set<String> started = new HashSet<>();
    private final Deque<Recipe> waiting = new ArrayDeque<>();
    private Trials trials;
    private Race<Recipe> race;
    private List<Part> fronts = List.of();
    private int stage;

    /**
     * @param presets  that fit the budget
     * @param searched questions to race on; the others of the trials are the fresh ones
     */
    RacingSearch(List<Recipe> presets, int searched, long seed) {
        this.presets = List.copyOf(presets);
        this.searched = searched;
        this.random = new SplittableRandom(seed);
    }

    @Override
    public Optional<ReductionPlan> search(Trials trials) {
        this.trials = trials;
        race = new Race<>(rungs(searched), (recipe, count) -> trials.ask(plan(recipe), count));
        Variation variation = new Variation(Math.max(1, trials.layers()), random);
        race.run(() -> next(variation), trials::isTimeUp);
        List<ReductionPlan> finalists = race.standing().stream().limit(FINALISTS).map(r -> plan(r.who())).toList();
        for (ReductionPlan plan : finalists) trials.ask(plan, trials.questions());
        return trials.best();
    }

    /** An eighth of the questions, three eighths, and all. */
    static int[] rungs(int questions) {
        int fewest = Math.min(FEWEST_ON_RUNG, questions);
        return IntStream.of(questions / 8, questions * 3 / 8, questions).map(n -> Math.max(n, fewest)).distinct().toArray();
    }

    private ReductionPlan plan(Recipe recipe) {
        return recipe.plan(trials.layers());
    }

    /** The next composition to start, none when the evaluations are used up or nothing new is found. */
    private Optional<Recipe> next(Variation variation) {
        for (int vain = 0; vain < MOST_IN_VAIN && !trials.isOver(); vain++) {
            while (waiting.isEmpty() && stage < 3) fillStage();
            Recipe raw = waiting.isEmpty() ? varied(variation) : waiting.poll();
            Optional<Recipe> fitted = presets.contains(raw) ? Optional.of(raw) : fitted(raw);
            if (fitted.isPresent() && started.add(plan(fitted.get()).toString())) return fitted;
        }
        return Optional.empty();
    }

    /** A recipe's number set; empty when it does not fit, makes no sense, or was fitted before. */
    private Optional<Recipe> fitted(Recipe raw) {
        try {
            if (!started.add("raw " + raw.at(1).specs(trials.layers()))) return Optional.empty();
            return trials.fit().fit(raw);
        } catch (PlanException e) {
            return Optional.empty();
        }
    }

    private void fillStage() {
        switch (stage++) {
            case 0 -> {
                waiting.addAll(presets);
                waiting.addAll(unmerged());
            }
            case 1 -> {
                fronts = fronts();
                race.standing().stream().limit(SCANNED).forEach(r -> waiting.addAll(windows(r.who())));
            }
            default -> {
                List<Race<Recipe>.Runner> best = race.standing();
                if (!best.isEmpty()) waiting.addAll(inner(best.getFirst().who()));
            }
        }
    }

    /** The presets that merge or drop tokens in front of the language model, with virtual unmerging. */
    private List<Recipe> unmerged() {
        if (trials.layers() == 0) return List.of();
        return presets.stream().filter(r -> FRONT.contains(Methods.familyOf(r.front().type()))).map(r -> r.withUnmerged(true)).toList();
    }

    /** What stands in front of the presets that came furthest, the best first. */
    private List<Part> fronts() {
        return race.standing().stream().map(r -> r.who().front()).distinct().toList();
    }

    /** The recipe with visual tokens in some stretch of the layers only, edges at sixths of the depth. */
    private List<Recipe> windows(Recipe recipe) {
        int layers = trials.layers();
        List<Recipe> windows = new ArrayList<>();
        for (int from = 0; from <= 2; from++) {
            for (int to = 3; to <= 6; to++) {
                List<Integer> skipped = Recipe.outside(from * layers / 6, to * layers / 6, layers);
                if (!skipped.isEmpty() && skipped.size() < layers) windows.add(recipe.withSkipped(skipped));
            }
        }
        return windows.stream().distinct().toList();
    }

    /** The recipe with a second method halfway through the layers that visual tokens run, and methods inside alone from early on. */
    private List<Recipe> inner(Recipe recipe) {
        int layers = trials.layers();
        if (layers < 2) return List.of();
        int[] run = IntStream.range(0, layers).filter(l -> !recipe.skipped().contains(l)).toArray();
        int middle = Math.max(1, run[run.length / 2]);
        List<Recipe> recipes = new ArrayList<>();
        int early = Math.max(1, layers / 6);
        for (MethodType type : Variation.innerMethods()) recipes.add(recipe.withInner(List.of(Variation.inner(type, middle, INNER_SHARE))));
        for (MethodType type : Variation.innerMethods()) recipes.add(Recipe.of(Variation.inner(type, early, INNER_SHARE)));
        return recipes;
    }

    /** A change to one of the best so far, now and then two changes. */
    private Recipe varied(Variation variation) {
        List<Race<Recipe>.Runner> best = race.standing();
        if (best.isEmpty()) return Recipe.of(fronts.isEmpty() ? presets.getFirst().front() : fronts.getFirst());
        Recipe varied = parent(best);
        do varied = variation.of(varied, parent(best), fronts.isEmpty() ? List.of(varied.front()) : fronts);
        while (random.nextInt(4) == 0);
        return varied;
    }

    private Recipe parent(List<Race<Recipe>.Runner> best) {
        double u = random.nextDouble();
        return best.get((int) (u * u * Math.min(PARENTS, best.size()))).who();
    }
}
