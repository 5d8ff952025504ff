package dev.winnow.layers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class KeyValuesTest {
    private static final int HEADS = 2;
    private static final int DIM = 3;

    /** Keys count up over tokens, heads and channels; values are their negatives. */
    private static KeyValues filled(int capacity, int... positions) {
        KeyValues kv = new KeyValues(HEADS, DIM, capacity);
        int n = positions.length;
        float[] k = new float[n * HEADS * DIM];
        float[] v = new float[k.length];
        for (int i = 0; i < n; i++) {
            for (int c = 0; c < HEADS * DIM; c++) {
                k[i * HEADS * DIM + c] = 100 * positions[i] + c;
                v[i * HEADS * DIM + c] = -k[i * HEADS * DIM + c];
            }
        }
        kv.append(k, v, HEADS * DIM, n, positions, null);
        return kv;
    }

    private static float[] keys(KeyValues kv, int head) {
        return Arrays.copyOfRange(kv.keys(), kv.offset(head), kv.offset(head) + kv.length(head) * DIM);
    }

    @Test
    void rewindingForgetsTheLast() {
        KeyValues kv = filled(4, 0, 1, 2);
        kv.keep(1, new int[] {1});
        kv.rewind(2);
        assertThat(keys(kv, 0)).containsExactly(0, 1, 2);
        assertThat(kv.length(1)).isZero();
    }

    @Test
    void refusesSlotsAndCountsThatCannotBe() {
        KeyValues kv = filled(4, 0, 1, 2);
        assertThatThrownBy(() -> kv.keep(new int[][] {{0}})).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("slots are given for 1 heads, but the cache has " + HEADS);
        assertThatThrownBy(() -> kv.lowest(KeyScore.LENGTH, new int[HEADS + 1])).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("counts are given for " + (HEADS + 1) + " heads, but the cache has " + HEADS);
        for (int wrong : new int[] {-1, 4}) {
            assertThatThrownBy(() -> kv.lowest(KeyScore.LENGTH, new int[] {0, wrong})).isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("cannot choose " + wrong + " of the 3 entries of head 1");
        }
        assertThat(kv.lowest(KeyScore.LENGTH, new int[] {0, 3})).as("no device has the keys").isNull();
    }

    @Test
    void appendsHeadMajor() {
        KeyValues kv = filled(4, 0, 1);
        assertThat(keys(kv, 0)).containsExactly(0, 1, 2, 100, 101, 102);
        assertThat(keys(kv, 1)).containsExactly(3, 4, 5, 103, 104, 105);
        assertThat(kv.values()[kv.offset(1)]).isEqualTo(-3);
    }

    @Test
    void growsWithoutLosingEntries() {
        KeyValues kv = filled(1, 0, 1, 2);
        kv.append(new float[HEADS * DIM], new float[HEADS * DIM], HEADS * DIM, 1, new int[] {3}, null);
        assertThat(kv.length()).isEqualTo(4);
        assertThat(keys(kv, 1)).startsWith(3, 4, 5, 103, 104, 105, 203, 204, 205).endsWith(0, 0, 0);
        assertThat(Arrays.copyOf(kv.positions(0), 4)).containsExactly(0, 1, 2, 3);
    }

    @Test
    void keepsDifferentEntriesPerHead() {
        KeyValues kv = filled(4, 0, 1, 2, 3);
        kv.keep(0, new int[] {1, 3});
        kv.keep(1, new int[] {0, 1, 2});
        assertThat(keys(kv, 0)).containsExactly(100, 101, 102, 300, 301, 302);
        assertThat(keys(kv, 1)).containsExactly(3, 4, 5, 103, 104, 105, 203, 204, 205);
        assertThat(Arrays.copyOf(kv.positions(0), 2)).containsExactly(1, 3);
        assertThat(kv.bytes()).isEqualTo(5L * DIM * 2 * Float.BYTES);
    }

    @Test
    void trimGivesMemoryBack() {
        KeyValues kv = filled(1000, 0, 1, 2, 3);
        long before = kv.allocatedBytes();
        kv.keep(0, new int[] {2});
        kv.keep(1, new int[] {3});
        kv.trim(2);
        assertThat(kv.allocatedBytes()).isLessThan(before / 100);
        assertThat(keys(kv, 0)).containsExactly(200, 201, 202);
        assertThat(keys(kv, 1)).containsExactly(303, 304, 305);
    }

    @Test
    void biasFollowsItsEntry() {
        KeyValues kv = filled(2, 0, 1);
        assertThat(kv.bias(0)).isNull();
        kv.append(new float[HEADS * DIM], new float[HEADS * DIM], HEADS * DIM, 1, new int[] {2}, new float[] {7});
        kv.keep(1, new int[] {1, 2});
        assertThat(Arrays.copyOf(kv.bias(0), 3)).containsExactly(0, 0, 7);
        assertThat(Arrays.copyOf(kv.bias(1), 2)).containsExactly(0, 7);
    }

    @Test
    void tallyFollowsItsEntry() {
        KeyValues kv = filled(2, 0, 1);
        kv.tally(0)[0] = 5;
        kv.tally(0)[1] = 6;
        kv.append(new float[HEADS * DIM], new float[HEADS * DIM], HEADS * DIM, 1, new int[] {2}, null);
        kv.tally(0)[2] += 7;
        kv.keep(0, new int[] {1, 2});
        assertThat(Arrays.copyOf(kv.tally(0), 2)).containsExactly(6, 7);
        assertThat(Arrays.copyOf(kv.tally(1), 3)).containsExactly(0, 0, 0);
        kv.append(new float[HEADS * DIM], new float[HEADS * DIM], HEADS * DIM, 1, new int[] {3}, null);
        assertThat(kv.tally(0)[2]).as("not what the slot's last entry had").isZero();
    }

    @Test
    void runsMoveAsTheirEntriesWould() {
        Random random = new Random(4);
        for (int round = 0; round < 200; round++) {
            int n = 1 + random.nextInt(40);
            KeyValues kv = filled(n, IntStream.range(0, n).toArray());
            for (int i = 0; i < n; i++) kv.tally(1)[i] = 1000 + i;
            int[] slots = IntStream.range(0, n).filter(i -> random.nextInt(10) > 2).toArray();
            kv.keep(1, slots);
            float[] expected = new float[slots.length * DIM];
            for (int i = 0; i < expected.length; i++) expected[i] = 100 * slots[i / DIM] + DIM + i % DIM;
            assertThat(keys(kv, 1)).isEqualTo(expected);
            assertThat(Arrays.copyOf(kv.positions(1), slots.length)).isEqualTo(slots);
            for (int i = 0; i < slots.length; i++) assertThat(kv.tally(1)[i]).isEqualTo(1000 + slots[i]);
            assertThat(kv.length(0)).isEqualTo(n);
        }
    }

    @Test
    void stepsCountFromTheEndOfThePrompt() {
        KvCache cache = new KvCache(List.of(), 0);
        cache.advance(7);
        assertThat(cache.nextStep()).isEqualTo(1);
        cache.advance(1);
        cache.advance(1);
        assertThat(cache.nextStep()).isEqualTo(3);
        KvCache single = new KvCache(List.of(), 0);
        single.advance(1);
        single.advance(1);
        assertThat(single.nextStep()).isEqualTo(2);
    }
}
