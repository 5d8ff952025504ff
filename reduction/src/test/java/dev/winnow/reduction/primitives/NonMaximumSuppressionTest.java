package dev.winnow.reduction.primitives;

import static org.assertj.core.api.Assertions.assertThat;

import dev.winnow.reduction.Features;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class NonMaximumSuppressionTest {
    private static final int N = 40;

    @Property(tries = 60)
    void nobodyChosenIsLikeAnotherAndNobodyBetterWasLeft(@ForAll long seed) {
        float[] similarity = Features.similarity(seed, N, 3);
        float[] scores = new float[N];
        Random random = new Random(seed);
        for (int i = 0; i < N; i++) scores[i] = random.nextInt(9);
        double threshold = 0.6;
        int[] chosen = NonMaximumSuppression.select(scores, similarity, threshold, 7);
        List<Integer> expected = new ArrayList<>();
        for (int i : IntStream.range(0, N).boxed().sorted(Comparator.comparingDouble(i -> -scores[i])).toList()) {
            if (expected.size() < 7 && expected.stream().noneMatch(j -> similarity[i * N + j] > threshold)) expected.add(i);
        }
        assertThat(IntStream.of(chosen).boxed().toList()).isEqualTo(expected);
    }

    @Test
    void stopsWhenAllOthersAreAlike() {
        float[] same = {1, 1, 0, 1, 1, 0, 0, 0, 1};
        assertThat(NonMaximumSuppression.select(new float[] {1, 2, 0}, same, 0.9, 3)).containsExactly(1, 2);
        assertThat(NonMaximumSuppression.select(new float[] {1, 2, 0}, same, 1, 3)).as("no more than one").containsExactly(1, 0, 2);
        assertThat(NonMaximumSuppression.select(new float[] {1, 2, 0}, same, 0.9, 0)).isEmpty();
    }
}
