package dev.winnow.reduction.methods.depth;

import static dev.winnow.reduction.SmallModel.WIDTH;
import static dev.winnow.reduction.SmallModel.live;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.winnow.layers.CompiledLayer;
import dev.winnow.layers.KeyValues;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.SmallModel;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.Tokens;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** A-ViT against a loop that gathers the tokens still running layer by layer and sums up as the authors' code does. */
class AVitTest {
    private static final int DEPTH = 5;
    private static final int PATCHES = 16;
    private static final int N = PATCHES + 1;
    private final SmallModel model = SmallModel.vision(DEPTH, PATCHES);
    private final float[] states = SmallModel.states(6, N);

    private Tokens run(String spec, StackListener listener) {
        return model.run(states, TokenLedger.patches(PATCHES, true, 0), null, model.schedule(spec), listener);
    }

    /** What tokens leave with, and how many run each layer. */
    private double[][] plain(double scale, double centre, double epsilon, List<Integer> running) {
        float[] x = states.clone();
        double[][] output = new double[N][WIDTH];
        double[] sum = new double[N];
        double[] missing = new double[N];
        Arrays.fill(missing, 1);
        for (int l = 0; l < DEPTH; l++) {
            int[] alive = IntStream.range(0, N).filter(i -> sum[i] <= 1 - epsilon).toArray();
            running.add(alive.length);
            float[] few = new float[alive.length * WIDTH];
            for (int i = 0; i < alive.length; i++) System.arraycopy(x, alive[i] * WIDTH, few, i * WIDTH, WIDTH);
            CompiledLayer layer = model.layers().get(l);
            KeyValues kv = new KeyValues(layer.description().attention().kvHeads(), layer.description().attention().headDim(), N);
            layer.attend(few, alive.length, IntStream.range(0, alive.length).toArray(), null, kv, List.of(), new Workspace());
            layer.mlp(few, alive.length, new Workspace());
            for (int i = 0; i < alive.length; i++) {
                int t = alive[i];
                System.arraycopy(few, i * WIDTH, x, t * WIDTH, WIDTH);
                double h = l == DEPTH - 1 ? 1 : 1 / (1 + Math.exp(-(scale * few[i * WIDTH] - centre)));
                sum[t] += h;
                double weight = sum[t] > 1 - epsilon ? missing[t] : h;
                missing[t] -= h;
                for (int c = 0; c < WIDTH; c++) output[t][c] += weight * few[i * WIDTH + c];
            }
        }
        return output;
    }

    @Test
    void tokensHaltWhenTheyAreDoneAndLeaveWithWhatTheyWere() {
        List<Integer> expected = new ArrayList<>();
        double[][] output = plain(2, 1, 0.05, expected);
        assertThat(expected).as("some halt early, some run to the end").startsWith(N).isSortedAccordingTo(Comparator.reverseOrder())
                .anyMatch(count -> count < N - 3).allMatch(count -> count > 3);
        List<Integer> ran = new ArrayList<>();
        Tokens tokens = run("avit:scale=2,centre=1,epsilon=0.05", new StackListener() {
            @Override
            public void ran(Stage stage, int layer, int count) {
                ran.add(count);
            }
        });
        assertThat(ran).isEqualTo(expected);
        assertThat(tokens.count()).isEqualTo(N);
        for (int i = 0; i < N; i++) {
            for (int c = 0; c < WIDTH; c++) assertThat((double) tokens.hidden()[i * WIDTH + c]).isCloseTo(output[i][c], within(1e-4));
        }
    }

    /** Invariant 43. */
    @Test
    void haltingBehindTheLastLayerOnlyIsDense() {
        assertThat(live(run("avit:centre=1000000", StackListener.NONE))).isEqualTo(live(model.encode(states, model.schedule())));
        float[] halted = live(run("avit:scale=2,centre=1", StackListener.NONE));
        assertThat(SmallModel.difference(halted, live(model.encode(states, model.schedule())))).isGreaterThan(1e-2);
    }

    /** All done behind the first layer: what follows runs for nobody, and the states of the first layer come out. */
    @Test
    void whenAllHaltNothingRuns() {
        List<Integer> ran = new ArrayList<>();
        float[] first = new float[N * WIDTH];
        Tokens tokens = run("avit:scale=0,centre=-1000", new StackListener() {
            @Override
            public void ran(Stage stage, int layer, int count) {
                ran.add(count);
            }

            @Override
            public void layer(Stage stage, int layer, Tokens now) {
                if (layer == 0) System.arraycopy(now.hidden(), 0, first, 0, first.length);
            }
        });
        assertThat(ran).containsExactly(N, 0, 0, 0, 0);
        assertThat(live(tokens)).isEqualTo(first);
    }

    @Test
    void getsAlongWithMethodsThatDropAndMerge() {
        for (String other : List.of("evit:rate=0.5,layers=1", "tome:r=3")) {
            Tokens tokens = model.encode(states, model.schedule("avit:scale=1,centre=2", other));
            assertThat(tokens.count()).as(other).isLessThan(N);
            assertThat(live(tokens)).doesNotContain(Float.NaN);
        }
        Schedule blind = model.schedule("avit:scale=2,centre=1", "evit:layers=2");
        assertThatThrownBy(() -> model.encode(states, blind)).isInstanceOf(PlanException.class).hasMessageContaining("class token");
        assertThatThrownBy(() -> SmallModel.language(2).schedule("avit")).isInstanceOf(PlanException.class).hasMessageContaining("tower");
    }
}
