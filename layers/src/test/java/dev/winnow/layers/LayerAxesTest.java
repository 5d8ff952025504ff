package dev.winnow.layers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.winnow.weights.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The ways in which decoder layers differ, each against the same layer computed plainly. */
class LayerAxesTest {
    private static final int WIDTH = 24;
    private static final int HEADS = 4;
    private static final int KV_HEADS = 2;
    private static final int DIM = 12;
    private static final int INNER = 20;
    private static final float EPSILON = 1e-5f;

    private final Random random = new Random(11);

    private float[] numbers(int n, double spread, double centre) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) x[i] = (float) (centre + spread * random.nextGaussian());
        return x;
    }

    private Linear linear(int out, int in) {
        return new Linear(Tensor.ofFloats("w", numbers(out * in, 0.3, 0), out, in), numbers(out, 0.2, 0));
    }

    private Norm rms(int width) {
        return new Norm.Rms(numbers(width, 0.2, 1), EPSILON);
    }

    private Norm layerNorm(int width) {
        return new Norm.Layer(numbers(width, 0.2, 1), numbers(width, 0.2, 0), EPSILON);
    }

    private Attention attention(AttentionMask mask, int rotated) {
        return new Attention(linear(HEADS * DIM, WIDTH), linear(KV_HEADS * DIM, WIDTH), linear(KV_HEADS * DIM, WIDTH),
                linear(WIDTH, HEADS * DIM), HEADS, KV_HEADS, DIM, 0.4f, mask, new RotaryEmbedding(rotated, 100, new RopeScaling.None()));
    }

    private Mlp.Dense gated() {
        return new Mlp.Gated(linear(INNER, WIDTH), linear(INNER, WIDTH), linear(WIDTH, INNER), Activation.SILU);
    }

    private Mlp experts(int active, boolean normalised) {
        return new Mlp.MixtureOfExperts(linear(5, WIDTH), Stream.generate(this::gated).limit(5).toList(), active, normalised);
    }

    private RelativePositionBias relative() {
        int tokens = 40;
        int[] index = new int[tokens * tokens];
        for (int i = 0; i < index.length; i++) index[i] = (i / tokens * 7 + i % tokens * 3) % 11;
        return new RelativePositionBias(tokens, 11, index, numbers(HEADS * 11, 1, 0));
    }

    private enum Axis {
        PRE_NORM, POST_NORM, SANDWICH, SCALED, PARALLEL, PARALLEL_SCALED, HEAD_NORMS, WIDE_NORMS, SOFTCAP, PARTIAL_ROTARY, WINDOW,
        EXPERTS, EXPERTS_AS_THEY_ARE, LAYER_SCALE, RELATIVE_POSITIONS, ALL_AT_ONCE
    }

    private TransformerLayer layer(Axis axis) {
        Attention plain = attention(AttentionMask.CAUSAL, DIM);
        Norm before = rms(WIDTH);
        Norm between = layerNorm(WIDTH);
        return switch (axis) {
            case PRE_NORM -> new TransformerLayer(before, plain, between, gated());
            case POST_NORM -> new TransformerLayer(null, plain, null, gated(), Residual.normed(rms(WIDTH), rms(WIDTH)));
            case SANDWICH -> new TransformerLayer(before, plain, between, gated(), Residual.normed(rms(WIDTH), layerNorm(WIDTH)));
            case SCALED -> new TransformerLayer(before, plain, between, gated(), Residual.scaled(0.3f));
            case PARALLEL -> new TransformerLayer(before, plain, between, new Mlp.Plain(linear(INNER, WIDTH), linear(WIDTH, INNER),
                    Activation.RELU), Residual.PARALLEL);
            case PARALLEL_SCALED -> new TransformerLayer(before, plain, null, experts(2, true), new Residual(null, rms(WIDTH), 0.7f, true));
            case HEAD_NORMS -> new TransformerLayer(before, plain.withNorms(rms(DIM), layerNorm(DIM)), between, gated());
            case WIDE_NORMS -> new TransformerLayer(before, plain.withNorms(rms(HEADS * DIM), rms(KV_HEADS * DIM)), between, gated());
            case SOFTCAP -> new TransformerLayer(before, plain.withScale(1.5f).withSoftcap(2f), between, gated());
            case PARTIAL_ROTARY -> new TransformerLayer(before, attention(AttentionMask.CAUSAL, 4), between, gated());
            case WINDOW -> new TransformerLayer(before, attention(AttentionMask.sliding(6), DIM), between, gated());
            case EXPERTS -> new TransformerLayer(before, plain, between, experts(2, true));
            case EXPERTS_AS_THEY_ARE -> new TransformerLayer(before, plain, between, experts(3, false), Residual.scaled(0.5f));
            case LAYER_SCALE -> new TransformerLayer(before, plain, between, gated(),
                    Residual.normed(new Norm.Factors(numbers(WIDTH, 0.5, 0)), new Norm.Factors(numbers(WIDTH, 0.5, 0))));
            case RELATIVE_POSITIONS -> new TransformerLayer(before, plain.withRelative(relative()), between, gated());
            case ALL_AT_ONCE -> new TransformerLayer(before, attention(AttentionMask.sliding(9), 8).withNorms(rms(DIM), rms(KV_HEADS * DIM))
                    .withSoftcap(3f), between, experts(1, false), new Residual(rms(WIDTH), layerNorm(WIDTH), 0.8f, false));
        };
    }

    private static float[] run(CompiledLayer layer, float[] x, int n, KeyValues kv, int from) {
        float[] y = Arrays.copyOf(x, n * WIDTH);
        Workspace workspace = new Workspace();
        layer.attend(y, n, IntStream.range(from, from + n).toArray(), null, kv, List.of(), workspace);
        layer.mlp(y, n, workspace);
        return y;
    }

    private static KeyValues cache() {
        return new KeyValues(KV_HEADS, DIM, 4);
    }

    private static void assertClose(float[] actual, double[][] expected) {
        for (int i = 0; i < actual.length; i++) {
            assertThat((double) actual[i]).as("element " + i).isCloseTo(expected[i / WIDTH][i % WIDTH], within(2e-4));
        }
    }

    @ParameterizedTest
    @EnumSource(Axis.class)
    void equalsThePlainLayer(Axis axis) {
        TransformerLayer layer = layer(axis);
        for (int n : new int[] {1, 5, 40}) {
            float[] x = numbers(n * WIDTH, 1, 0);
            double[][] expected = PlainLayer.run(layer, rows(x, n));
            assertClose(run(new CpuBackend(new PanamaKernels(), Workers.shared()).compile(layer), x, n, cache(), 0), expected);
            assertClose(run(new CpuBackend(new ScalarKernels(), Workers.shared()).compile(layer), x, n, cache(), 0), expected);
        }
    }

    @ParameterizedTest
    @EnumSource(Axis.class)
    void decodesTokenByToken(Axis axis) {
        TransformerLayer layer = layer(axis);
        CompiledLayer compiled = CpuBackend.create().compile(layer);
        int n = 17;
        float[] x = numbers(n * WIDTH, 1, 0);
        double[][] expected = PlainLayer.run(layer, rows(x, n));
        KeyValues kv = cache();
        for (int i = 0; i < n; i++) {
            assertClose(run(compiled, Arrays.copyOfRange(x, i * WIDTH, (i + 1) * WIDTH), 1, kv, i), new double[][] {expected[i]});
        }
    }

    private static double[][] rows(float[] x, int n) {
        double[][] rows = new double[n][WIDTH];
        for (int i = 0; i < x.length; i++) rows[i / WIDTH][i % WIDTH] = x[i];
        return rows;
    }

    /** What methods ask of a layer without running it goes through the same norms and bounds. */
    @ParameterizedTest
    @EnumSource(Axis.class)
    void lookingAheadSeesWhatTheLayerWillDo(Axis axis) {
        CompiledLayer layer = CpuBackend.create().compile(layer(axis));
        int n = 13;
        int[] positions = IntStream.range(0, n).toArray();
        float[] x = numbers(n * WIDTH, 1, 0);
        float[] untouched = x.clone();
        Workspace workspace = new Workspace();
        float[] ahead = layer.attentionAhead(x, n, positions, Probe.lastRows(3), workspace);
        float[] keys = layer.project(CompiledLayer.Projection.KEY, x, n, positions, workspace);
        assertThat(x).isEqualTo(untouched);
        KeyValues kv = cache();
        float[] rows = layer.attend(x, n, positions, null, kv, List.of(Probe.lastRows(3)), workspace).getFirst();
        for (int i = 0; i < rows.length; i++) assertThat(ahead[i]).isCloseTo(rows[i], within(1e-5f));
        for (int h = 0; h < KV_HEADS; h++) {
            for (int i = 0; i < n; i++) {
                assertThat(Arrays.copyOfRange(keys, (i * KV_HEADS + h) * DIM, (i * KV_HEADS + h + 1) * DIM))
                        .isEqualTo(Arrays.copyOfRange(kv.keys(), kv.offset(h) + i * DIM, kv.offset(h) + (i + 1) * DIM));
            }
        }
    }

    @Test
    void aThresholdOfZeroLeavesLayersAsTheyAre() {
        for (Axis axis : List.of(Axis.PRE_NORM, Axis.POST_NORM, Axis.SANDWICH, Axis.SCALED)) {
            CompiledLayer layer = CpuBackend.create().compile(layer(axis));
            for (int n : new int[] {1, 3}) {
                float[] x = numbers(n * WIDTH, 1, 0);
                float[] thresholded = x.clone();
                layer.mlp(x, n, new Workspace());
                layer.mlp(0f, thresholded, n, new Workspace());
                for (int i = 0; i < x.length; i++) assertThat(thresholded[i]).as(axis.name()).isCloseTo(x[i], within(1e-5f));
            }
        }
        for (Axis axis : List.of(Axis.PARALLEL, Axis.EXPERTS)) {
            CompiledLayer layer = CpuBackend.create().compile(layer(axis));
            assertThatThrownBy(() -> layer.mlp(0f, new float[WIDTH], 1, new Workspace())).isInstanceOf(UnsupportedOperationException.class);
            assertThatThrownBy(() -> layer.neurons(new float[WIDTH], 1, new Workspace())).isInstanceOf(UnsupportedOperationException.class);
        }
    }

    @Test
    void onlyExpertsThatRunCount() {
        CompiledLayer layer = CpuBackend.create().compile(layer(Axis.EXPERTS));
        Workspace workspace = new Workspace();
        layer.mlp(numbers(7 * WIDTH, 1, 0), 7, workspace);
        assertThat(workspace.work().flops()).isEqualTo(2L * 7 * (5 * WIDTH + 2 * 3 * WIDTH * INNER));
    }

    @Test
    void equalExpertsGoToTheFirst() {
        Mlp.MixtureOfExperts mixture = (Mlp.MixtureOfExperts) experts(2, true);
        ExpertChoice choice = ExpertChoice.of(new ScalarKernels(), mixture, new float[] {1, 2, 2, 1, 2, 0, 0, 0, 0, 0}, 2);
        assertThat(choice.tokens()).isEqualTo(new int[][] {{1}, {0, 1}, {0}, {}, {}});
        assertThat(choice.weights()).isEqualTo(new float[][] {{0.5f}, {0.5f, 0.5f}, {0.5f}, {}, {}});
        assertThatThrownBy(() -> new Mlp.MixtureOfExperts(linear(4, WIDTH), mixture.experts(), 2, true))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aLongContextIsBoundedToo() {
        int n = 1600;
        TransformerLayer layer = layer(Axis.SOFTCAP);
        float[] x = numbers(n * WIDTH, 1, 0);
        double[][] expected = PlainLayer.run(layer, rows(x, n));
        CompiledLayer compiled = CpuBackend.create().compile(layer);
        KeyValues kv = cache();
        run(compiled, x, n - 1, kv, 0);
        assertClose(run(compiled, Arrays.copyOfRange(x, (n - 1) * WIDTH, n * WIDTH), 1, kv, n - 1), new double[][] {expected[n - 1]});
    }

    /** Within one layer keys do not depend on other tokens, so turning them is the same as making them anew. */
    @Test
    void keysFollowASequenceThatOutgrowsItsTrainedLength() {
        int n = 15;
        List<Double> longer = List.of(2.0, 3.0, 5.0, 4.0, 6.0, 7.0);
        RotaryEmbedding rotary = new RotaryEmbedding(DIM, 100,
                new RopeScaling.LongRope(Stream.generate(() -> 1.0).limit(DIM / 2).toList(), longer, 10, 1.2));
        Attention a = attention(AttentionMask.CAUSAL, DIM);
        CompiledLayer layer = CpuBackend.create().compile(new TransformerLayer(rms(WIDTH), new Attention(a.query(), a.key(), a.value(),
                a.output(), HEADS, KV_HEADS, DIM, a.scale(), a.mask(), rotary), rms(WIDTH), gated()));
        float[] x = numbers(n * WIDTH, 1, 0);
        float[] whole = run(layer, x, n, cache(), 0);
        KeyValues kv = cache();
        run(layer, x, 8, kv, 0);
        for (int i = 8; i < n; i++) {
            // taking tokens back over the edge turns nothing twice
            if (i == 12) kv.rewind(1);
            int at = i == 12 ? 11 : i;
            float[] step = run(layer, Arrays.copyOfRange(x, at * WIDTH, (at + 1) * WIDTH), 1, kv, at);
            if (i == 12) step = run(layer, Arrays.copyOfRange(x, i * WIDTH, (i + 1) * WIDTH), 1, kv, i);
            for (int c = 0; i >= 10 && c < WIDTH; c++) assertThat(step[c]).as("token " + i).isCloseTo(whole[i * WIDTH + c], within(2e-5f));
        }
    }

    @Test
    void rowsOfAMapAreAViewAndAnotherOrderIsACopy() {
        Linear whole = linear(6, 3);
        Linear part = whole.rows(2, 3);
        assertThat(part.weight().toFloats()).isEqualTo(Arrays.copyOfRange(whole.weight().toFloats(), 6, 15));
        assertThat(part.bias()).isEqualTo(Arrays.copyOfRange(whole.bias(), 2, 5));
        assertThat(part.weight().data().asOverlappingSlice(whole.weight().data())).isPresent();
        Linear turned = whole.gathered(new int[] {5, 0});
        assertThat(turned.weight().toFloats()).startsWith(Arrays.copyOfRange(whole.weight().toFloats(), 15, 18));
        assertThat(turned.bias()).isEqualTo(new float[] {whole.bias()[5], whole.bias()[0]});
    }
}
