package dev.winnow.reduction.methods.depth;

import static dev.winnow.reduction.SmallModel.WIDTH;
import static dev.winnow.reduction.SmallModel.difference;
import static dev.winnow.reduction.SmallModel.live;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.layers.CompiledLayer;
import dev.winnow.layers.KvCache;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.SmallModel;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** CATS in a whole model; that leaving rows out is the masked computation is tested with the layer (invariant 28). */
class CatsTest {
    private static final int PROMPT = 30;
    private final SmallModel model = SmallModel.language(3);
    private final float[] prompt = SmallModel.states(8, PROMPT);
    private final float[] state = SmallModel.states(9, 1);

    private float[] run(String... specs) {
        KvCache cache = model.cache();
        Schedule schedule = model.schedule(specs);
        float[] hidden = live(model.prefill(prompt, cache, schedule));
        float[] both = Arrays.copyOf(hidden, hidden.length + WIDTH);
        System.arraycopy(model.step(state, cache, schedule), 0, both, hidden.length, WIDTH);
        return both;
    }

    /** Invariant 28. */
    @Test
    void withNothingOffItIsDense() {
        float[] dense = run();
        assertThat(run("cats:sparsity=0")).isEqualTo(dense);
        assertThat(difference(run("cats:thresholds=0"), dense)).isLessThan(1e-4);
        assertThat(difference(run("cats:sparsity=0.7"), dense)).isGreaterThan(1e-3);
    }

    /** Invariant 28: the quantile of the gates gives the density asked for, within one of them. */
    @Test
    void calibratedThresholdsGiveTheSparsity() {
        for (double sparsity : new double[] {0.1, 0.5, 0.9}) {
            for (int tokens : new int[] {7, PROMPT}) {
                KvCache cache = model.cache();
                model.prefill(prompt, cache, model.schedule("cats:sparsity=" + sparsity + ",calibrate=" + tokens));
                CompiledLayer first = model.layers().getFirst();
                float[] x = prompt.clone();
                first.attend(x, PROMPT, IntStream.range(0, PROMPT).toArray(), null, model.cache().layer(0), List.of(), new Workspace());
                float[] gates = first.neurons(Arrays.copyOfRange(x, (PROMPT - tokens) * WIDTH, PROMPT * WIDTH), tokens, new Workspace());
                int off = 0;
                for (float g : gates) if (Math.abs(g) <= cache.threshold(0)) off++;
                assertThat((double) off).isBetween(sparsity * gates.length - 1, sparsity * gates.length + 1);
            }
        }
    }

    @Test
    void withAllNeuronsOffOnlyTheBiasIsLeft() {
        SmallModel one = SmallModel.language(1);
        KvCache cache = one.cache();
        Schedule schedule = one.schedule("cats:thresholds=1000");
        one.prefill(prompt, cache, schedule);
        KvCache dense = one.cache();
        one.prefill(prompt, dense, one.schedule());
        float[] expected = state.clone();
        CompiledLayer layer = one.layers().getFirst();
        layer.attend(expected, 1, new int[] {PROMPT}, null, dense.layer(0), List.of(), new Workspace());
        float[] bias = ((Mlp.Dense) layer.description().mlp()).down().bias();
        for (int c = 0; c < WIDTH; c++) expected[c] += bias[c];
        assertThat(one.step(state, cache, schedule)).isEqualTo(expected);
    }

    @Test
    void sequencesHaveTheirOwnThresholds() {
        Schedule schedule = model.schedule("cats:sparsity=0.5");
        KvCache one = model.cache();
        KvCache other = model.cache();
        model.prefill(prompt, one, schedule);
        model.prefill(SmallModel.states(77, PROMPT), other, schedule);
        assertThat(one.threshold(1)).isPositive().isNotEqualTo(other.threshold(1));
    }

    @Test
    void thresholdsMayDifferByLayer() {
        KvCache cache = model.cache();
        model.prefill(prompt, cache, model.schedule("cats:thresholds=0.1/0.2/0.3"));
        assertThat(cache.threshold(2)).isEqualTo(0.3f);
        assertThatThrownBy(() -> model.schedule("cats:thresholds=0.1/0.2")).isInstanceOf(PlanException.class)
                .hasMessageContaining("2 thresholds for 3 layers");
        assertThatThrownBy(() -> SmallModel.vision(2, 9).schedule("cats")).isInstanceOf(PlanException.class).hasMessageContaining("cats");
    }

    @Test
    void composesWithDropsAndSkippedLayers() {
        KvCache cache = model.cache();
        Schedule schedule = model.schedule("fastv:k=2,keep=2,start=4,length=20", "cats:sparsity=0.5", "layerdrop:layers=0", "quest");
        assertThat(model.prefill(prompt, cache, schedule).count()).isEqualTo(12);
        assertThat(cache.threshold(0)).isNegative();
        assertThat(model.step(state, cache, schedule)).doesNotContain(Float.NaN);
    }
}
