package dev.winnow.reduction.primitives;

import static dev.winnow.reduction.Features.gaussian;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.winnow.reduction.Grid;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.TokenMap;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class MergingPrimitivesTest {
    @Test
    void registersAndClassTokenComeFirstAndStay() {
        Random random = new Random(1);
        boolean[] guarded = new boolean[14];
        Arrays.fill(guarded, 0, 5, true);
        for (int r : new int[] {1, 3, 100}) {
            TokenMap map = BipartiteMatching.of(BipartiteGraph.alternating(gaussian(random, 14 * 4), 14, 4, guarded), r).merge(null);
            assertThat(map.rows()).isEqualTo(14 - Math.min(r, 4));
            for (int i = 0; i < 5; i++) assertThat(map.sourcesOf(i)).containsExactly(i);
            assertPartition(map);
        }
    }

    @Test
    void oneTokenInEachSquareTakesOthersIn() {
        Set<List<Integer>> draws = new HashSet<>();
        TokenKind[] kinds = new TokenKind[20];
        Arrays.fill(kinds, TokenKind.VISUAL);
        TokenLedger ledger = TokenLedger.of(new int[20], kinds, new int[20], IntStream.range(0, 20).toArray(), List.of(new Grid(4, 5)));
        for (long seed = 0; seed < 20; seed++) {
            int[] into = BipartiteGraph.randomInSquares(gaussian(new Random(3), 20 * 4), 4, new boolean[20], ledger, 2, seed).into();
            assertThat(Arrays.stream(into).map(i -> i / 5 / 2 * 3 + i % 5 / 2)).as("one of each of 2 by 3 squares").hasSize(6)
                    .doesNotHaveDuplicates();
            draws.add(Arrays.stream(into).boxed().toList());
        }
        assertThat(draws).hasSizeGreaterThan(10);
    }

    @Test
    void pairsAboveAThreshold() {
        float[] metric = {1, 0, 1, 0.1f, 0, 1, -1, 0, 1, 1};
        BipartiteGraph graph = BipartiteGraph.alternating(metric, 5, 2, new boolean[5]);
        // tokens 0, 2, 4 look at 1 and 3: cosines 0.995, 0.0995, 0.774
        assertThat(graph.pairing().above(0.99)).isEqualTo(1);
        assertThat(graph.pairing().above(0.5)).isEqualTo(2);
        assertThat(graph.pairing().above(-1)).as("half at most").isEqualTo(2);
        BipartiteMatching one = BipartiteMatching.of(graph, 1);
        assertThat(one.scores()).containsExactly(graph.best(graph.partners())[0]);
        assertThat(one.next()).isCloseTo(0.774f, within(1e-3f));
    }

    /** 5, 6 and 10 of both directions, against lists of groups. */
    @Property(tries = 300)
    void bothWaysIsTwoMatchingsInARow(@ForAll long seed, @ForAll @IntRange(min = 4, max = 25) int n, @ForAll @IntRange(min = 1, max = 12) int r,
                                      @ForAll boolean classToken) {
        Random random = new Random(seed);
        float[] metric = gaussian(random, n * 6);
        float[] weights = new float[n];
        for (int i = 0; i < n; i++) weights[i] = random.nextInt(1, 5);
        boolean[] guarded = new boolean[n];
        guarded[0] = classToken;
        BipartiteGraph graph = BipartiteGraph.alternating(metric, n, 6, guarded);
        TokenMap map = BipartiteMatching.bothWays(graph, r, weights);
        assertPartition(map);
        int pairs = Math.min(r, graph.most());

        List<List<Integer>> a = new ArrayList<>();
        List<List<Integer>> b = new ArrayList<>();
        for (int i = 0; i < n; i++) (i % 2 == 0 ? a : b).add(new ArrayList<>(List.of(i)));
        move(a, b, pairs / 2, graph, false, classToken);
        move(b, a, pairs - pairs / 2, graph, true, classToken);
        Set<Set<Integer>> wanted = new HashSet<>();
        for (List<Integer> group : a) wanted.add(new HashSet<>(group));
        for (List<Integer> group : b) wanted.add(new HashSet<>(group));
        Set<Set<Integer>> groups = new HashSet<>();
        for (int i = 0; i < map.rows(); i++) {
            groups.add(new HashSet<>(Arrays.stream(map.sourcesOf(i)).boxed().toList()));
            float sum = 0;
            for (int s : map.sourcesOf(i)) sum += weights[s];
            for (int e = 0; e < map.sourcesOf(i).length; e++) {
                assertThat(map.weightsOf(i)[e]).isCloseTo(weights[map.sourcesOf(i)[e]] / sum, within(1e-5f));
            }
        }
        assertThat(groups).isEqualTo(wanted);
        if (classToken) assertThat(map.sourcesOf(0)).containsExactly(0);
    }

    /** Moves the best groups of one list into those of another; a group's pairs are those of its first token. */
    private static void move(List<List<Integer>> from, List<List<Integer>> to, int count, BipartiteGraph graph, boolean back, boolean classToken) {
        record Pair(List<Integer> source, List<Integer> destination, float score) {}
        List<Pair> pairs = new ArrayList<>();
        for (List<Integer> source : from) {
            if (classToken && source.getFirst() == 0) continue;
            Pair best = null;
            for (List<Integer> destination : to) {
                if (classToken && destination.getFirst() == 0) continue;
                int even = back ? destination.getFirst() : source.getFirst();
                int odd = back ? source.getFirst() : destination.getFirst();
                float score = graph.scores()[even / 2 * graph.into().length + odd / 2];
                if (best == null || score > best.score) best = new Pair(source, destination, score);
            }
            if (best != null) pairs.add(best);
        }
        pairs.sort(Comparator.comparingDouble(p -> -p.score));
        for (Pair p : pairs.subList(0, Math.min(count, pairs.size()))) {
            p.destination.addAll(p.source);
            from.remove(p.source);
        }
    }

    /** Against the rule step by step: rank, look behind, take the best, give each to the most alike that stays. */
    @Property(tries = 300)
    void completeMatchingMergesTheNearest(@ForAll long seed, @ForAll @IntRange(min = 2, max = 20) int n, @ForAll @IntRange(max = 12) int r) {
        float[] metric = gaussian(new Random(seed), n * 5);
        boolean[] guarded = new boolean[n];
        guarded[0] = true;
        CompleteMatching matching = CompleteMatching.of(metric, n, 5, guarded, r);
        int[][] groups = matching.groups();
        float[] unit = CosineSimilarity.normalised(metric, n, 5);
        float[] cosine = CosineSimilarity.products(unit, n, unit, n, 5);
        List<Integer> free = IntStream.range(1, n).boxed().toList();
        List<Integer> ranked = free.stream().sorted(Comparator.comparingDouble(i -> -most(cosine, n, i, free))).toList();
        List<Integer> sources = IntStream.range(0, ranked.size()).boxed()
                .sorted(Comparator.comparingDouble(p -> -most(cosine, n, ranked.get(p), ranked.subList(p + 1, ranked.size()))))
                .limit(Math.min(r, (n - 1) / 2)).map(ranked::get).toList();
        assertThat(matching.scores()).hasSize(sources.size());
        for (int i = 1; i < sources.size(); i++) assertThat(matching.scores()[i]).isLessThanOrEqualTo(matching.scores()[i - 1]);
        List<Integer> staying = free.stream().filter(i -> !sources.contains(i)).toList();
        assertThat(Arrays.stream(groups).map(g -> g[0])).containsExactlyElementsOf(
                IntStream.range(0, n).filter(i -> !sources.contains(i)).boxed().toList());
        for (int[] group : groups) {
            for (int e = 1; e < group.length; e++) {
                int source = group[e];
                assertThat(cosine[source * n + group[0]]).isEqualTo((float) most(cosine, n, source, staying));
            }
        }
        assertPartition(Groups.average(n, groups, null));
    }

    private static double most(float[] cosine, int n, int i, List<Integer> among) {
        return among.stream().filter(j -> j != i).mapToDouble(j -> cosine[i * n + j]).max().orElse(Double.NEGATIVE_INFINITY);
    }

    /** 40: of planted clusters and isolated points, the isolated have the lowest energy. */
    @Test
    void isolatedTokensHaveTheLowestEnergyAndAreProtected() {
        int width = 16;
        Random random = new Random(4);
        int n = 1 + 3 * 8 + 6;
        float[] metric = new float[n * width];
        for (int i = 1; i < n; i++) {
            int axis = i < 25 ? (i - 1) / 8 : i - 22;
            for (int c = 0; c < width; c++) metric[i * width + c] = (c == axis ? 1 : 0) + (i < 25 ? (float) (0.1 * random.nextGaussian()) : 0);
        }
        for (double margin : new double[] {0.75, 0.4}) {
            EnergySplit split = EnergySplit.of(metric, width, new int[] {0}, n, margin, 1);
            int[] lowest = Arrays.copyOfRange(split.ranked(), 24, 30);
            assertThat(lowest).as("places without the class token").containsExactlyInAnyOrder(24, 25, 26, 27, 28, 29);
            BipartiteGraph graph = split.protecting(12);
            assertThat(graph.front()).hasSize(7).contains(0, 25, 26, 27, 28, 29, 30);
            TokenMap map = BipartiteMatching.of(graph, 12).merge(null);
            assertThat(map.rows()).isEqualTo(n - 12);
            assertPartition(map);
            for (int i = 0; i < map.rows(); i++) {
                assertThat(Arrays.stream(map.sourcesOf(i)).map(s -> s == 0 ? -1 : s < 25 ? (s - 1) / 8 : s).distinct().count()).isEqualTo(1);
            }
        }
        // the margin matters: two opposite clusters of eight, and one token on its own that leans to neither
        float[] opposite = new float[17 * 2];
        for (int i = 0; i < 16; i++) opposite[2 * i] = i < 8 ? 1 : -1;
        opposite[32] = 0.3f;
        opposite[33] = 0.95f;
        assertThat(EnergySplit.of(opposite, 2, new int[0], 17, 0.75, 1).ranked()[16]).isEqualTo(16);
        assertThat(EnergySplit.of(opposite, 2, new int[0], 17, -1, 1).ranked()[0]).as("where all count as alike").isEqualTo(16);
    }

    @Test
    void equalStepsToABudget() {
        assertThat(MergeSchedule.descent(16, 8, 4)).containsExactly(14, 12, 10, 8);
        assertThat(MergeSchedule.descent(100, 10, 3)).as("no more than half in the last steps").containsExactly(40, 20, 10);
        assertThat(MergeSchedule.descent(16, 0, 4)).containsExactly(8, 4, 2, 1);
        assertThat(MergeSchedule.descent(16, 16, 2)).containsExactly(16, 16);
    }

    private static void assertPartition(TokenMap map) {
        int[] all = IntStream.range(0, map.rows()).flatMap(i -> Arrays.stream(map.sourcesOf(i))).sorted().toArray();
        assertThat(all).containsExactly(IntStream.range(0, map.sources()).toArray());
    }
}
