package dev.winnow.tornado.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.winnow.layers.Activation;
import dev.winnow.reduction.TokenMap;
import dev.winnow.reduction.primitives.BipartiteGraph;
import dev.winnow.reduction.primitives.BipartiteMatching;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class BipartiteMergeTest {
    private static final int WIDTH = 24;

    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void mergesAsTheProcessor(Machine machine) {
        check(machine, 33, 7, true, false);
        check(machine, 34, 16, false, false);
        check(machine, 290, 60, true, false);
        check(machine, 5, 1, false, false);
        check(machine, 2, 1, false, false);
        check(machine, 20, 6, true, true);
    }

    /** @param equal whether all tokens are alike */
    private static void check(Machine machine, int n, int r, boolean classToken, boolean equal) {
        Random random = new Random(n);
        float[] keys = Operands.random(random, n * WIDTH);
        if (equal) for (int i = 0; i < keys.length; i++) keys[i] = keys[i % WIDTH];
        float[] sizes = new float[n];
        for (int i = 0; i < n; i++) sizes[i] = 1 + i % 4;
        boolean[] guard = new boolean[n];
        float[] guarded = new float[n];
        guard[0] = classToken;
        guarded[0] = classToken ? 1 : 0;
        int from = (n + 1) / 2;
        int into = n / 2;

        Operands o = new Operands(60_000, from * WIDTH + into * WIDTH, 1);
        int even = o.room(from * WIDTH);
        int odd = o.room(into * WIDTH);
        o.numbers(n, o.put(keys), WIDTH, even, odd, WIDTH);
        machine.run(RowLengths.groups(n), RowLengths.LOCAL, o, RowLengths::normalise, WIDTH);
        assertThat(o.get(even, from * WIDTH)).as("even tokens").doesNotContain(Float.NaN);
        assertThat(o.get(odd, into * WIDTH)).as("odd tokens").doesNotContain(Float.NaN);
        int right = o.parameter(o.get(odd, into * WIDTH));
        int similarity = o.room(from * into);
        o.again().numbers(from, even, WIDTH, similarity, into, right, Offsets.NONE, 0, Offsets.NONE);
        int none = Activation.NONE.ordinal();
        machine.run(TiledProducts.groups(from, into), TiledProducts.LOCAL, o,
                TiledProducts::multiply, o.p, o.p, o.words, WeightFormat.F32, WIDTH, into, none);
        assertThat(o.get(similarity, from * into)).as("similarity").doesNotContain(Float.NaN);
        int guardAt = o.put(guarded);
        int partner = o.room(from);
        int best = o.room(from);
        o.again().numbers(from, into, similarity, guardAt, partner, best);
        machine.run(BipartiteMerge.groups(from), BipartiteMerge.LOCAL, o, BipartiteMerge::partners);
        assertThat(o.get(best, from)).as("best").doesNotContain(Float.NaN);
        int order = o.room(from);
        int rank = o.room(from);
        o.again().numbers(from, best, order, rank);
        machine.run(Ranks.groups(from), Ranks.LOCAL, o, Ranks::descending);
        int start = o.room(n + 1);
        int index = o.room(n);
        int weight = o.room(n);
        o.again().numbers(n, r, guardAt, order, rank, partner, o.put(sizes), start, index, weight);
        int inOrder = classToken ? 1 : 0;
        machine.run(BipartiteMerge.mapGroups(), BipartiteMerge.LOCAL, o, BipartiteMerge::map, inOrder);

        BipartiteMatching matching = BipartiteMatching.of(BipartiteGraph.alternating(keys, n, WIDTH, guard), r);
        assertThat(matching.pairs()).isEqualTo(r);
        assertThat(Arrays.copyOf(o.indices(order, from), r)).as("pairs of %d tokens", n).isEqualTo(matching.sources());
        for (int i : matching.sources()) assertThat((int) o.a.get(partner + i)).isEqualTo(matching.graph().partners()[i]);
        int[][] groups = matching.groups();
        TokenMap map = TokenMap.of(n, groups, weights(groups, sizes));
        int[] starts = o.indices(start, n - r + 1);
        for (int row = 0; row < n - r; row++) {
            int entries = starts[row + 1] - starts[row];
            assertThat(o.indices(index + starts[row], entries)).as("row %d", row).isEqualTo(map.sourcesOf(row));
            assertThat(o.get(weight + starts[row], entries)).as("row %d", row).containsExactly(map.weightsOf(row), within(1e-6f));
        }
    }

    private static float[][] weights(int[][] groups, float[] sizes) {
        float[][] weights = new float[groups.length][];
        for (int i = 0; i < groups.length; i++) {
            float sum = 0;
            for (int t : groups[i]) sum += sizes[t];
            weights[i] = new float[groups[i].length];
            for (int e = 0; e < groups[i].length; e++) weights[i][e] = sizes[groups[i][e]] / sum;
        }
        return weights;
    }
}
