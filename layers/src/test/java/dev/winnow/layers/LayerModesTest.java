package dev.winnow.layers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** One layer run in other ways than the dense one: invariants 27 to 29 and 31 to 33. */
class LayerModesTest {
    private static final ThreadMXBean CLOCK = ManagementFactory.getThreadMXBean();
    private static final int WIDTH = 24;
    private static final int HEADS = 4;
    private static final int KV_HEADS = 2;
    private static final int DIM = 8;
    private static final int INNER = 80;

    private final Random random = new Random(12);

    private float[] numbers(int n, double spread) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) x[i] = (float) (spread * random.nextGaussian());
        return x;
    }

    private Linear linear(int out, int in, DType type) {
        return new Linear(Stored.tensor(numbers(out * in, 0.3), type, out, in), numbers(out, 0.1));
    }

    private TransformerLayer description(AttentionMask mask, boolean rotary, boolean gated, DType type) {
        return new TransformerLayer(new Norm.Rms(numbers(WIDTH, 1), 1e-5f),
                new Attention(linear(HEADS * DIM, WIDTH, type), linear(KV_HEADS * DIM, WIDTH, type), linear(KV_HEADS * DIM, WIDTH, type),
                        linear(WIDTH, HEADS * DIM, type), HEADS, KV_HEADS, DIM, 0.35f, mask,
                        rotary ? new RotaryEmbedding(DIM, 10000, new RopeScaling.None()) : null),
                new Norm.Rms(numbers(WIDTH, 1), 1e-5f),
                gated ? new Mlp.Gated(linear(INNER, WIDTH, type), linear(INNER, WIDTH, type), linear(WIDTH, INNER, type), Activation.SILU)
                        : new Mlp.Plain(linear(INNER, WIDTH, type), linear(WIDTH, INNER, type), Activation.GELU));
    }

    private CompiledLayer layer(AttentionMask mask, boolean rotary) {
        return CpuBackend.create().compile(description(mask, rotary, true, DType.F32));
    }

    private static KeyValues cache() {
        return new KeyValues(KV_HEADS, DIM, 4);
    }

    private static float[] attend(CompiledLayer layer, AttentionMode mode, float[] x, int[] positions, KeyValues kv) {
        float[] y = x.clone();
        if (mode == null) layer.attend(y, positions.length, positions, null, kv, List.of(), new Workspace());
        else layer.attend(mode, y, positions.length, positions, null, kv, List.of(), new Workspace());
        return y;
    }

    private static double difference(float[] a, float[] b) {
        assertThat(a).hasSameSizeAs(b);
        double worst = 0;
        for (int i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs(a[i] - b[i]));
        return worst;
    }

    private static float[] row(float[] x, int i) {
        return Arrays.copyOfRange(x, i * WIDTH, (i + 1) * WIDTH);
    }

    private static int[] range(int from, int to) {
        return IntStream.range(from, to).toArray();
    }

    /** Invariant 27, first half. */
    @Test
    void setsOfAllTokensAreDenseAttention() {
        int n = 40;
        CompiledLayer layer = layer(AttentionMask.CAUSAL, true);
        float[] x = numbers(n * WIDTH, 1);
        int[][] sets = new int[HEADS][];
        Arrays.setAll(sets, h -> range(0, n));
        KeyValues dense = cache();
        KeyValues sparse = cache();
        assertThat(difference(attend(layer, new AttentionMode.TokenSets(sets), x, range(0, n), sparse),
                attend(layer, null, x, range(0, n), dense))).isLessThan(1e-5);
        assertThat(sparse.length()).isEqualTo(n);
        // later tokens see what came before their own sets
        float[] more = numbers(n * WIDTH, 1);
        assertThat(difference(attend(layer, new AttentionMode.TokenSets(sets), more, range(n, 2 * n), sparse),
                attend(layer, null, more, range(n, 2 * n), dense))).isLessThan(1e-5);
    }

    /** Invariant 27, second half. */
    @Test
    void tokensInNoSetGetNothingAndTheirKeysAreKept() {
        int n = 20;
        TransformerLayer description = description(AttentionMask.CAUSAL, true, true, DType.F32);
        CompiledLayer layer = CpuBackend.create().compile(description);
        float[] x = numbers(n * WIDTH, 1);
        int[][] sets = {{0, 3, 19}, {1, 3, 19}, {3, 4, 19}, {3, 18, 19}};
        KeyValues kv = cache();
        float[] y = attend(layer, new AttentionMode.TokenSets(sets), x, range(0, n), kv);
        float[] bias = description.attention().output().bias();
        for (int c = 0; c < WIDTH; c++) assertThat(y[7 * WIDTH + c]).isEqualTo(x[7 * WIDTH + c] + bias[c]);
        assertThat(kv.length()).isEqualTo(n);
        assertThat(kv.length(1)).isEqualTo(n);
        // a short prompt of the tokens that all heads share, for the last of them only heads with the same set agree with it
        int[][] shared = new int[HEADS][];
        Arrays.setAll(shared, h -> new int[] {3, 9, 19});
        float[] few = new float[3 * WIDTH];
        for (int i = 0; i < 3; i++) System.arraycopy(x, shared[0][i] * WIDTH, few, i * WIDTH, WIDTH);
        float[] alone = attend(layer, null, few, shared[0], cache());
        float[] together = attend(layer, new AttentionMode.TokenSets(shared), x, range(0, n), cache());
        for (int i = 0; i < 3; i++) assertThat(difference(row(together, shared[0][i]), row(alone, i))).isLessThan(1e-5);
    }

    private final int[] owner = {0, 1, 2, 1, 3, 1, 4};
    private final int distinct = 5;

    private float[] repeated(float[] x) {
        float[] all = new float[owner.length * WIDTH];
        for (int i = 0; i < owner.length; i++) System.arraycopy(x, owner[i] * WIDTH, all, i * WIDTH, WIDTH);
        return all;
    }

    private float[] averaged(float[] all) {
        float[] mean = new float[distinct * WIDTH];
        int[] count = new int[distinct];
        for (int o : owner) count[o]++;
        for (int i = 0; i < all.length; i++) mean[owner[i / WIDTH] * WIDTH + i % WIDTH] += all[i] / count[owner[i / WIDTH]];
        return mean;
    }

    /** Invariant 31: the output projection is linear, so the mean after it shows what was before it. */
    @Test
    void copiesAttendAsDuplicatedTokensDo() {
        for (boolean rotary : new boolean[] {true, false}) {
            CompiledLayer layer = layer(AttentionMask.CAUSAL, rotary);
            float[] x = numbers(distinct * WIDTH, 1);
            KeyValues dense = cache();
            KeyValues copied = cache();
            float[] duplicates = attend(layer, null, repeated(x), range(0, owner.length), dense);
            float[] merged = attend(layer, new AttentionMode.Copies(owner, range(0, owner.length)), x, range(0, distinct), copied);
            assertThat(difference(merged, averaged(duplicates))).isLessThan(1e-5);
            for (int h = 0; h < KV_HEADS; h++) {
                float[] expected = Arrays.copyOfRange(dense.keys(), dense.offset(h), dense.offset(h) + owner.length * DIM);
                float[] keys = Arrays.copyOfRange(copied.keys(), copied.offset(h), copied.offset(h) + owner.length * DIM);
                assertThat(difference(keys, expected)).isLessThan(1e-6);
            }
        }
    }

    /** Invariant 32: without rotation and mask all copies of a token get the same. */
    @Test
    void withoutPositionsAndMaskMergingLosesNothing() {
        CompiledLayer layer = layer(AttentionMask.BIDIRECTIONAL, false);
        float[] x = numbers(distinct * WIDTH, 1);
        float[] duplicates = attend(layer, null, repeated(x), range(0, owner.length), cache());
        float[] merged = attend(layer, new AttentionMode.Copies(owner, range(0, owner.length)), x, range(0, distinct), cache());
        assertThat(difference(repeated(merged), duplicates)).isLessThan(1e-5);
    }

    /** Invariant 33: rotated copies differ; tokens that are alone are exact all the same. */
    @Test
    void withRotationCopiesDifferAndLoneTokensAreExact() {
        CompiledLayer layer = layer(AttentionMask.BIDIRECTIONAL, true);
        float[] x = numbers(distinct * WIDTH, 1);
        float[] duplicates = attend(layer, null, repeated(x), range(0, owner.length), cache());
        float[] merged = attend(layer, new AttentionMode.Copies(owner, range(0, owner.length)), x, range(0, distinct), cache());
        assertThat(difference(row(merged, 1), row(duplicates, 1))).isGreaterThan(1e-3);
        for (int i = 0; i < owner.length; i++) {
            if (owner[i] != 1) assertThat(difference(row(merged, owner[i]), row(duplicates, i))).isLessThan(1e-5);
        }
    }

    /** Tokens that stand at one position only, whatever the number of runs, are dense ones. */
    @Test
    void oneAndTheSamePositionForAllRunsIsDenseAttention() {
        int n = 9;
        CompiledLayer layer = layer(AttentionMask.CAUSAL, true);
        float[] x = numbers(n * WIDTH, 1);
        float[] dense = attend(layer, null, x, range(3, 3 + n), cache());
        for (int runs : new int[] {1, 2, 4}) {
            int[][] places = new int[n][runs];
            for (int i = 0; i < n; i++) Arrays.fill(places[i], 3 + i);
            assertThat(attend(layer, new AttentionMode.Sections(places), x, range(3, 3 + n), cache())).isEqualTo(dense);
        }
    }

    /** Each run of pairs is turned as that of a token at its position; half-split, so a pair is a channel and one half a head on. */
    @Test
    void eachRunTurnsByItsOwnPosition() {
        int n = 5;
        CompiledLayer layer = layer(AttentionMask.CAUSAL, true);
        float[] x = numbers(n * WIDTH, 1);
        int[][] places = {{0, 0}, {7, 3}, {7, 90}, {8, 8}, {1, 20}};
        KeyValues kv = cache();
        float[] y = attend(layer, new AttentionMode.Sections(places), x, range(0, n), kv);
        assertThat(difference(y, attend(layer, null, x, range(0, n), cache()))).isGreaterThan(1e-3);
        for (int run = 0; run < 2; run++) {
            KeyValues there = cache();
            int[] positions = new int[n];
            for (int i = 0; i < n; i++) positions[i] = places[i][run];
            attend(layer, null, x, positions, there);
            for (int h = 0; h < KV_HEADS; h++) {
                for (int i = 0; i < n; i++) {
                    for (int pair = run * DIM / 4; pair < (run + 1) * DIM / 4; pair++) {
                        for (int c : new int[] {pair, pair + DIM / 2}) {
                            assertThat(kv.keys()[kv.offset(h) + i * DIM + c]).isEqualTo(there.keys()[there.offset(h) + i * DIM + c]);
                        }
                    }
                }
            }
            assertThat(kv.values()).isEqualTo(there.values());
        }
        assertThat(Arrays.copyOf(kv.positions(1), n)).isEqualTo(range(0, n));
    }

    /** Invariant 17 for each run: logits go by distances, so all of a sequence may move. */
    @Test
    void sectionsMayMoveTogether() {
        int n = 6;
        CompiledLayer layer = layer(AttentionMask.CAUSAL, true);
        float[] x = numbers(n * WIDTH, 1);
        int[][] places = {{0, 0}, {2, 5}, {2, 5}, {9, 1}, {9, 9}, {10, 10}};
        int[][] moved = Arrays.stream(places).map(p -> Arrays.stream(p).map(i -> i + 40).toArray()).toArray(int[][]::new);
        assertThat(difference(attend(layer, new AttentionMode.Sections(moved), x, range(40, 40 + n), cache()),
                attend(layer, new AttentionMode.Sections(places), x, range(0, n), cache()))).isLessThan(1e-4);
    }

    @Test
    void runsThatDoNotDivideThePairsAreRefused() {
        CompiledLayer layer = layer(AttentionMask.CAUSAL, true);
        assertThatThrownBy(() -> attend(layer, new AttentionMode.Sections(new int[1][3]), numbers(WIDTH, 1), range(0, 1), cache()))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("3 equal runs");
    }

    /** Invariant 29. */
    @Test
    void theClassTokenNeedsNoOtherQueries() {
        int n = 17;
        TransformerLayer description = description(AttentionMask.BIDIRECTIONAL, false, false, DType.F32);
        CpuBackend backend = CpuBackend.create();
        CompiledLayer layer = backend.compile(description);
        float[] x = numbers(n * WIDTH, 1);
        KeyValues kv = cache();
        float[] full = attend(layer, null, x, range(0, n), kv);
        layer.mlp(full, n, new Workspace());

        float[] query = layer.project(CompiledLayer.Projection.QUERY, row(x, 0), 1, null, new Workspace());
        float[] attended = new float[HEADS * DIM];
        TiledAttention.attend(new ScalarKernels(), Workers.shared(), query, HEADS * DIM, 1, HEADS, new int[] {0}, kv,
                description.attention().scale(), AttentionMask.BIDIRECTIONAL, attended, HEADS * DIM);
        float[] alone = new float[WIDTH];
        backend.linear(description.attention().output(), attended, 1, alone, Activation.NONE, new Work());
        for (int c = 0; c < WIDTH; c++) alone[c] += x[c];
        layer.mlp(alone, 1, new Workspace());
        assertThat(difference(alone, row(full, 0))).isLessThan(1e-5);
    }

    private static float[] mlp(CompiledLayer layer, float threshold, float[] x, int n) {
        float[] y = x.clone();
        if (threshold < 0) layer.mlp(y, n, new Workspace());
        else layer.mlp(threshold, y, n, new Workspace());
        return y;
    }

    /** Invariant 28, first part. */
    @ParameterizedTest
    @EnumSource(value = DType.class, names = {"F32", "F16", "BF16"})
    void aThresholdOfZeroIsTheDenseMlp(DType type) {
        for (boolean gated : new boolean[] {true, false}) {
            CompiledLayer layer = CpuBackend.create().compile(description(AttentionMask.CAUSAL, true, gated, type));
            for (int n : new int[] {1, 5, 30}) {
                float[] x = numbers(n * WIDTH, 1);
                assertThat(difference(mlp(layer, 0, x, n), mlp(layer, -1, x, n))).isLessThan(2e-5);
            }
        }
    }

    /** Invariant 28, second part: the products over some rows are those over all rows with the others masked. */
    @ParameterizedTest
    @ValueSource(floats = {0.01f, 0.1f, 0.4f, 100})
    void gatheredRowsAreTheMaskedComputation(float threshold) {
        for (boolean gated : new boolean[] {true, false}) {
            CompiledLayer layer = CpuBackend.create().compile(description(AttentionMask.CAUSAL, true, gated, DType.BF16));
            float[] x = numbers(2 * WIDTH, 1);
            float[] masked = mlp(layer, threshold, x, 2);
            assertThat(difference(masked, mlp(layer, -1, x, 2))).isGreaterThan(1e-4);
            for (int i = 0; i < 2; i++) assertThat(difference(mlp(layer, threshold, row(x, i), 1), row(masked, i))).isLessThan(2e-5);
        }
    }

    @Test
    void neuronsThatAreOffAreNotComputed() {
        CompiledLayer layer = layer(AttentionMask.CAUSAL, true);
        float[] x = numbers(WIDTH, 1);
        float[] gates = layer.neurons(x, 1, new Workspace());
        int on = 0;
        for (float g : gates) if (Math.abs(g) > 0.2f) on++;
        Workspace workspace = new Workspace();
        layer.mlp(0.2f, x, 1, workspace);
        assertThat(on).isBetween(1, INNER - 1);
        assertThat(workspace.work().flops()).isEqualTo(2L * WIDTH * (INNER + 2 * on));
    }

    /**
     * What it is for: a step that reads a tenth of two of three matrices. The fastest of several runs, by processor time; where the JVM's
     * compilers wait for other processes, after a while.
     */
    @Test
    void fewNeuronsCostLessThanAll() throws InterruptedException {
        int width = 512;
        int inner = 2048;
        Linear gate = new Linear(Tensor.ofFloats("w", numbers(inner * width, 0.05), inner, width), null);
        Linear up = new Linear(Tensor.ofFloats("w", numbers(inner * width, 0.05), inner, width), null);
        Linear down = new Linear(Tensor.ofFloats("w", numbers(inner * width, 0.05), width, inner), null);
        Norm norm = new Norm.Rms(numbers(width, 1), 1e-5f);
        Attention attention = new Attention(linear(HEADS * DIM, width, DType.F32), null, null, null, HEADS, KV_HEADS, DIM, 1f,
                AttentionMask.CAUSAL, null);
        CompiledLayer layer = new CpuBackend(Kernels.best(), new Workers(1)).compile(
                new TransformerLayer(norm, attention, norm, new Mlp.Gated(gate, up, down, Activation.SILU)));
        float[] x = numbers(width, 1);
        float[] gates = layer.neurons(x, 1, new Workspace());
        for (int i = 0; i < gates.length; i++) gates[i] = Math.abs(gates[i]);
        Arrays.sort(gates);
        Workspace workspace = new Workspace();
        float threshold = gates[(int) (0.9 * inner)];
        long dense = Long.MAX_VALUE;
        long few = Long.MAX_VALUE;
        for (int stretch = 0; stretch < 30 && few >= dense / 4 * 3; stretch++) {
            if (stretch > 0) Thread.sleep(500);
            dense = Math.min(dense, fastest(() -> layer.mlp(x.clone(), 1, workspace)));
            few = Math.min(few, fastest(() -> layer.mlp(threshold, x.clone(), 1, workspace)));
        }
        assertThat(few).isLessThan(dense / 4 * 3);
    }

    private static long fastest(Runnable work) {
        long best = Long.MAX_VALUE;
        for (int i = 0; i < 400; i++) {
            long began = CLOCK.getCurrentThreadCpuTime();
            work.run();
            best = Math.min(best, CLOCK.getCurrentThreadCpuTime() - began);
        }
        return best;
    }

    @Test
    void aBackendThatHasNoSuchWayRefuses() {
        CompiledLayer own = layer(AttentionMask.CAUSAL, true);
        CompiledLayer plain = new CompiledLayer() {
            @Override
            public List<float[]> attend(float[] x, int n, int[] positions, float[] bias, KeyValues kv, List<Probe> probes,
                                        Workspace workspace) {
                return own.attend(x, n, positions, bias, kv, probes, workspace);
            }

            @Override
            public void mlp(float[] x, int n, Workspace workspace) {
                own.mlp(x, n, workspace);
            }

            @Override
            public float[] project(Projection projection, float[] x, int n, int[] positions, Workspace workspace) {
                return own.project(projection, x, n, positions, workspace);
            }

            @Override
            public float[] attentionAhead(float[] x, int n, int[] positions, Probe probe, Workspace workspace) {
                return own.attentionAhead(x, n, positions, probe, workspace);
            }

            @Override
            public List<float[]> ask(float[] x, int n, int[] positions, KeyValues kv, List<Probe> probes, Workspace workspace) {
                return own.ask(x, n, positions, kv, probes, workspace);
            }

            @Override
            public float[] normed(Half half, float[] x, int n, Workspace workspace) {
                return own.normed(half, x, n, workspace);
            }

            @Override
            public float[] neurons(float[] x, int n, Workspace workspace) {
                return own.neurons(x, n, workspace);
            }

            @Override
            public TransformerLayer description() {
                return own.description();
            }
        };
        float[] x = numbers(WIDTH, 1);
        assertThatThrownBy(() -> plain.attend(new AttentionMode.Pages(4, 3), x, 1, new int[1], null, cache(), List.of(), new Workspace()))
                .isInstanceOf(UnsupportedOperationException.class).hasMessageContaining("Pages");
        assertThatThrownBy(() -> plain.mlp(0.5f, x, 1, new Workspace())).isInstanceOf(UnsupportedOperationException.class);
    }
}
