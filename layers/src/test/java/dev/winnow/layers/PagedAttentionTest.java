package dev.winnow.layers;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** Attention over pages of the cache: invariant 25. */
class PagedAttentionTest {
    private static final int DIM = 16;

    private static KeyValues random(long seed, int n) {
        KeyValues kv = new KeyValues(2, DIM, n);
        Random random = new Random(seed);
        kv.append(Stored.random(random, n * 2 * DIM), Stored.random(random, n * 2 * DIM), 2 * DIM, n,
                IntStream.range(0, n).toArray(), null);
        return kv;
    }

    @Property(tries = 200)
    void aPagesBoundIsNoLessThanAnyProductInIt(@ForAll @IntRange(min = 1, max = 90) int n, @ForAll @IntRange(min = 1, max = 20) int size,
                                               @ForAll @IntRange(max = 30) int more, @ForAll long seed) {
        KeyValues kv = random(seed, n);
        PageIndex index = kv.pages(size);
        index.follow(kv, 1);
        Random random = new Random(seed + 1);
        for (int i = 0; i < more; i++) {
            kv.append(Stored.random(random, 2 * DIM), Stored.random(random, 2 * DIM), 2 * DIM, 1, new int[] {n + i}, null);
            index.follow(kv, 1);
        }
        float[] q = Stored.random(random, DIM);
        float[] bounds = new float[(n + more + size - 1) / size];
        Kernels kernels = new ScalarKernels();
        index.bounds(kernels, 1, q, 0, DIM, bounds);
        boolean tight = false;
        for (int i = 0; i < n + more; i++) {
            float product = kernels.dot(q, 0, kv.keys(), kv.offset(1) + i * DIM, DIM);
            assertThat(bounds[i / size]).isGreaterThanOrEqualTo(product - 1e-4f);
            tight |= Math.abs(bounds[i / size] - product) < 1e-4f;
        }
        assertThat(size > 1 || tight).as("a page of one key is bounded by its product").isTrue();
    }

    @Property(tries = 100)
    void allPagesAreDenseAttention(@ForAll @IntRange(min = 1, max = 200) int n, @ForAll @IntRange(min = 1, max = 20) int size,
                                    @ForAll long seed) {
        KeyValues kv = random(seed, n);
        float[] q = Stored.random(new Random(seed + 1), 4 * DIM);
        float[] dense = new float[4 * DIM];
        float[] paged = new float[4 * DIM];
        Kernels kernels = new PanamaKernels();
        for (float softcap : new float[] {0f, 0.7f}) {
            TiledAttention.attend(kernels, Workers.shared(), q, 4 * DIM, 1, 4, new int[] {n - 1}, kv,
                    new Scoring(0.25f, softcap, null, AttentionMask.CAUSAL), dense, 4 * DIM);
            PagedAttention.attend(kernels, Workers.shared(), q, 4, kv, 0.25f, softcap, new AttentionMode.Pages(size, n), paged);
            for (int i = 0; i < dense.length; i++) {
                assertThat(paged[i]).isCloseTo(dense[i], org.assertj.core.api.Assertions.within(2e-5f));
            }
        }
    }

    @Test
    void aPlantedKeyIsFound() {
        int n = 640;
        KeyValues kv = random(3, n);
        float[] q = Stored.random(new Random(4), 4 * DIM);
        // head 3 uses key head 1; entry 333 lies along its query
        for (int c = 0; c < DIM; c++) {
            kv.keys()[kv.offset(1) + 333 * DIM + c] = 20 * q[3 * DIM + c];
            kv.values()[kv.offset(1) + 333 * DIM + c] = 5 + c;
        }
        float[] out = new float[4 * DIM];
        PagedAttention.attend(new PanamaKernels(), Workers.shared(), q, 4, kv, 0.25f, 0f, new AttentionMode.Pages(16, 3), out);
        for (int c = 0; c < DIM; c++) assertThat(out[3 * DIM + c]).isCloseTo(5 + c, org.assertj.core.api.Assertions.within(1e-3f));
    }

    @Test
    void theLastPageIsAlwaysLookedInto() {
        assertThat(PagedAttention.chosen(new float[] {5, 1, 5, 9, -7}, 3)).containsExactly(0, 3, 4);
        assertThat(PagedAttention.chosen(new float[] {-1, -2, -3}, 1)).containsExactly(2);
        assertThat(PagedAttention.chosen(new float[] {1, 2}, 3)).containsExactly(0, 1);
    }

    @Test
    void anIndexDoesNotOutliveItsEntries() {
        KeyValues kv = random(5, 64);
        PageIndex before = kv.pages(8);
        kv.keep(0, new int[] {1, 2, 3});
        assertThat(kv.pages(8)).isNotSameAs(before);
    }

    /** What the method is for. The fastest of several runs, so that other work on the machine does not count. */
    @Test
    void costsLessThanDenseAttentionOverALongContext() {
        int n = 16_384;
        int dim = 64;
        int heads = 8;
        KeyValues kv = new KeyValues(2, dim, n);
        float[] entries = Stored.random(new Random(6), n * 2 * dim);
        kv.append(entries, entries, 2 * dim, n, IntStream.range(0, n).toArray(), null);
        float[] q = Stored.random(new Random(7), heads * dim);
        float[] out = new float[q.length];
        Kernels kernels = new PanamaKernels();
        Workers one = new Workers(1);
        long dense = fastest(() -> TiledAttention.attend(kernels, one, q, heads * dim, 1, heads, new int[] {n - 1}, kv, 0.1f,
                AttentionMask.CAUSAL, out, heads * dim));
        long paged = fastest(() -> PagedAttention.attend(kernels, one, q, heads, kv, 0.1f, 0f, new AttentionMode.Pages(16, 64), out));
        assertThat(paged).isLessThan(dense);
    }

    private static long fastest(Runnable work) {
        long best = Long.MAX_VALUE;
        for (int i = 0; i < 150; i++) {
            long began = System.nanoTime();
            work.run();
            best = Math.min(best, System.nanoTime() - began);
        }
        return best;
    }
}
