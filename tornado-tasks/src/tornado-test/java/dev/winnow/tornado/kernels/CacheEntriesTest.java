package dev.winnow.tornado.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.winnow.layers.RopeScaling;
import dev.winnow.layers.RotaryEmbedding;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

@Tag("kernels")
class CacheEntriesTest {
    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void appends(Machine machine) {
        int n = 3;
        int heads = 2;
        int dim = 5;
        int capacity = 9;
        int stride = 2 * heads * dim + 1;
        Random random = new Random(1);
        float[] kv = Operands.random(random, n * stride);
        float[] cache = Operands.random(random, heads * capacity * dim);
        Operands o = new Operands(1000);
        int from = o.put(kv);
        int keys = o.put(cache);
        int values = o.put(cache);
        o.numbers(n, from, from + heads * dim, stride, keys, values, capacity, 4, 0);
        machine.run(CacheEntries.groups(n * heads * dim), CacheEntries.LOCAL, o,
                CacheEntries::append, heads, dim);
        for (int part = 0; part < 2; part++) {
            float[] expected = cache.clone();
            for (int h = 0; h < heads; h++) {
                int length = h == 0 ? 4 : 0;
                for (int i = 0; i < n; i++) {
                    System.arraycopy(kv, i * stride + part * heads * dim + h * dim, expected, (h * capacity + length + i) * dim, dim);
                }
            }
            assertThat(o.get(part == 0 ? keys : values, cache.length)).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void appendsTurned(Machine machine) {
        turned(machine, 3, 4, 2, 10, 4, new int[] {5, 77, 4000});
        turned(machine, 1, 1, 1, 2, 1, new int[] {9});
    }

    /** Pairs of channels of queries and keys turn by the table, others and values stay as they are; entries go behind those there are. */
    private static void turned(Machine machine, int n, int heads, int kvHeads, int dim, int pairs, int[] positions) {
        int stride = (heads + 2 * kvHeads) * dim + 3;
        int capacity = 9;
        float[] x = Operands.random(new Random(2), n * stride);
        RotaryEmbedding.Table table = new RotaryEmbedding(2 * pairs, 10000, new RopeScaling.None()).table(positions, n);
        Operands o = new Operands(2000);
        int at = o.put(x);
        int keys = o.put(new float[kvHeads * capacity * dim]);
        int values = o.put(new float[kvHeads * capacity * dim]);
        int k = at + heads * dim;
        o.numbers(n, at, k, k + kvHeads * dim, stride, keys, values, capacity, o.put(table.cos()), o.put(table.sin()));
        for (int h = 0; h < kvHeads; h++) o.numbers(h + 2);
        machine.run(CacheEntries.turnedGroups(n, heads, kvHeads, dim, pairs), CacheEntries.LOCAL, o, CacheEntries::appendTurned,
                heads, kvHeads, dim, pairs);
        double[] all = new double[x.length];
        for (int i = 0; i < x.length; i++) all[i] = x[i];
        for (int t = 0; t < n; t++) {
            for (int h = 0; h < heads + kvHeads; h++) {
                for (int d = 0; d < pairs; d++) {
                    int i = t * stride + h * dim + d;
                    double cos = table.cos()[t * pairs + d];
                    double sin = table.sin()[t * pairs + d];
                    all[i] = x[i] * cos - x[i + pairs] * sin;
                    all[i + pairs] = x[i + pairs] * cos + x[i] * sin;
                }
            }
        }
        for (int t = 0; t < n; t++) {
            int row = t * stride;
            Closeness.close(o.get(at + row, heads * dim), Arrays.copyOfRange(all, row, row + heads * dim));
            for (int h = 0; h < kvHeads; h++) {
                int to = (h * capacity + h + 2 + t) * dim;
                int from = row + (heads + h) * dim;
                Closeness.close(o.get(keys + to, dim), Arrays.copyOfRange(all, from, from + dim));
                Closeness.close(o.get(values + to, dim), Arrays.copyOfRange(all, from + kvHeads * dim, from + kvHeads * dim + dim));
            }
        }
        assertThat(o.get(keys, 2 * dim)).as("entries that were there").containsOnly(0f);
    }

    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void keepsInPlace(Machine machine) {
        int dim = 60;
        int capacity = 200;
        float[] cache = Operands.random(new Random(1), 3 * capacity * dim);
        int[][] kept = {new int[150], {0, 7, 199}, {}};
        for (int i = 0; i < 150; i++) kept[0][i] = i < 20 ? i : i + 50;
        // all slots, or those behind the first, which stay
        for (int first : new int[] {0, 1}) {
            int stride = capacity - 40 * first;
            int[] slots = new int[3 * stride];
            Arrays.fill(slots, -1);
            float[] expected = cache.clone();
            int[] counts = new int[3];
            for (int h = 0; h < 3; h++) {
                counts[h] = Math.max(0, kept[h].length - first);
                System.arraycopy(kept[h], kept[h].length - counts[h], slots, h * stride, counts[h]);
                for (int i = 0; i < kept[h].length; i++) {
                    System.arraycopy(cache, (h * capacity + kept[h][i]) * dim, expected, (h * capacity + i) * dim, dim);
                }
            }
            Operands o = new Operands(80_000);
            int keys = o.put(cache);
            int values = o.put(cache);
            o.numbers(keys, values, capacity, o.put(slots), stride, first).numbers(counts);
            machine.run(CacheEntries.keepGroups(3), CacheEntries.LOCAL, o, CacheEntries::keep, dim);
            assertThat(o.get(keys, cache.length)).isEqualTo(expected);
            assertThat(o.get(values, cache.length)).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void copies(Machine machine) {
        int dim = 7;
        float[] x = Operands.random(new Random(3), 30 * dim);
        Operands o = new Operands(1000);
        int from = o.put(x);
        int copy = o.put(new float[x.length]);
        o.numbers(from, copy, x.length);
        machine.run(CacheEntries.groups(x.length), CacheEntries.LOCAL, o, CacheEntries::copy);
        assertThat(o.get(copy, x.length)).isEqualTo(x);

        FloatArray staging = o.p;
        for (int i = 0; i < 200; i++) staging.set(i, i);
        o.again().numbers(copy, 150);
        machine.run(CacheEntries.groups(150), CacheEntries.LOCAL, o, CacheEntries::upload, staging);
        for (int i = 0; i < x.length; i++) assertThat(o.a.get(copy + i)).isEqualTo(i < 150 ? i : x[i]);
    }
}
