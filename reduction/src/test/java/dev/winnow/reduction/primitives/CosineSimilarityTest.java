package dev.winnow.reduction.primitives;

import static dev.winnow.reduction.Features.gaussian;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.winnow.reduction.Features;
import dev.winnow.reduction.Threads;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class CosineSimilarityTest {
    @Property(tries = 60)
    void productsAreInnerProducts(@ForAll long seed, @ForAll @IntRange(min = 0, max = 60) int n, @ForAll @IntRange(min = 0, max = 60) int m,
                                  @ForAll @IntRange(min = 1, max = 900) int width) {
        float[] a = gaussian(seed, n * width);
        float[] b = gaussian(seed + 1, m * width);
        float[] products = CosineSimilarity.products(a, n, b, m, width);
        assertThat(products).hasSize(n * m);
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < m; j++) {
                double sum = 0;
                for (int c = 0; c < width; c++) sum += (double) a[i * width + c] * b[j * width + c];
                assertThat((double) products[i * m + j]).isCloseTo(sum, within(1e-4 * Math.sqrt(width)));
            }
        }
    }

    /** Equal rows among those searched, so that the first of equals has to be found too. */
    @Property(tries = 60)
    void theNearestIsTheOneWithTheLargestProduct(@ForAll long seed, @ForAll @IntRange(min = 0, max = 600) int n,
                                                 @ForAll @IntRange(min = 1, max = 120) int m,
                                                 @ForAll @IntRange(min = 1, max = 900) int width) {
        float[] a = gaussian(seed, (n + 1) * width);
        float[] b = gaussian(seed + 1, m * width);
        for (int j = m / 2; j < m; j++) System.arraycopy(b, j / 3 * width, b, j * width, width);
        int[] rows = IntStream.range(0, n).map(i -> n - i).toArray();
        CosineSimilarity.Nearest nearest = CosineSimilarity.nearest(a, rows, b, m, width);
        float[] products = CosineSimilarity.products(CosineSimilarity.gather(a, width, rows), n, b, m, width);
        assertThat(nearest.index()).isEqualTo(CosineSimilarity.nearest(products, n, m));
        for (int i = 0; i < n; i++) assertThat(nearest.product()[i]).isEqualTo(products[i * m + nearest.index()[i]]);
    }

    /** Invariant 47. */
    @Test
    void threadsDoNotMatterToTheNearest() {
        float[] x = gaussian(3, 3000 * 64);
        int[] rows = IntStream.range(500, 3000).toArray();
        Supplier<CosineSimilarity.Nearest> nearest = () -> CosineSimilarity.nearest(x, rows, x, 500, 64);
        CosineSimilarity.Nearest one = Threads.with(1, nearest);
        CosineSimilarity.Nearest four = Threads.with(4, nearest);
        assertThat(four.index()).isEqualTo(one.index());
        assertThat(four.product()).isEqualTo(one.product());
    }

    /** Invariant 47. */
    @Test
    void threadsDoNotMatter() {
        Supplier<float[]> products = () -> Features.similarity(1, 150, 500);
        assertThat(Threads.with(4, products)).isEqualTo(Threads.with(1, products));
    }
}
