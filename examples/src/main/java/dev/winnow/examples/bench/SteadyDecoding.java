package dev.winnow.examples.bench;

import com.sun.management.ThreadMXBean;
import dev.winnow.layers.KvCache;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.StackListener;
import dev.winnow.runtime.LoadOptions;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.bench.CpuClock;
import dev.winnow.runtime.bench.Rounds;
import dev.winnow.runtime.models.LanguageModel;
import dev.winnow.runtime.models.Quantization;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * How evenly tokens come, how many allocate anything, and what is left when other processes want the cores: throughput may fall by the
 * processor time that they take, and not by more, as it does where idle threads spin. Arguments: model directory, rounds, none|q8|q4.
 */
public final class SteadyDecoding {
    private static final int PROMPT = 64;
    private static final int TOKENS = 24;
    private static final int WARM_UP = 48;
    private static final int STEPS = 256;
    private static final long REST_MILLIS = 2000;

    private final LanguageModel model;
    private final Schedule dense;
    private final Workspace workspace = new Workspace();
    private final KvCache cache;
    private final List<Process> others = new ArrayList<>();

    private SteadyDecoding(LanguageModel model) {
        this.model = model;
        this.dense = ReductionPlan.NONE.schedule(model.shape());
        this.cache = model.newCache(PROMPT + WARM_UP + STEPS);
    }

    public static void main(String[] args) throws Exception {
        int rounds = args.length > 1 ? Integer.parseInt(args[1]) : 7;
        Quantization quantization = Machine.quantization(args, 2);
        System.out.println(Machine.describe());
        try (Winnow opened = Winnow.open(Path.of(args[0]), LoadOptions.defaults().withQuantization(quantization))) {
            SteadyDecoding bench = new SteadyDecoding(opened.languageModel().orElseThrow());
            bench.begin();
            bench.steps();
            bench.rest();
            bench.underLoad(rounds);
        }
    }

    private void begin() {
        int[] ids = new int[PROMPT];
        Arrays.setAll(ids, i -> 100 + i);
        model.prefill(model.embed(ids), cache, dense, workspace, StackListener.NONE);
        for (int i = 0; i < WARM_UP; i++) model.step(i, cache, dense, workspace);
    }

    private void steps() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        double[] millis = new double[STEPS];
        long[] allocated = new long[STEPS];
        for (int i = 0; i < STEPS; i++) {
            long before = threads.getTotalThreadAllocatedBytes();
            long began = System.nanoTime();
            model.step(i, cache, dense, workspace);
            millis[i] = (System.nanoTime() - began) / 1e6;
            allocated[i] = threads.getTotalThreadAllocatedBytes() - before;
        }
        double median = Rounds.quantile(millis, 0.5);
        System.out.printf("%d steps after %d tokens: median %.1f ms, p99 %.1f ms, p99/p50 %.2f%n", STEPS, PROMPT + WARM_UP, median,
                Rounds.quantile(millis, 0.99), Rounds.quantile(millis, 0.99) / median);
        // the JVM's own threads count too, and what it compiles anew may allocate once
        System.out.printf("%d of the steps allocated nothing, the others %d bytes together%n",
                Arrays.stream(allocated).filter(b -> b == 0).count(), Arrays.stream(allocated).sum());
    }

    /** Between two requests. */
    private void rest() throws InterruptedException {
        Thread.sleep(100);
        long cpu = CpuClock.nanos();
        Thread.sleep(REST_MILLIS);
        System.out.printf("at rest: %.1f ms of processor time a second%n", (CpuClock.nanos() - cpu) / 1e3 / REST_MILLIS);
    }

    private void underLoad(int rounds) {
        Rounds r = new Rounds().task("alone", this::decode).task("loaded", this::decodeLoaded);
        try {
            r.run(1, rounds, 0);
        } finally {
            free();
        }
        double[] wall = r.ratio("alone", "loaded", Rounds.Sample::wall);
        double[] cpu = r.ratio("alone", "loaded", Rounds.Sample::cpu);
        System.out.printf("| | tokens/s, median | per CPU second |%n|---|---|---|%n");
        for (String name : List.of("alone", "loaded")) {
            System.out.printf("| %s | %.1f | %.1f |%n", name.equals("alone") ? name : "a busy process on each core",
                    TOKENS / r.medianWall(name), TOKENS / r.medianCpu(name));
        }
        System.out.printf("loaded / alone, round by round: tokens/s %.2f (quartiles %.2f to %.2f), per CPU second %.2f (%.2f to %.2f)%n",
                wall[1], wall[0], wall[2], cpu[1], cpu[0], cpu[2]);
    }

    private void decode() {
        for (int i = 0; i < TOKENS; i++) model.step(i, cache, dense, workspace);
        cache.rewind(TOKENS);
    }

    private void decodeLoaded() {
        try {
            for (int i = 0; i < Runtime.getRuntime().availableProcessors(); i++) {
                others.add(new ProcessBuilder("sh", "-c", "while :; do :; done").redirectErrorStream(true).redirectOutput(Redirect.DISCARD)
                        .start());
            }
        } catch (IOException e) {
            throw new IllegalStateException("no busy process could be started: " + e.getMessage(), e);
        }
        decode();
        free();
    }

    private void free() {
        others.forEach(Process::destroyForcibly);
        others.clear();
    }
}
