package dev.winnow.examples.bench;

import dev.winnow.layers.KvCache;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.Tokens;
import dev.winnow.runtime.LoadOptions;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.bench.Rounds;
import dev.winnow.runtime.models.LanguageModel;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * A long context's cache, dense and compacted: resident bytes and decoding rate. What each holds is measured as the heap that a
 * collection frees when it is let go. Decoding takes turns. Arguments: model directory, tokens in the context, rounds, reduction spec,
 * tokens of the prompt pass, none|q8|q4 for the matrices.
 *
 * <p>The last tokens go through a real prompt pass under the plan, which compacts the whole cache at each layer. The entries of those
 * before are random numbers, since neither bytes nor time depend on them; with as many tokens in the pass as in the context there are
 * none, at the price of a pass that takes a quarter of an hour.
 */
public final class CacheCompaction {
    private static final int TOKENS = 4;

    private final LanguageModel model;
    private final int[] ids;
    private final int before;

    private CacheCompaction(LanguageModel model, int before, int length) {
        this.model = model;
        this.before = before;
        this.ids = new int[length];
        Arrays.setAll(ids, i -> 100 + (int) (i * 7919L % (model.vocabulary() - 200)));
    }

    /** A sequence after its prompt. */
    private static final class Sequence {
        final Schedule schedule;
        final Workspace workspace = new Workspace();
        KvCache cache;
        double prefill;
        long alive;
        long allocated;
        int next = 17;

        Sequence(Schedule schedule) {
            this.schedule = schedule;
        }
    }

    public static void main(String[] args) {
        int context = args.length > 1 ? Integer.parseInt(args[1]) : 32_768 - 64;
        int rounds = args.length > 2 ? Integer.parseInt(args[2]) : 7;
        String spec = args.length > 3 ? args[3] : "snapkv:ratio=0.9";
        int length = Math.min(context, args.length > 4 ? Integer.parseInt(args[4]) : 128);
        System.out.println(Machine.describe());
        try (Winnow opened = Winnow.open(Path.of(args[0]), LoadOptions.defaults().withQuantization(Machine.quantization(args, 5)))) {
            new CacheCompaction((LanguageModel) opened.model(), context - length, length).run(rounds, spec);
        }
    }

    private void run(int rounds, String spec) {
        Sequence compact = fill(new Sequence(ReductionPlan.parse(List.of(spec)).schedule(model.shape())));
        Sequence dense = fill(new Sequence(ReductionPlan.NONE.schedule(model.shape())));
        Rounds r = new Rounds().task("dense", () -> decode(dense)).task(spec, () -> decode(compact));
        r.run(1, rounds, 0);
        long compactBytes = resident(compact);
        long denseBytes = resident(dense);
        System.out.printf("%n%d tokens in the context, %d of them in the prompt pass, %d layers%n%n| cache | prompt pass s | bytes alive | allocated"
                + " | resident | tokens/s, median (best) |%n|---|---|---|---|---|---|%n", before + ids.length, ids.length, model.stack().layers());
        System.out.print(row("dense", dense, denseBytes, r));
        System.out.print(row(spec, compact, compactBytes, r));
        double[] ratio = r.ratio("dense", spec, Rounds.Sample::wall);
        System.out.printf("%nResident %.1f%% of dense; decoding %.2fx (round by round %.2f to %.2f)%n", 100.0 * compactBytes / denseBytes,
                ratio[1], ratio[0], ratio[2]);
    }

    private static String row(String name, Sequence s, long resident, Rounds r) {
        return String.format("| %s | %.1f | %.1f MB | %.1f MB | %.1f MB | %.2f (%.2f) |%n", name, s.prefill, s.alive / 1e6,
                s.allocated / 1e6, resident / 1e6, TOKENS / r.medianWall(name), TOKENS / r.bestWall(name));
    }

    private Sequence fill(Sequence s) {
        float[] hidden = new float[ids.length * model.width()];
        model.embed(ids, hidden, 0);
        s.cache = model.newCache(0);
        if (before > 0) earlier(s.cache);
        long began = System.nanoTime();
        model.prefill(new Tokens(hidden, model.width(), TokenLedger.uniform(ids.length, before, TokenKind.TEXT)), s.cache, s.schedule, s.workspace,
                StackListener.NONE);
        s.prefill = (System.nanoTime() - began) / 1e9;
        System.out.printf("prompt pass %.1f s%n", s.prefill);
        return s;
    }

    /** Entries of tokens that came before the prompt pass. */
    private void earlier(KvCache cache) {
        int[] positions = new int[before];
        Arrays.setAll(positions, i -> i);
        for (int l = 0; l < cache.layers(); l++) {
            int width = cache.layer(l).heads() * cache.layer(l).headDim();
            cache.layer(l).append(Machine.randoms(before * width, 2L * l), Machine.randoms(before * width, 2L * l + 1), width, before, positions, null);
        }
        cache.advance(before);
    }

    private void decode(Sequence s) {
        for (int i = 0; i < TOKENS; i++) {
            float[] logits = model.step(s.next, s.cache, s.schedule, s.workspace);
            int best = 0;
            for (int v = 1; v < logits.length; v++) if (logits[v] > logits[best]) best = v;
            s.next = best;
        }
    }

    /** Heap that letting go of the cache frees. */
    private static long resident(Sequence s) {
        s.alive = s.cache.bytes();
        s.allocated = s.cache.allocatedBytes();
        long before = usedHeap();
        s.cache = null;
        return before - usedHeap();
    }

    private static long usedHeap() {
        for (int i = 0; i < 3; i++) System.gc();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }
}
