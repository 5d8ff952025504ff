package dev.winnow.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Attention;
import dev.winnow.layers.AttentionMask;
import dev.winnow.layers.Backend;
import dev.winnow.layers.CompiledLayer;
import dev.winnow.layers.CpuBackend;
import dev.winnow.layers.KeyScore;
import dev.winnow.layers.KeyValues;
import dev.winnow.layers.KvCache;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.Norm;
import dev.winnow.layers.Probe;
import dev.winnow.layers.RopeScaling;
import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.layers.Transfers;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.AttentionRows;
import dev.winnow.reduction.LearnedParts;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.StackRunner;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.Tokens;
import dev.winnow.reduction.primitives.TopK;
import dev.winnow.weights.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Random layers of odd sizes on the device against the same on the processor: one token and several, whole, in halves and routed. */
class LayersOnDeviceTest {
    private static final int WIDTH = 33;
    private static final int HEADS = 6;
    private static final int KEY_HEADS = 3;
    private static final int DIM = 6;
    private static final int INNER = 50;
    private static final int DEPTH = 4;
    /** Tokens of a prompt whose layers are routed. */
    private static final int ROUTED = 11;

    /** One for all tests, which take turns: its kernels are compiled once. */
    private static TornadoBackend device;
    private static List<CompiledLayer> layersThere;

    @BeforeAll
    static void compile() {
        device = OnDevice.backend();
        layersThere = compiled(device);
    }

    @AfterAll
    static void close() {
        device.close();
    }

    private static float[] gaussian(Random random, int n, double scale) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) x[i] = (float) (scale * random.nextGaussian());
        return x;
    }

    private static Linear linear(Random random, int out, int in) {
        return new Linear(Tensor.ofFloats("w", gaussian(random, out * in, 0.2), out, in), gaussian(random, out, 0.1));
    }

    private static Norm norm(Random random) {
        return new Norm.Layer(gaussian(random, WIDTH, 1), gaussian(random, WIDTH, 0.1), 1e-5f);
    }

    private static List<TransformerLayer> layers() {
        Random random = new Random(3);
        RotaryEmbedding rotary = new RotaryEmbedding(DIM, 10_000, new RopeScaling.None());
        return IntStream.range(0, DEPTH).mapToObj(l -> new TransformerLayer(norm(random),
                new Attention(linear(random, HEADS * DIM, WIDTH), linear(random, KEY_HEADS * DIM, WIDTH),
                        linear(random, KEY_HEADS * DIM, WIDTH), linear(random, WIDTH, HEADS * DIM), HEADS, KEY_HEADS, DIM,
                        (float) (1 / Math.sqrt(DIM)), AttentionMask.CAUSAL, rotary),
                norm(random), new Mlp.Plain(linear(random, INNER, WIDTH), linear(random, WIDTH, INNER), Activation.GELU))).toList();
    }

    private static List<CompiledLayer> compiled(Backend backend) {
        return layers().stream().map(backend::compile).toList();
    }

    private static void close(float[] actual, float[] expected, String what) {
        float most = 1;
        for (float e : expected) most = Math.max(most, Math.abs(e));
        assertThat(actual).as(what).containsExactly(expected, within(1e-4f * most));
    }

    @Test
    void anyNumberOfTokensWholeOrInHalves() {
        CompiledLayer there = layersThere.getFirst();
        CompiledLayer here = compiled(CpuBackend.create()).getFirst();
        for (int n : new int[] {37, 1, 5, 2}) {
            int[] positions = IntStream.range(3, 3 + n).toArray();
            List<Probe> probes = List.of(Probe.LAST_ROW, Probe.RECEIVED);
            float[] expected = gaussian(new Random(n), n * WIDTH, 1);
            float[] whole = expected.clone();
            float[] halves = expected.clone();
            Workspace workspace = new Workspace();
            List<float[]> seen = here.run(expected, n, positions, null, cache(), probes, workspace);
            Workspace other = new Workspace();
            List<float[]> seenThere = there.run(whole, n, positions, null, cache(), probes, other);
            close(whole, expected, n + " tokens");
            assertThat(other.work().flops()).isEqualTo(workspace.work().flops());
            for (int p = 0; p < seen.size(); p++) close(seenThere.get(p), seen.get(p), "probe " + p + " of " + n + " tokens");
            there.attend(halves, n, positions, null, cache(), List.of(), other);
            there.mlp(halves, n, other);
            assertThat(halves).isEqualTo(whole);
        }
    }

    private static KeyValues cache() {
        return new KeyValues(KEY_HEADS, DIM, 4);
    }

    @Test
    void statesThatStayedAreCombinedPartedAndJoinedThere() {
        CompiledLayer layer = layersThere.getFirst().staying();
        int n = 7;
        float[] x = gaussian(new Random(1), n * WIDTH, 1);
        layer.run(x, n, IntStream.range(0, n).toArray(), null, cache(), List.of(), new Workspace());
        float[] states = x.clone();
        layer.look(x, 0, n);
        assertThat(x).isNotEqualTo(states);
        states = x.clone();

        int[] chosen = {5, 2};
        float[] part = new float[chosen.length * WIDTH];
        assertThat(layer.part(x, n, chosen, part)).isTrue();
        assertThat(layer.part(x, n, chosen, part)).as("others wait already").isFalse();
        layer.look(part, 0, chosen.length);
        for (int i = 0; i < part.length; i++) assertThat(part[i]).isEqualTo(states[chosen[i / WIDTH] * WIDTH + i % WIDTH]);
        layer.home(part, chosen.length);
        for (int i = 0; i < part.length; i++) part[i] += 1;
        assertThat(layer.join(x, n, chosen, new float[] {0.5f, -2f}, part)).isTrue();
        for (int i = 0; i < part.length; i++) states[chosen[i / WIDTH] * WIDTH + i % WIDTH] += i < WIDTH ? 0.5f : -2f;
        layer.look(x, 0, n);
        close(x, states, "joined");

        float[] y = new float[2 * WIDTH];
        assertThat(layer.combine(x, n, new int[] {0, 1, 3}, new int[] {6, 0, 3}, new float[] {1, 0.25f, 0.75f}, y)).isTrue();
        assertThat(layer.combine(x, n, new int[] {0, 1}, new int[] {0}, new float[] {1}, y)).as("x is gone").isFalse();
        layer.home(y, 2);
        for (int c = 0; c < WIDTH; c++) {
            assertThat(y[c]).isEqualTo(x[6 * WIDTH + c]);
            assertThat(y[WIDTH + c]).isCloseTo(0.25f * x[c] + 0.75f * x[3 * WIDTH + c], within(1e-5f));
        }
    }

    /** Rows that stay where they were computed are averaged and ranked there; once they are home or forgotten their place is free. */
    @Test
    void rowsOfAttentionAreRankedWhereTheyAre() {
        CompiledLayer there = layersThere.getFirst().staying();
        CompiledLayer here = compiled(CpuBackend.create()).getFirst();
        int n = 37;
        int[] positions = IntStream.range(3, 3 + n).toArray();
        List<Probe> probes = List.of(Probe.lastRows(2), Probe.RECEIVED);
        int[] columns = {30, 1, 2, 36, 12, 13};
        int[] neighbours = IntStream.range(5, 33).toArray();
        float[] x = gaussian(new Random(n), n * WIDTH, 1);
        for (boolean ahead : new boolean[] {false, true}) {
            List<float[]> expected = observed(here, x, n, positions, probes, ahead);
            List<float[]> stayed = observed(there, x, n, positions, probes, ahead);
            long used = device.used();
            for (int p = 0; p < probes.size(); p++) {
                int rows = probes.get(p).rowsOf(n);
                for (int[] chosen : List.of(columns, neighbours)) {
                    AttentionRows all = AttentionRows.of(expected.get(p), HEADS, rows);
                    Transfers before = device.transfers();
                    float[] mean = there.headMean(stayed.get(p), rows - 1, chosen);
                    close(mean, all.headMean(rows - 1, chosen), "mean over heads");
                    for (int k : new int[] {1, 3, chosen.length}) {
                        assertThat(there.highest(stayed.get(p), rows - 1, chosen, k)).isEqualTo(TopK.highest(mean, k));
                    }
                    Transfers crossed = device.transfers().minus(before);
                    // the means, places, and one float wherever the host waits
                    assertThat(crossed.toHost()).isLessThanOrEqualTo(Float.BYTES * (2L * chosen.length + 4 + crossed.launches()));
                }
                float[][] sums = AttentionRows.of(expected.get(p), HEADS, rows).received();
                for (int h = 0; h < HEADS; h++) {
                    float[] received = Arrays.copyOfRange(there.received(stayed.get(p)), h * n, (h + 1) * n);
                    close(received, sums[h], "received by head " + h);
                }
                there.home(stayed.get(p), HEADS * rows);
                close(stayed.get(p), expected.get(p), "probe " + p);
                assertThat(there.highest(stayed.get(p), 0, columns, 1)).as("the rows are gone").isNull();
            }
            assertThat(device.used()).isLessThan(used);
        }
        float[] forgotten = observed(there, x, n, positions, probes, true).getFirst();
        long used = device.used();
        there.forget(forgotten);
        assertThat(device.used()).isLessThan(used);
    }

    private static List<float[]> observed(CompiledLayer layer, float[] x, int n, int[] positions, List<Probe> probes, boolean ahead) {
        Workspace workspace = new Workspace();
        if (ahead) return probes.stream().map(p -> layer.attentionAhead(x.clone(), n, positions, p, workspace)).toList();
        return layer.run(x.clone(), n, positions, null, cache(), probes, workspace);
    }

    /**
     * The last token's attention in a layer that ran (FastV) or in the coming one (PyramidDrop) ranks tokens on the device: their numbers
     * come back, and neither rows nor states. Nor do states for a choice by their cosines (GreedyPrune).
     */
    @Test
    void keptTokensComeBackAndNoScores() {
        StackRunner there = new StackRunner(Stage.LANGUAGE, layersThere);
        StackRunner here = new StackRunner(Stage.LANGUAGE, compiled(CpuBackend.create()));
        passed(there, device, "", 40);
        long used = device.used();
        for (String method : List.of("fastv:k=1,ratio=0.5", "pyramiddrop:layers=1/3,ratios=0.5/0.2",
                "greedyprune:layer=2,keep=0.5,threshold=0.3")) {
            String plan = method + ",start=2,length=30";
            Passed expected = passed(here, CpuBackend.create(), plan, 40);
            Passed actual = passed(there, device, plan, 40);
            assertThat(actual.kept).as(plan).isEqualTo(expected.kept);
            close(actual.last, expected.last, plan);
            // places of up to 15 and 6 tokens, the last token's states, and one float wherever the host waits
            long most = Float.BYTES * (15L + 6 + WIDTH + actual.crossed.launches());
            assertThat(actual.crossed.toHost()).as(plan).isLessThanOrEqualTo(most);
        }
        assertThat(device.used()).as("rows that nobody wants any more").isEqualTo(used);
    }

    /** Original tokens that are left, the last token's state, and what crossed for it. */
    private record Passed(int[] kept, float[] last, Transfers crossed) {}

    private static Passed passed(StackRunner stack, Backend backend, String plan, int n) {
        return passed(stack, backend, plan, TokenLedger.uniform(n, 0, TokenKind.TEXT));
    }

    private static Passed passed(StackRunner stack, Backend backend, String plan, TokenLedger ledger) {
        ReductionPlan reduction = plan.isEmpty() ? ReductionPlan.NONE : ReductionPlan.parse(List.of(plan));
        Schedule schedule = reduction.schedule(new ModelShape(Optional.of(new ModelShape.Vision(3, 2, true, 36)), DEPTH));
        Prompt prompt = Prompt.run(stack, backend, schedule, ledger);
        prompt.cache.drop();
        Tokens tokens = prompt.tokens;
        return new Passed(IntStream.range(0, tokens.count()).map(tokens.ledger().origin()::anchor).toArray(), prompt.last, prompt.crossed);
    }

    /** What a prompt of random states has left behind: its last token's state is here, the others' are forgotten. */
    private record Prompt(Tokens tokens, KvCache cache, Workspace workspace, float[] last, Transfers crossed) {
        static Prompt run(StackRunner stack, Backend backend, Schedule schedule, TokenLedger ledger) {
            Tokens tokens = new Tokens(gaussian(new Random(6), ledger.count() * WIDTH, 1), WIDTH, ledger);
            KvCache cache = new KvCache(stack.descriptions(), 8);
            Workspace workspace = new Workspace();
            Transfers before = backend.transfers();
            stack.run(tokens, DEPTH, cache, schedule, workspace, StackListener.NONE);
            float[] last = tokens.last();
            Transfers crossed = backend.transfers().minus(before);
            tokens.forget();
            return new Prompt(tokens, cache, workspace, last, crossed);
        }
    }

    /**
     * DivPrune in front of the first layer, ToDRE with a tower that says which token is first: the states go to the device, where they are
     * needed anyway, the choice is made there, of neighbours and of two pictures apart, and numbers come back.
     */
    @Test
    void diverseTokensAreChosenWhereTheirStatesAre() {
        StackRunner there = new StackRunner(Stage.LANGUAGE, layersThere);
        StackRunner here = new StackRunner(Stage.LANGUAGE, compiled(CpuBackend.create()));
        for (int gap : new int[] {0, 2}) {
            TokenLedger ledger = pictures(4, 12, gap, 9, 6);
            passed(there, device, "", ledger);
            Passed dense = passed(there, device, "", ledger);
            float[] salience = gaussian(new Random(8), ledger.count(), 1);
            TokenLedger noted = ledger.with("todre.salience", new TokenLedger.Note(1, salience));
            for (String plan : List.of("divprune:keep=7", "divprune:keep=0", "todre:keep=5,threshold=0")) {
                Passed expected = passed(here, CpuBackend.create(), plan, noted);
                Passed actual = passed(there, device, plan, noted);
                assertThat(actual.kept).as(plan).isEqualTo(expected.kept).hasSizeLessThan(ledger.count() - 10);
                close(actual.last, expected.last, plan);
                assertThat(actual.crossed.toHost()).as(plan).isLessThanOrEqualTo(Float.BYTES * (7 + WIDTH + actual.crossed.launches()));
                long states = (long) Float.BYTES * ledger.count() * WIDTH;
                assertThat(actual.crossed.toDevice() - dense.crossed.toDevice()).as("states cross once").isLessThan(states);
            }
        }
    }

    /** Text, a picture, some text or none, another picture, text. */
    private static TokenLedger pictures(int before, int first, int between, int second, int after) {
        TokenKind[] kinds = new TokenKind[before + first + between + second + after];
        Arrays.fill(kinds, TokenKind.TEXT);
        Arrays.fill(kinds, before, before + first, TokenKind.VISUAL);
        Arrays.fill(kinds, before + first + between, before + first + between + second, TokenKind.VISUAL);
        TokenLedger ledger = TokenLedger.uniform(kinds.length, 0, TokenKind.TEXT);
        for (int i = 0; i < kinds.length; i++) ledger = ledger.withKind(i, kinds[i]);
        return ledger;
    }

    /** Entries are kept by their keys where these are: slots come back, once for all heads, and need not go there again. */
    @Test
    void keptEntriesComeBackAndNoKeys() {
        StackRunner there = new StackRunner(Stage.LANGUAGE, layersThere);
        StackRunner here = new StackRunner(Stage.LANGUAGE, compiled(CpuBackend.create()));
        int n = 41;
        int kept = 13;
        evicted(there, device, "", n);
        Evicted dense = evicted(there, device, "", n);
        for (String plan : List.of("knorm:keep=" + kept, "keydiff:keep=" + kept, "knorm:keep=1")) {
            Evicted expected = evicted(here, CpuBackend.create(), plan, n);
            Evicted actual = evicted(there, device, plan, n);
            assertThat(actual.positions).as(plan).isEqualTo(expected.positions);
            close(actual.last, expected.last, plan);
            close(actual.next, expected.next, plan + ", the next token");
            // halves of each layer instead of the whole; scores, choice and compaction
            assertThat(actual.crossed.launches()).as(plan).isEqualTo(dense.crossed.launches() + DEPTH * 4L);
            long most = Float.BYTES * ((long) DEPTH * KEY_HEADS * kept + WIDTH + actual.crossed.launches());
            assertThat(actual.crossed.toHost()).as(plan).isLessThanOrEqualTo(most);
        }
    }

    /** Once a cache is told what is kept, or its keys are home, nothing is held for the slots that were found. */
    @Test
    void whatWasFoundIsGivenBack() {
        CompiledLayer there = layersThere.getFirst();
        int n = 41;
        KeyValues kv = cache();
        there.run(gaussian(new Random(n), n * WIDTH, 1), n, IntStream.range(0, n).toArray(), null, kv, List.of(), new Workspace());
        int[] all = new int[KEY_HEADS];
        Arrays.fill(all, n);
        int[] first = IntStream.range(0, n - 1).toArray();
        int[][] others = {first, null, first};
        long used = device.used();
        int[][] found = kv.lowest(KeyScore.LENGTH, all);
        assertThat(found[0]).isEqualTo(IntStream.range(0, n).toArray());
        // places begin at multiples of 32 floats
        assertThat(device.used() - used).as("slots but no scores").isPositive().isLessThan(KEY_HEADS * (long) (n + n / 8 + 64) + 32);
        kv.keep(found);
        assertThat(device.used()).as("none moves").isEqualTo(used);
        kv.lowest(KeyScore.LENGTH, all);
        kv.keep(others);
        assertThat(device.used()).as("others are kept").isEqualTo(used);
        found = kv.lowest(KeyScore.LENGTH, new int[] {5, 6, 7});
        kv.keys();
        assertThat(device.used()).as("the keys are home").isEqualTo(used);
        kv.keep(found);
        assertThat(kv.length(2)).isEqualTo(7);
        kv.release();
    }

    /** Positions that each head of each layer kept of a prompt, its last token's state, that of a token behind it, and what crossed. */
    private record Evicted(List<List<Integer>> positions, float[] last, float[] next, Transfers crossed) {}

    private static Evicted evicted(StackRunner stack, Backend backend, String plan, int n) {
        ReductionPlan reduction = plan.isEmpty() ? ReductionPlan.NONE : ReductionPlan.parse(List.of(plan));
        Schedule schedule = reduction.schedule(new ModelShape(Optional.empty(), DEPTH));
        Prompt prompt = Prompt.run(stack, backend, schedule, TokenLedger.uniform(n, 0, TokenKind.TEXT));
        KvCache cache = prompt.cache;
        List<List<Integer>> positions = new ArrayList<>();
        for (int l = 0; l < DEPTH; l++) {
            for (int h = 0; h < KEY_HEADS; h++) {
                positions.add(Arrays.stream(cache.layer(l).positions(h), 0, cache.layer(l).length(h)).boxed().toList());
            }
        }
        float[] next = stack.step(gaussian(new Random(7), WIDTH, 1), cache, schedule, prompt.workspace).clone();
        cache.drop();
        return new Evicted(positions, prompt.last, next, prompt.crossed);
    }

    /** p-MoD: what the MLP adds is weighed, and tokens that go around a layer are scaled, where they are. */
    @Test
    void weighedHalvesAreThoseOfTheProcessor() {
        Tensor router = Tensor.ofFloats("r", gaussian(new Random(9), WIDTH, 0.5), 1, WIDTH);
        String plan = "pmod:keep=0.5,most=0.8,scale=0.4,start=1,length=9";
        Routed expected = routed(CpuBackend.create(), router, plan);
        Routed actual = routed(device, router, plan);
        for (int i = 0; i < expected.passes.size(); i++) close(actual.passes.get(i), expected.passes.get(i), "pass " + i);
        requireNoStatesCrossed(actual.prompt);
    }

    /** Mixture-of-Depths: of 11 tokens 5 run every other layer, weighed by a router; in steps a token runs it or goes around it. */
    @Test
    void routedLayersAreThoseOfTheProcessor() {
        Tensor router = Tensor.ofFloats("r", gaussian(new Random(9), WIDTH, 0.5), 1, WIDTH);
        Routed expected = routed(CpuBackend.create(), router, "mod:keep=0.5");
        Routed actual = routed(device, router, "mod:keep=0.5");
        for (int i = 0; i < expected.passes.size(); i++) close(actual.passes.get(i), expected.passes.get(i), "pass " + i);
        requireNoStatesCrossed(actual.prompt);
    }

    /** The test looks at all states; what routers make of them are a few floats. */
    private static void requireNoStatesCrossed(Transfers prompt) {
        long all = (long) Float.BYTES * ROUTED * WIDTH;
        assertThat(prompt.toHost()).isBetween(all, all + Float.BYTES * (DEPTH * ROUTED + prompt.launches()));
    }

    /** Hidden states after a prompt and after tokens behind it, and what crossed for the prompt. */
    private record Routed(List<float[]> passes, Transfers prompt) {}

    private static Routed routed(Backend backend, Tensor router, String plan) {
        List<CompiledLayer> layers = backend == device ? layersThere : compiled(backend);
        StackRunner stack = new StackRunner(Stage.LANGUAGE, layers);
        LearnedParts learned = new LearnedParts(backend, stack.descriptions(),
                name -> name.endsWith(".router.weight") ? Optional.of(router) : Optional.empty());
        Schedule schedule = ReductionPlan.parse(List.of(plan)).schedule(new ModelShape(Optional.empty(), DEPTH, learned));
        int n = ROUTED;
        Tokens tokens = new Tokens(gaussian(new Random(4), n * WIDTH, 1), WIDTH, TokenLedger.uniform(n, 0, TokenKind.TEXT));
        KvCache cache = new KvCache(stack.descriptions(), 8);
        Workspace workspace = new Workspace();
        Transfers before = backend.transfers();
        stack.run(tokens, DEPTH, cache, schedule, workspace, StackListener.NONE);
        List<float[]> passes = new ArrayList<>();
        passes.add(Arrays.copyOf(tokens.hidden(), n * WIDTH));
        Transfers prompt = backend.transfers().minus(before);
        for (int s = 0; s < 4; s++) passes.add(stack.step(gaussian(new Random(20 + s), WIDTH, 1), cache, schedule, workspace).clone());
        cache.drop();
        return new Routed(passes, prompt);
    }
}
