package dev.winnow.layers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tiled attention and its probabilities against softmax attention in double arithmetic, written from its definition. */
class TiledAttentionTest {
    private static final Workers ONE = new Workers(1);
    private static final Workers THREE = new Workers(3);
    private static final float NONE = Float.NEGATIVE_INFINITY;

    @Provide
    Arbitrary<Kernels> kernels() {
        return Arbitraries.of(new ScalarKernels(), new PanamaKernels());
    }

    @Provide
    Arbitrary<Integer> dims() {
        return Arbitraries.of(4, 12, 16, 32, 48, 50, 64, 80, 96, 128);
    }

    @Provide
    Arbitrary<AttentionMask> masks() {
        return Arbitraries.of(AttentionMask.CAUSAL, AttentionMask.BIDIRECTIONAL, AttentionMask.sliding(1), AttentionMask.sliding(7),
                AttentionMask.sliding(70), new AttentionMask(false, 5));
    }

    @Property(tries = 500)
    void anyShape(@ForAll("kernels") Kernels k, @ForAll("dims") int dim, @ForAll("masks") AttentionMask mask,
                  @ForAll @IntRange(min = 1, max = 3) int kvHeads, @ForAll @IntRange(min = 1, max = 3) int group,
                  @ForAll @IntRange(min = 1, max = 70) int n, @ForAll @IntRange(max = 60) int past, @ForAll boolean bias,
                  @ForAll boolean ragged, @ForAll long seed) {
        Case c = new Case(seed, kvHeads, group, dim, n, past, bias, ragged);
        c.check(k, ONE, mask);
    }

    @ParameterizedTest
    @CsvSource({"2,4,64,1,3000,false", "1,1,64,1,2000,true", "1,8,32,2,2500,true", "1,5,128,3,1500,false", "3,2,80,300,500,true",
                "2,1,64,577,0,false", "1,3,12,200,900,true", "1,1,64,16,2048,false", "1,7,20,1,5000,true", "5,1,64,9,700,true"})
    void longContextsOnSeveralThreads(int kvHeads, int group, int dim, int n, int past, boolean extras) {
        Case c = new Case(n, kvHeads, group, dim, n, past, extras, extras);
        for (AttentionMask mask : new AttentionMask[] {AttentionMask.CAUSAL, AttentionMask.BIDIRECTIONAL, AttentionMask.sliding(600),
            AttentionMask.sliding(3)}) {
            c.check(new PanamaKernels(), THREE, mask);
        }
    }

    /** What is out of sight may be there or not, also where what is seen is long enough to be split over tasks. */
    @ParameterizedTest
    @CsvSource({"1,1,3000,1700", "2,4,4000,1100", "1,1,900,100", "3,2,2500,1300"})
    void entriesOutOfSightChangeNothing(int kvHeads, int n, int length, int window) {
        int dim = 32;
        int heads = 2 * kvHeads;
        Random random = new Random(length);
        float[] q = Stored.random(random, n * heads * dim);
        float[] k = Stored.random(random, length * kvHeads * dim);
        float[] v = Stored.random(random, length * kvHeads * dim);
        int[] positions = IntStream.range(0, length).toArray();
        int[] queries = Arrays.copyOfRange(positions, length - n, length);
        KeyValues all = new KeyValues(kvHeads, dim, length);
        all.append(k, v, kvHeads * dim, length, positions, null);
        float[] wanted = new float[q.length];
        TiledAttention.attend(new PanamaKernels(), THREE, q, heads * dim, n, heads, queries, all, 0.2f,
                AttentionMask.sliding(window), wanted, heads * dim);
        all.forget(IntStream.range(0, kvHeads).map(h -> all.firstAfter(h, length - n - window)).toArray());
        assertThat(all.length()).isEqualTo(window + n - 1);
        float[] actual = new float[q.length];
        TiledAttention.attend(new PanamaKernels(), THREE, q, heads * dim, n, heads, queries, all, 0.2f,
                AttentionMask.sliding(window), actual, heads * dim);
        assertThat(actual).isEqualTo(wanted);
    }

    @Test
    void decodingStepByStepEqualsPrefill() {
        int n = 50;
        int dim = 64;
        Random random = new Random(3);
        float[] q = Stored.random(random, n * 4 * dim);
        float[] k = Stored.random(random, n * 2 * dim);
        float[] v = Stored.random(random, n * 2 * dim);
        int[] positions = IntStream.range(0, n).toArray();
        Kernels kernels = new PanamaKernels();
        KeyValues whole = new KeyValues(2, dim, n);
        whole.append(k, v, 2 * dim, n, positions, null);
        float[] prefill = new float[n * 4 * dim];
        TiledAttention.attend(kernels, ONE, q, 4 * dim, n, 4, positions, whole, 0.125f, AttentionMask.CAUSAL, prefill, 4 * dim);

        KeyValues grown = new KeyValues(2, dim, 1);
        float[] step = new float[4 * dim];
        for (int i = 0; i < n; i++) {
            grown.append(Arrays.copyOfRange(k, i * 2 * dim, (i + 1) * 2 * dim), Arrays.copyOfRange(v, i * 2 * dim, (i + 1) * 2 * dim),
                    2 * dim, 1, new int[] {i}, null);
            TiledAttention.attend(kernels, ONE, Arrays.copyOfRange(q, i * 4 * dim, (i + 1) * 4 * dim), 4 * dim, 1, 4, new int[] {i},
                    grown, 0.125f, AttentionMask.CAUSAL, step, 4 * dim);
            for (int j = 0; j < step.length; j++) assertThat(step[j]).isCloseTo(prefill[i * 4 * dim + j], within(2e-5f));
        }
    }

    @Test
    void queriesWithoutKeysGetZeros() {
        for (int n : new int[] {1, 40}) {
            for (Kernels k : new Kernels[] {new ScalarKernels(), new PanamaKernels()}) {
                KeyValues kv = new KeyValues(1, 16, n);
                float[] x = Stored.random(new Random(1), n * 16);
                float[] bias = new float[n];
                Arrays.fill(bias, NONE);
                kv.append(x, x, 16, n, new int[n], bias);
                float[] out = x.clone();
                TiledAttention.attend(k, ONE, x, 16, n, 1, new int[n], kv, 1f, AttentionMask.BIDIRECTIONAL, out, 16);
                assertThat(out).containsOnly(0f);
                assertThat(TiledAttention.probabilities(k, ONE, x, 16, n, 1, new int[n], kv, 1f, AttentionMask.BIDIRECTIONAL, 0, n))
                        .containsOnly(0f);
            }
        }
    }

    /** Few queries, many, and rows of probabilities bound, bias and place in the same order. */
    @Property(tries = 60)
    void softcapAndBiasesOfFewAndManyQueriesAreThoseOfTheirProbabilities(@ForAll boolean causal, @ForAll @IntRange(min = 1, max = 60) int n,
                                                                         @ForAll @IntRange(min = 1, max = 3) int group, @ForAll long seed) {
        Random random = new Random(seed);
        int dim = 16;
        int heads = 2 * group;
        int length = 60;
        float[] q = Stored.random(random, n * heads * dim);
        float[] k = Stored.random(random, length * 2 * dim);
        float[] v = Stored.random(random, length * 2 * dim);
        int[] positions = IntStream.range(0, length).toArray();
        KeyValues kv = new KeyValues(2, dim, length);
        kv.append(k, v, 2 * dim, length, positions, Stored.random(random, length));
        int[] index = random.ints(length * length, 0, 9).toArray();
        RelativePositionBias relative = new RelativePositionBias(length, 9, index, Stored.random(random, heads * 9));
        Scoring scoring = new Scoring(0.5f, 1.5f, relative, causal ? AttentionMask.CAUSAL : AttentionMask.BIDIRECTIONAL);
        int[] queries = Arrays.copyOfRange(positions, length - n, length);
        float[] out = new float[q.length];
        TiledAttention.attend(new PanamaKernels(), THREE, q, heads * dim, n, heads, queries, kv, scoring, out, heads * dim);
        float[] p = TiledAttention.probabilities(new ScalarKernels(), ONE, q, heads * dim, n, heads, queries, kv, scoring, 0, n);
        for (int i = 0; i < n * heads * dim; i++) {
            int head = i / dim % heads;
            double sum = 0;
            for (int s = 0; s < length; s++) {
                sum += (double) p[(head * n + i / (heads * dim)) * length + s] * v[(s * 2 + head / group) * dim + i % dim];
            }
            assertThat((double) out[i]).isCloseTo(sum, within(2e-5));
        }
    }

    @Test
    void largeScoresDoNotOverflow() {
        int n = 300;
        Case c = new Case(5, 1, 2, 32, n, 0, false, false);
        for (int i = 0; i < c.q.length; i++) c.q[i] *= 60;
        c.check(new PanamaKernels(), ONE, AttentionMask.CAUSAL);
    }

    @Test
    void unevenGroupsAreRefused() {
        assertThatThrownBy(() -> TiledAttention.attend(new ScalarKernels(), ONE, new float[48], 48, 1, 3, new int[1],
                new KeyValues(2, 16, 1), 1f, AttentionMask.CAUSAL, new float[48], 48))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("3 query heads");
    }

    /** Random inputs: strides with gaps, ascending positions with gaps, and if asked for a bias with masked entries and heads of
     * different lengths. */
    private static final class Case {
        private final int heads;
        private final int dim;
        private final int n;
        private final int qStride;
        private final float[] q;
        private final int[] queryPositions;
        private final KeyValues kv;

        Case(long seed, int kvHeads, int group, int dim, int n, int past, boolean bias, boolean ragged) {
            Random random = new Random(seed);
            this.heads = kvHeads * group;
            this.dim = dim;
            this.n = n;
            this.qStride = heads * dim + random.nextInt(3);
            this.q = Stored.random(random, n * qStride);
            int all = past + n;
            int rowStride = kvHeads * dim + random.nextInt(3);
            float[] k = Stored.random(random, all * rowStride);
            float[] v = Stored.random(random, all * rowStride);
            int[] positions = new int[all];
            for (int i = 1; i < all; i++) positions[i] = positions[i - 1] + 1 + random.nextInt(3) / 2;
            float[] entryBias = null;
            if (bias) {
                entryBias = new float[all];
                for (int i = 0; i < all; i++) entryBias[i] = random.nextInt(4) == 0 ? NONE : (float) Math.log(1 + random.nextInt(5));
            }
            kv = new KeyValues(kvHeads, dim, all + random.nextInt(4));
            kv.append(k, v, rowStride, all, positions, entryBias);
            if (ragged && past > 0) {
                for (int h = 0; h < kvHeads; h++) {
                    int dropped = random.nextInt(past);
                    int kept = past - dropped;
                    int[] slots = IntStream.concat(random.ints(0, past).distinct().limit(kept).sorted(), IntStream.range(past, all))
                            .toArray();
                    kv.keep(h, slots);
                }
            }
            queryPositions = Arrays.copyOfRange(positions, past, all);
        }

        void check(Kernels kernels, Workers workers, AttentionMask mask) {
            float scale = (float) (1 / Math.sqrt(dim));
            int outStride = heads * dim + 2;
            float[] out = new float[n * outStride];
            Arrays.fill(out, 77f);
            TiledAttention.attend(kernels, workers, q, qStride, n, heads, queryPositions, kv, scale, mask, out, outStride);
            int first = n / 3;
            int count = Math.min(n - first, 5);
            float[] probabilities = TiledAttention.probabilities(kernels, workers, q, qStride, n, heads, queryPositions, kv, scale, mask,
                    first, count);
            assertThat(probabilities).hasSize(heads * count * kv.length());
            double[] p = new double[kv.length()];
            double worst = 0;
            for (int i = 0; i < n; i++) {
                for (int head = 0; head < heads; head++) {
                    softmax(p, i, head, mask, scale);
                    int h = head / (heads / kv.heads());
                    for (int d = 0; d < dim; d++) {
                        double sum = 0;
                        for (int s = 0; s < kv.length(h); s++) sum += p[s] * kv.values()[kv.offset(h) + s * dim + d];
                        double difference = Math.abs(sum - out[i * outStride + head * dim + d]);
                        worst = Double.isNaN(difference) ? Double.POSITIVE_INFINITY : Math.max(worst, difference);
                    }
                    if (i >= first && i < first + count) {
                        for (int s = 0; s < p.length; s++) {
                            float got = probabilities[(head * count + i - first) * p.length + s];
                            double difference = Math.abs(p[s] - got);
                            worst = Double.isNaN(difference) ? Double.POSITIVE_INFINITY : Math.max(worst, difference);
                        }
                    }
                }
                assertThat(out[i * outStride + heads * dim]).isEqualTo(77f);
            }
            assertThat(worst).isLessThan(5e-5);
        }

        private void softmax(double[] p, int i, int head, AttentionMask mask, float scale) {
            int h = head / (heads / kv.heads());
            int length = kv.length(h);
            double max = Double.NEGATIVE_INFINITY;
            Arrays.fill(p, Double.NEGATIVE_INFINITY);
            for (int s = 0; s < length; s++) {
                boolean seen = (!mask.causal() || s < length - n + i + 1)
                        && (mask.window() == Integer.MAX_VALUE || kv.positions(h)[s] > queryPositions[i] - mask.window());
                if (!seen) continue;
                double dot = 0;
                for (int d = 0; d < dim; d++) {
                    dot += (double) q[i * qStride + head * dim + d] * kv.keys()[kv.offset(h) + s * dim + d];
                }
                p[s] = dot * scale + (kv.bias(h) == null ? 0 : kv.bias(h)[s]);
                max = Math.max(max, p[s]);
            }
            double sum = 0;
            for (int s = 0; s < p.length; s++) {
                p[s] = max == Double.NEGATIVE_INFINITY ? 0 : Math.exp(p[s] - max);
                sum += p[s];
            }
            for (int s = 0; s < p.length && sum > 0; s++) p[s] /= sum;
        }
    }

    @Test
    void resultsDoNotDependOnThreads() {
        KeyValues kv = new KeyValues(1, 8, 3000);
        float[] k = random(3000 * 8);
        int[] positions = IntStream.range(0, 3000).toArray();
        kv.append(k, k, 8, 3000, positions, null);
        float[] q = random(2 * 8);
        float[][] results = new float[2][2 * 8];
        int threads = Workers.shared().threads();
        try {
            for (int t = 1; t <= 2; t++) {
                Workers.shared().resize(t);
                TiledAttention.attend(new PanamaKernels(), Workers.shared(), q, 16, 1, 2, new int[] {2999}, kv, 0.3f, AttentionMask.CAUSAL,
                        results[t - 1], 16);
            }
        } finally {
            Workers.shared().resize(threads);
        }
        assertThat(results[1]).isEqualTo(results[0]);
    }

    private static float[] random(int n) {
        Random random = new Random(11);
        float[] x = new float[n];
        for (int i = 0; i < n; i++) x[i] = (float) random.nextGaussian();
        return x;
    }
}
