package dev.winnow.tornado.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

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
    void keepsInPlace(Machine machine) {
        int dim = 60;
        int capacity = 200;
        float[] cache = Operands.random(new Random(1), 3 * capacity * dim);
        int[][] kept = {new int[150], {0, 7, 199}, {}};
        for (int i = 0; i < 150; i++) kept[0][i] = i < 20 ? i : i + 50;
        int[] slots = new int[3 * capacity];
        Arrays.fill(slots, -1);
        float[] expected = cache.clone();
        for (int h = 0; h < 3; h++) {
            for (int i = 0; i < kept[h].length; i++) {
                slots[h * capacity + i] = kept[h][i];
                System.arraycopy(cache, (h * capacity + kept[h][i]) * dim, expected, (h * capacity + i) * dim, dim);
            }
        }
        Operands o = new Operands(80_000);
        int keys = o.put(cache);
        int values = o.put(cache);
        o.numbers(keys, values, capacity, o.put(slots), 150, 3, 0);
        machine.run(CacheEntries.keepGroups(3), CacheEntries.LOCAL, o, CacheEntries::keep, dim);
        assertThat(o.get(keys, cache.length)).isEqualTo(expected);
        assertThat(o.get(values, cache.length)).isEqualTo(expected);
    }

    @ParameterizedTest
    @MethodSource("dev.winnow.tornado.kernels.Machine#all")
    void gathersAndCopies(Machine machine) {
        int dim = 7;
        float[] x = Operands.random(new Random(3), 30 * dim);
        int[] slots = {29, 0, 3, 3};
        Operands o = new Operands(1000);
        int from = o.put(x);
        int to = o.put(new float[slots.length * dim]);
        o.numbers(from, to, slots.length, o.put(slots));
        machine.run(CacheEntries.groups(slots.length * dim), CacheEntries.LOCAL, o, CacheEntries::gather, dim);
        float[] expected = new float[slots.length * dim];
        for (int i = 0; i < slots.length; i++) System.arraycopy(x, slots[i] * dim, expected, i * dim, dim);
        assertThat(o.get(to, expected.length)).isEqualTo(expected);

        int copy = o.put(new float[x.length]);
        o.again().numbers(from, copy, x.length);
        machine.run(CacheEntries.groups(x.length), CacheEntries.LOCAL, o, CacheEntries::copy);
        assertThat(o.get(copy, x.length)).isEqualTo(x);

        FloatArray staging = o.p;
        for (int i = 0; i < 200; i++) staging.set(i, i);
        o.again().numbers(copy, 150);
        machine.run(CacheEntries.groups(150), CacheEntries.LOCAL, o, CacheEntries::upload, staging);
        for (int i = 0; i < x.length; i++) assertThat(o.a.get(copy + i)).isEqualTo(i < 150 ? i : x[i]);
    }
}
