package dev.winnow.runtime.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class SamplerTest {
    private static final float NEVER = Float.NEGATIVE_INFINITY;
    private static final SamplingOptions PLAIN = SamplingOptions.greedy().withTemperature(1);

    private static int next(SamplingOptions options, float... logits) {
        return new Sampler(options).next(logits, new int[0], 0);
    }

    @Test
    void greedyTakesTheFirstOfTheHighest() {
        assertThat(next(SamplingOptions.greedy(), 1, 3, 3, 2)).isEqualTo(1);
        assertThat(next(SamplingOptions.greedy(), NEVER, NEVER, -5, NEVER)).isEqualTo(2);
    }

    @Test
    void thePenaltyCountsEachTokenOnceAndSparesTheCaller() {
        float[] logits = {4, 3, -1, -1.5f};
        Sampler sampler = new Sampler(SamplingOptions.greedy().withRepetitionPenalty(1.3));
        // 4 / 1.3 is still more than 3; twice divided it would not be
        assertThat(sampler.next(logits, new int[] {0, 0, 99, -1}, 4)).isEqualTo(0);
        assertThat(logits).containsExactly(4, 3, -1, -1.5f);
        assertThat(new Sampler(SamplingOptions.greedy().withRepetitionPenalty(2)).next(logits, new int[] {0, 1}, 1)).isEqualTo(1);
    }

    @Test
    void aSeedGivesTheSameTokensEverywhere() {
        float[] logits = {0.5f, 1, 1.5f, 2, NEVER, 0};
        SamplingOptions options = PLAIN.withSeed(42);
        int[] first = draw(new Sampler(options), logits, 12);
        assertThat(draw(new Sampler(options), logits, 12)).containsExactly(first);
        assertThat(draw(new Sampler(options.withSeed(43)), logits, 12)).isNotEqualTo(first);
    }

    private static int[] draw(Sampler sampler, float[] logits, int count) {
        return IntStream.range(0, count).map(i -> sampler.next(logits, new int[0], 0)).toArray();
    }

    @Test
    void drawsAreAsFrequentAsTheSoftmaxSays() {
        float[] logits = {1, 0, NEVER, 2};
        double total = Math.exp(1) + 1 + Math.exp(2);
        int draws = 40_000;
        int[] drawn = draw(new Sampler(PLAIN), logits, draws);
        for (int id = 0; id < logits.length; id++) {
            int token = id;
            double share = Arrays.stream(drawn).filter(each -> each == token).count() / (double) draws;
            assertThat(share).isCloseTo(Math.exp(logits[id]) / total, within(0.01));
        }
    }

    @Test
    void aTinyTemperatureIsGreedy() {
        assertThat(draw(new Sampler(PLAIN.withTemperature(1e-30)), new float[] {1, 1.5f, -3e38f, 1.4f}, 20)).containsOnly(1);
    }

    @Test
    void impossibleLogitsAreRefused() {
        assertThatThrownBy(() -> next(PLAIN, 0, Float.NaN)).isInstanceOf(IllegalStateException.class)
                .hasMessage("the logit of token 1 is NaN; no token can be chosen");
        assertThatThrownBy(() -> next(SamplingOptions.greedy(), Float.POSITIVE_INFINITY)).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("token 0 is Infinity");
        assertThatThrownBy(() -> next(PLAIN, NEVER, NEVER)).isInstanceOf(IllegalStateException.class)
                .hasMessage("the logits leave no token possible");
    }

    // few different values, so that many are equal
    private static float[] logits(List<Integer> halves) {
        float[] logits = new float[halves.size()];
        for (int i = 0; i < logits.length; i++) logits[i] = halves.get(i) / 2f;
        return logits;
    }

    @Property
    void theCheapRankingKeepsWhatSortingKeeps(
            @ForAll @Size(min = 1, max = 60) List<@IntRange(min = -8, max = 8) Integer> halves,
            @ForAll @IntRange(min = 1, max = 60) int k) {
        float[] logits = logits(halves);
        Candidates candidates = new Candidates();
        candidates.reset(logits);
        new TopK(k).warp(candidates);
        float[] sorted = logits.clone();
        Arrays.sort(sorted);
        float lowest = sorted[Math.max(0, sorted.length - k)];
        int[] expected = IntStream.range(0, logits.length).filter(id -> logits[id] >= lowest).toArray();
        assertThat(Arrays.stream(candidates.ids, 0, candidates.size).sorted().toArray()).containsExactly(expected);
    }

    @Property
    void topPKeepsTheFewestThatReachIt(
            @ForAll @Size(min = 1, max = 40) List<@IntRange(min = -8, max = 8) Integer> halves,
            @ForAll @IntRange(min = 1, max = 99) int percent) {
        float[] logits = logits(halves);
        Candidates candidates = new Candidates();
        candidates.reset(logits);
        new TopP(percent / 100.0).warp(candidates);
        double total = IntStream.range(0, logits.length).mapToDouble(i -> Math.exp(logits[i])).sum();
        double kept = IntStream.range(0, candidates.size).mapToDouble(i -> Math.exp(candidates.logits[i])).sum();
        double last = Math.exp(candidates.logits[candidates.size - 1]);
        assertThat(kept / total).isGreaterThanOrEqualTo(percent / 100.0 - 1e-9);
        assertThat((kept - last) / total).isLessThan(percent / 100.0 + 1e-9);
        for (int i = 1; i < candidates.size; i++) {
            boolean falling = candidates.logits[i - 1] > candidates.logits[i];
            boolean byId = candidates.logits[i - 1] == candidates.logits[i] && candidates.ids[i - 1] < candidates.ids[i];
            assertThat(falling || byId).isTrue();
        }
    }

    @Test
    void optionsOutOfRangeAreRefused() {
        assertThatThrownBy(() -> PLAIN.withTemperature(-1)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("temperature must be 0 or more, not -1.0");
        assertThatThrownBy(() -> PLAIN.withTemperature(Double.NaN)).hasMessageContaining("not NaN");
        assertThatThrownBy(() -> PLAIN.withTopK(-1)).hasMessage("top-k must be 0 (off) or more, not -1");
        assertThatThrownBy(() -> PLAIN.withTopP(0)).hasMessage("top-p must be above 0 and at most 1, not 0.0");
        assertThatThrownBy(() -> PLAIN.withMinP(1.5)).hasMessage("min-p must be between 0 and 1, not 1.5");
        assertThatThrownBy(() -> PLAIN.withRepetitionPenalty(0)).hasMessage("repetition penalty must be above 0, not 0.0");
        assertThat(PLAIN.withMinP(1).isGreedy()).isFalse();
        assertThat(draw(new Sampler(PLAIN.withMinP(1)), new float[] {0, 1, 0.9f}, 20)).containsOnly(1);
    }
}
