package dev.winnow.examples.bench;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Attention;
import dev.winnow.layers.AttentionMask;
import dev.winnow.layers.CompiledLayer;
import dev.winnow.layers.CpuBackend;
import dev.winnow.layers.KvCache;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.Norm;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.layers.Workspace;
import dev.winnow.runtime.bench.Rounds;
import dev.winnow.weights.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Attention of long prompts against the FMA peak, and how its time grows. One layer of Llama-3.2-1B's heads on a residual stream so narrow
 * that its projections are nothing (below a percent of the operations from 1024 tokens on). Counted are the multiply-adds of the causal
 * half; the exponentials are not, and cost what they cost. Arguments: rounds, prompt lengths.
 */
public final class LongAttention {
    private static final int HEADS = 32;
    private static final int KV_HEADS = 8;
    private static final int HEAD_DIM = 64;
    private static final int NARROW = 16;
    private static final String PEAK = "multiply-adds in registers";

    private final CompiledLayer layer;
    private final Workspace workspace = new Workspace();

    private LongAttention() {
        Attention attention = new Attention(linear(HEADS * HEAD_DIM, NARROW, 1), linear(KV_HEADS * HEAD_DIM, NARROW, 2),
                linear(KV_HEADS * HEAD_DIM, NARROW, 3), linear(NARROW, HEADS * HEAD_DIM, 4), HEADS, KV_HEADS, HEAD_DIM,
                (float) (1 / Math.sqrt(HEAD_DIM)), AttentionMask.CAUSAL, null);
        float[] ones = new float[NARROW];
        Arrays.fill(ones, 1f);
        Norm norm = new Norm.Rms(ones, 1e-5f);
        layer = CpuBackend.create().compile(new TransformerLayer(norm, attention, norm,
                new Mlp.Plain(linear(NARROW, NARROW, 5), linear(NARROW, NARROW, 6), Activation.GELU)));
    }

    private static Linear linear(int out, int in, long seed) {
        return new Linear(Tensor.ofFloats("w", Machine.randoms(out * in, seed), out, in), null);
    }

    public static void main(String[] args) {
        int rounds = args.length > 0 ? Integer.parseInt(args[0]) : 5;
        int[] lengths = args.length > 1 ? Arrays.stream(args).skip(1).mapToInt(Integer::parseInt).toArray() : new int[] {1024, 2048, 4096, 8192};
        System.out.println(Machine.describe());
        new LongAttention().run(rounds, lengths);
    }

    private void run(int rounds, int[] lengths) {
        Rounds r = new Rounds().task(PEAK, Machine::peak);
        for (int n : lengths) r.task(n + " tokens", () -> attend(n));
        r.run(1, rounds, 0);
        double peak = Machine.peakFlops() / r.medianWall(PEAK);
        System.out.printf("FMA peak %.0f GFLOP/s%n%n| tokens | seconds, median | GFLOP/s, median | best | of the peak, medians | operations, times the row above | time |%n"
                + "|---|---|---|---|---|---|---|%n", peak / 1e9);
        for (int i = 0; i < lengths.length; i++) {
            String name = lengths[i] + " tokens";
            double flops = flops(lengths[i]);
            String growth = i == 0 ? "- | -" : "%.2f | %.2f".formatted(flops / flops(lengths[i - 1]),
                    r.medianWall(name) / r.medianWall(lengths[i - 1] + " tokens"));
            System.out.printf("| %d | %.3f | %.0f | %.0f | %.0f%% | %s |%n", lengths[i], r.medianWall(name), flops / r.medianWall(name) / 1e9,
                    flops / r.bestWall(name) / 1e9, 100 * flops / r.medianWall(name) / peak, growth);
        }
    }

    /** Of logits and weighted values, each query with the keys up to its own. */
    private static double flops(int n) {
        return 4.0 * HEADS * HEAD_DIM * (n * (n + 1.0) / 2);
    }

    private void attend(int n) {
        KvCache cache = new KvCache(List.of(layer.description()), n);
        layer.attend(Machine.randoms(n * NARROW, 7), n, IntStream.range(0, n).toArray(), null, cache.layer(0), List.of(), workspace);
    }
}
