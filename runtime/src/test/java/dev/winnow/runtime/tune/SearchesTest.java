package dev.winnow.runtime.tune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The searches on functions whose best place is known. */
class SearchesTest {
    private static final Usage NOTHING = new Usage(0, 0, 0, 0);

    // ---- greedy layer-wise search ----

    @Test
    void greedySearchFindsWhatEachLayerNeeds() {
        double[] needs = {1, 0.75, 0.75, 0.25, 0.0625, 0};
        Optional<KeepCurve> found = GreedyLayerSearch.smallest(6, 1, 0, curve -> OptionalDouble.of(
                IntStream.range(0, 6).allMatch(l -> curve.shares()[l] >= needs[l]) ? 1 : 0));
        assertThat(found).contains(new KeepCurve(needs));
    }

    @Test
    void greedySearchSpendsAllowedLossEvenly() {
        // both layers cost half of what they lack; by the first a quarter may be lost, and what it is cut to the second is too
        Optional<KeepCurve> found = GreedyLayerSearch.smallest(2, 1, 0.5, curve -> OptionalDouble.of(
                1 - 0.5 * (1 - curve.shares()[0]) - 0.5 * (1 - curve.shares()[1])));
        assertThat(found).contains(new KeepCurve(new double[] {0.75, 0.25}));
    }

    @Test
    void greedySearchStopsWhenNothingMoreMayBeAsked() {
        AtomicInteger asked = new AtomicInteger();
        assertThat(GreedyLayerSearch.smallest(6, 1, 0.1, curve -> asked.getAndIncrement() < 3 ? OptionalDouble.of(1) : OptionalDouble.empty()))
                .isEmpty();
        assertThat(asked).hasValue(4);
    }

    // ---- Bayesian optimisation ----

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void bayesianOptimisationFindsTheTop(long seed) {
        BayesianOptimisation optimisation = new BayesianOptimisation(2, seed);
        List<Double> values = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            double[] place = optimisation.next(values.stream().mapToDouble(v -> v).toArray());
            values.add(hill(place));
        }
        assertThat(values.stream().mapToDouble(v -> v).max().orElseThrow()).isGreaterThan(0.99);
    }

    /** 1 at (0.3, 0.8), less around it. */
    private static double hill(double[] p) {
        return Math.exp(-8 * ((p[0] - 0.3) * (p[0] - 0.3) + (p[1] - 0.8) * (p[1] - 0.8)));
    }

    @Test
    void bayesianOptimisationIsTheSameForASeed() {
        List<List<Double>> runs = new ArrayList<>();
        for (int run = 0; run < 2; run++) {
            BayesianOptimisation optimisation = new BayesianOptimisation(2, 5);
            List<Double> values = new ArrayList<>();
            for (int i = 0; i < 12; i++) values.add(hill(optimisation.next(values.stream().mapToDouble(v -> v).toArray())));
            runs.add(values);
        }
        assertThat(runs.get(0)).isEqualTo(runs.get(1));
    }

    // ---- merit and race ----

    /** A plan that answers each question rightly with some probability; drift says the same with little noise, if it says anything. */
    private static Marks plan(double quality, int questions, SplittableRandom random, boolean driftTells) {
        double[] right = new double[questions];
        double[] divergence = new double[questions];
        Usage[] usage = new Usage[questions];
        Arrays.fill(usage, NOTHING);
        for (int q = 0; q < questions; q++) {
            right[q] = random.nextDouble() < quality ? 1 : 0;
            divergence[q] = driftTells ? (1 - quality) * (0.9 + 0.2 * random.nextDouble()) : random.nextDouble();
        }
        return new Marks(right, divergence, usage);
    }

    @Test
    void meritTrustsDriftWhereItExplainsAccuracy() {
        SplittableRandom random = new SplittableRandom(4);
        double[] quality = IntStream.range(0, 30).mapToDouble(i -> 0.5 + 0.01 * i).toArray();
        List<Marks> marks = Arrays.stream(quality).mapToObj(q -> plan(q, 40, random, true)).toList();
        double[] merit = Merit.of(marks);
        double[] accuracy = marks.stream().mapToDouble(Marks::accuracy).toArray();
        assertThat(correlation(merit, quality)).isGreaterThan(0.97).isGreaterThan(correlation(accuracy, quality));
    }

    @Test
    void meritIsAccuracyWhereDriftTellsNothing() {
        SplittableRandom random = new SplittableRandom(4);
        double[] quality = IntStream.range(0, 30).mapToDouble(i -> 0.1 + 0.03 * i).toArray();
        List<Marks> marks = Arrays.stream(quality).mapToObj(q -> plan(q, 200, random, false)).toList();
        assertThat(correlation(Merit.of(marks), marks.stream().mapToDouble(Marks::accuracy).toArray())).isGreaterThan(0.99);
    }

    @Test
    void meritIsLessDriftWhereNoAnswerIsKnown() {
        Marks near = new Marks(new double[] {Double.NaN}, new double[] {0.1}, new Usage[] {NOTHING});
        Marks far = new Marks(new double[] {Double.NaN}, new double[] {0.4}, new Usage[] {NOTHING});
        assertThat(Merit.of(List.of(near, far))).containsExactly(new double[] {Math.expm1(-0.1), Math.expm1(-0.4)}, within(1e-12));
    }

    private static double correlation(double[] a, double[] b) {
        double ma = Arrays.stream(a).average().orElseThrow();
        double mb = Arrays.stream(b).average().orElseThrow();
        double ab = 0;
        double aa = 0;
        double bb = 0;
        for (int i = 0; i < a.length; i++) {
            ab += (a[i] - ma) * (b[i] - mb);
            aa += (a[i] - ma) * (a[i] - ma);
            bb += (b[i] - mb) * (b[i] - mb);
        }
        return ab / Math.sqrt(aa * bb);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void raceLetsTheBestThroughAtAThirdOfTheCost(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int runners = 60;
        int best = random.nextInt(runners);
        Marks[] all = IntStream.range(0, runners).mapToObj(i -> plan(i == best ? 0.85 : 0.4 + 0.3 * random.nextDouble(), 200, random, true))
                .toArray(Marks[]::new);
        int[] asked = new int[runners];
        Iterator<Integer> starters = IntStream.range(0, runners).boxed().iterator();
        Race<Integer> race = new Race<>(new int[] {20, 70, 200}, (i, count) -> {
            asked[i] = count;
            return Optional.of(all[i].first(count));
        });
        race.run(() -> starters.hasNext() ? Optional.of(starters.next()) : Optional.empty(), () -> false);
        assertThat(race.standing().getFirst().who()).isEqualTo(best);
        assertThat(race.standing()).hasSize(runners);
        assertThat(race.standing().getFirst().marks().count()).isEqualTo(200);
        assertThat(Arrays.stream(asked).sum()).isLessThan(runners * 200 / 2);
    }

    @Test
    void raceDropsWhoIsNotAllowedAndEndsWithTime() {
        Race<Integer> race = new Race<>(new int[] {10, 20}, (i, count) ->
                i % 2 == 1 || count == 20 && i == 0 ? Optional.empty() : Optional.of(plan(0.5, count, new SplittableRandom(i), true)));
        int[] next = {0};
        race.run(() -> Optional.of(next[0]++), () -> next[0] >= 9);
        assertThat(race.standing().stream().map(r -> r.who() % 2)).isNotEmpty().containsOnly(0);
        assertThat(next[0]).isEqualTo(9);
    }

    @Test
    void rungsAscendAndEndWithAllQuestions() {
        assertThat(RacingSearch.rungs(200)).containsExactly(25, 75, 200);
        assertThat(RacingSearch.rungs(16)).containsExactly(12, 16);
        assertThat(RacingSearch.rungs(5)).containsExactly(5);
    }

    // ---- schedules ----

    @Test
    void sigmoidFallsFromItsTop() {
        KeepCurve curve = KeepCurve.sigmoid(5, 0.8, 20, 0.5);
        assertThat(curve.shares()[0]).isCloseTo(0.8, within(1e-3));
        assertThat(curve.shares()[2]).isCloseTo(0.4, within(1e-12));
        assertThat(curve.shares()[4]).isLessThan(1e-3);
        assertThat(curve.plan()).hasToString("pyramiddrop:layers=0/1/2/3/4,ratios=0.8000/0.7946/0.4000/0.0054/0.0000");
    }
}
