package dev.winnow.layers;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

/** A cache whose entries a device holds now and then is like one that never left the host. */
class DeviceEntriesTest {
    private static final int HEADS = 2;
    private static final int DIM = 4;

    /** A device of its own memory: what was never brought there is not a number. */
    private static class Memory implements DeviceEntries {
        private final float[][] keys = new float[HEADS][1000 * DIM];
        private final float[][] values = new float[HEADS][1000 * DIM];
        private int fetched;
        private int kept;
        private boolean released;

        Memory() {
            for (float[] k : keys) Arrays.fill(k, Float.NaN);
            for (float[] v : values) Arrays.fill(v, Float.NaN);
        }

        /** What a backend does before it computes with a cache. */
        void upload(KeyValues kv) {
            for (int h = 0; h < HEADS; h++) {
                int from = kv.shared(h);
                int n = (kv.length(h) - from) * DIM;
                if (n == 0) continue;
                System.arraycopy(kv.keys(), kv.offset(h) + from * DIM, keys[h], from * DIM, n);
                System.arraycopy(kv.values(), kv.offset(h) + from * DIM, values[h], from * DIM, n);
            }
            kv.uploaded();
        }

        void append(KeyValues kv, float[] k, float[] v, int n, int[] positions) {
            upload(kv);
            for (int h = 0; h < HEADS; h++) {
                for (int i = 0; i < n; i++) {
                    System.arraycopy(k, (i * HEADS + h) * DIM, keys[h], (kv.length(h) + i) * DIM, DIM);
                    System.arraycopy(v, (i * HEADS + h) * DIM, values[h], (kv.length(h) + i) * DIM, DIM);
                }
            }
            kv.appended(n, positions, null);
        }

        @Override
        public void fetch(int head, int from, int to, float[] k, float[] v, int at) {
            fetched += to - from;
            System.arraycopy(keys[head], from * DIM, k, at, (to - from) * DIM);
            System.arraycopy(values[head], from * DIM, v, at, (to - from) * DIM);
        }

        @Override
        public void keep(int[][] slots) {
            kept++;
            for (int h = 0; h < HEADS; h++) {
                for (int i = 0; slots[h] != null && i < slots[h].length; i++) {
                    System.arraycopy(keys[h], slots[h][i] * DIM, keys[h], i * DIM, DIM);
                    System.arraycopy(values[h], slots[h][i] * DIM, values[h], i * DIM, DIM);
                }
            }
        }

        @Override
        public void release() {
            released = true;
        }
    }

    private static float[] random(Random random, int n) {
        float[] x = new float[n * HEADS * DIM];
        for (int i = 0; i < x.length; i++) x[i] = random.nextFloat();
        return x;
    }

    private static void assertSame(KeyValues actual, KeyValues expected) {
        for (int h = 0; h < HEADS; h++) {
            int n = expected.length(h);
            assertThat(actual.length(h)).isEqualTo(n);
            assertThat(Arrays.copyOf(actual.positions(h), n)).isEqualTo(Arrays.copyOf(expected.positions(h), n));
            assertThat(Arrays.copyOfRange(actual.keys(), actual.offset(h), actual.offset(h) + n * DIM))
                    .isEqualTo(Arrays.copyOfRange(expected.keys(), expected.offset(h), expected.offset(h) + n * DIM));
            assertThat(Arrays.copyOfRange(actual.values(), actual.offset(h), actual.offset(h) + n * DIM))
                    .isEqualTo(Arrays.copyOfRange(expected.values(), expected.offset(h), expected.offset(h) + n * DIM));
        }
    }

    @RepeatedTest(40)
    void anyOrderOfActsLeavesTheSameEntries(RepetitionInfo run) {
        Random random = new Random(run.getCurrentRepetition());
        KeyValues expected = new KeyValues(HEADS, DIM, 1);
        KeyValues actual = new KeyValues(HEADS, DIM, 1);
        Memory memory = new Memory();
        actual.attach(memory);
        int position = 0;
        for (int act = 0; act < 30; act++) {
            int n = 1 + random.nextInt(5);
            switch (random.nextInt(8)) {
                case 0, 1, 2, 3 -> {
                    float[] k = random(random, n);
                    float[] v = random(random, n);
                    int from = position;
                    int[] positions = IntStream.range(0, n).map(i -> from + i).toArray();
                    position += n;
                    expected.append(k, v, HEADS * DIM, n, positions, null);
                    if (random.nextInt(3) > 0) memory.append(actual, k, v, n, positions);
                    else actual.append(k, v, HEADS * DIM, n, positions, null);
                }
                case 4 -> {
                    int[][] slots = new int[HEADS][];
                    for (int h = 0; h < HEADS; h++) {
                        if (random.nextInt(5) == 0) continue;
                        slots[h] = IntStream.range(0, expected.length(h)).filter(i -> random.nextInt(4) > 0).toArray();
                        expected.keep(h, slots[h]);
                    }
                    actual.keep(slots);
                }
                case 5 -> {
                    expected.rewind(1);
                    actual.rewind(1);
                }
                case 6 -> {
                    for (KeyValues kv : new KeyValues[] {expected, actual}) {
                        if (kv.length(0) > 0) kv.keys()[kv.offset(0)] = act;
                        kv.changed(0);
                    }
                }
                default -> assertSame(actual, expected);
            }
        }
        actual.trim(0);
        assertSame(actual, expected);
    }

    @Test
    void entriesAreFetchedOnceAndOnlyWhenLookedAt() {
        Random random = new Random(1);
        KeyValues kv = new KeyValues(HEADS, DIM, 4);
        Memory memory = new Memory();
        kv.attach(memory);
        memory.append(kv, random(random, 3), random(random, 3), 3, new int[] {0, 1, 2});
        assertThat(memory.fetched).isZero();
        kv.keys();
        kv.values();
        assertThat(memory.fetched).isEqualTo(3 * HEADS);
        memory.append(kv, random(random, 1), random(random, 1), 1, new int[] {3});
        kv.keys();
        assertThat(memory.fetched).isEqualTo(4 * HEADS);
    }

    /** All heads at once; the device is told even where nothing moves, for it may hold something for these slots. */
    @Test
    void entriesAreMovedWhereTheyAre() {
        KeyValues kv = new KeyValues(HEADS, DIM, 4);
        Memory memory = new Memory();
        kv.attach(memory);
        memory.append(kv, random(new Random(2), 5), random(new Random(3), 5), 5, new int[] {0, 1, 2, 3, 4});
        kv.keep(new int[][] {{0, 1, 2}, null});
        assertThat(memory.kept).isEqualTo(1);
        kv.keep(new int[][] {{1, 2}, {0, 4}});
        assertThat(memory.kept).isEqualTo(2);
        assertThat(memory.fetched).isZero();
        assertThat(kv.length(0)).isEqualTo(2);
        assertThat(kv.positions(1)).startsWith(0, 4);
    }

    /** Whoever has all entries chooses among them. */
    @Test
    void theLowestAreAskedForWhereTheKeysAre() {
        KeyValues kv = new KeyValues(HEADS, DIM, 4);
        int[][] lowest = {{0}, {2}};
        float[][] scores = {{1, 2, 3}, {6, 5, 4}};
        Memory memory = new Memory() {
            @Override
            public int[][] lowest(KeyScore score, int[] counts) {
                return score == KeyScore.LENGTH ? lowest : null;
            }

            @Override
            public float[][] scores(KeyScore score) {
                return scores;
            }
        };
        kv.attach(memory);
        memory.append(kv, new float[3 * HEADS * DIM], new float[3 * HEADS * DIM], 3, new int[] {0, 1, 2});
        assertThat(kv.lowest(KeyScore.LENGTH, new int[] {1, 1})).isSameAs(lowest);
        assertThat(kv.lowest(KeyScore.LIKENESS, new int[] {1, 1})).isNull();
        assertThat(kv.scores(KeyScore.LENGTH)).isSameAs(scores);
        kv.keys();
        assertThat(kv.lowest(KeyScore.LENGTH, new int[] {1, 1})).isNull();
        assertThat(kv.scores(KeyScore.LENGTH)).isNull();
    }

    @Test
    void aSequenceThatIsOverFetchesNothing() {
        KeyValues kv = new KeyValues(HEADS, DIM, 4);
        Memory memory = new Memory();
        kv.attach(memory);
        memory.append(kv, new float[HEADS * DIM], new float[HEADS * DIM], 1, new int[] {0});
        kv.drop();
        assertThat(memory.fetched).isZero();
        assertThat(memory.released).isTrue();
        assertThat(kv.device()).isNull();
    }
}
