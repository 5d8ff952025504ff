package dev.winnow.examples.bench;

import dev.winnow.layers.Attention;
import dev.winnow.layers.KvCache;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.StackListener;
import dev.winnow.runtime.LoadOptions;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.bench.Rounds;
import dev.winnow.runtime.models.LanguageModel;
import dev.winnow.runtime.models.Quantization;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * Decoding one sequence reads every weight once per token, so memory is its limit: bytes of weights per second beside what the same
 * threads can read at all. Arguments: model directory, rounds, none|q8|q4.
 */
public final class DecodeBandwidth {
    private static final int PROMPT = 64;
    private static final int TOKENS = 4;
    private static final long NATIVE_BYTES = 1L << 30;

    private final LanguageModel model;
    private final Schedule dense;
    private final Workspace workspace = new Workspace();
    private final KvCache cache;
    private int next = 17;

    private DecodeBandwidth(LanguageModel model) {
        this.model = model;
        this.dense = ReductionPlan.NONE.schedule(model.shape());
        this.cache = model.newCache(PROMPT);
    }

    public static void main(String[] args) throws IOException {
        Path directory = Path.of(args[0]);
        int rounds = args.length > 1 ? Integer.parseInt(args[1]) : 15;
        System.out.println(Machine.describe());
        Quantization quantization = Machine.quantization(args, 2);
        long began = System.nanoTime();
        try (Winnow opened = Winnow.open(directory, LoadOptions.defaults().withQuantization(quantization)); Arena arena = Arena.ofShared();
             FileChannel file = FileChannel.open(directory.resolve("model.safetensors"))) {
            System.out.printf("opened in %.2f s%n", (System.nanoTime() - began) / 1e9);
            DecodeBandwidth bench = new DecodeBandwidth((LanguageModel) opened.model());
            MemorySegment mapped = file.map(FileChannel.MapMode.READ_ONLY, 0, file.size(), arena);
            MemorySegment memory = arena.allocate(NATIVE_BYTES, 4096);
            memory.fill((byte) 1);
            bench.run(mapped, memory, rounds);
        }
    }

    private void run(MemorySegment mapped, MemorySegment memory, int rounds) {
        prefill();
        Rounds r = new Rounds().task("decode", this::decode).task("mapped file", () -> Machine.read(mapped))
                .task("native memory", () -> Machine.read(memory))
                .task("native memory, a stretch per thread", () -> Machine.readStretches(memory));
        // the first reading of the file also warms the page cache
        r.run(3, rounds, 0);
        double weights = weightBytes(model);
        double bytes = TOKENS * weights;
        double limit = Math.max(Machine.covered(mapped) / r.medianWall("mapped file"), Math.max(
                NATIVE_BYTES / r.medianWall("native memory"), NATIVE_BYTES / r.medianWall("native memory, a stretch per thread")));
        System.out.printf("%n%d prompt tokens, then %d; %.3f GB of weights read per token; page cache warm%n", PROMPT,
                cache.nextPosition() - PROMPT, weights / 1e9);
        System.out.println("| | tokens/s, median | best | GB/s, median | best | per CPU second, median | of the best read, medians |");
        System.out.println("|---|---|---|---|---|---|---|");
        row(r, "decode", bytes, TOKENS, limit);
        row(r, "mapped file", Machine.covered(mapped), 0, limit);
        row(r, "native memory", NATIVE_BYTES, 0, limit);
        row(r, "native memory, a stretch per thread", NATIVE_BYTES, 0, limit);
        for (String read : List.of("mapped file", "native memory")) {
            double scale = bytes / (read.equals("mapped file") ? Machine.covered(mapped) : NATIVE_BYTES);
            double[] wall = r.ratio(read, "decode", Rounds.Sample::wall);
            double[] cpu = r.ratio(read, "decode", Rounds.Sample::cpu);
            System.out.printf("decode / %s, round by round: %.3f (quartiles %.3f to %.3f); per CPU second %.3f (%.3f to %.3f)%n", read,
                    wall[1] * scale, wall[0] * scale, wall[2] * scale, cpu[1] * scale, cpu[0] * scale, cpu[2] * scale);
        }
    }

    private static void row(Rounds r, String name, double bytes, int tokens, double limit) {
        String speed = tokens == 0 ? "- | -" : "%.2f | %.2f".formatted(tokens / r.medianWall(name), tokens / r.bestWall(name));
        System.out.printf("| %s | %s | %.1f | %.1f | %.1f | %.0f%% |%n", name, speed, bytes / r.medianWall(name) / 1e9,
                bytes / r.bestWall(name) / 1e9, bytes / r.medianCpu(name) / 1e9, 100 * bytes / r.medianWall(name) / limit);
    }

    private void prefill() {
        int[] ids = new int[PROMPT];
        Arrays.setAll(ids, i -> 100 + i * 37);
        model.prefill(model.embed(ids), cache, dense, workspace, StackListener.NONE);
    }

    private void decode() {
        for (int i = 0; i < TOKENS; i++) {
            float[] logits = model.step(next, cache, dense, workspace);
            int best = 0;
            for (int j = 1; j < logits.length; j++) if (logits[j] > logits[best]) best = j;
            next = best;
        }
    }

    /** Bytes of all matrices that one token goes through; of the embeddings it reads one row, so they count as the head only. */
    private static double weightBytes(LanguageModel model) {
        double bytes = bytes(model.head().map());
        for (TransformerLayer l : model.stack().descriptions()) {
            Attention a = l.attention();
            bytes += bytes(a.query()) + bytes(a.key()) + bytes(a.value()) + bytes(a.output());
            bytes += bytes(l.mlp());
        }
        return bytes;
    }

    private static double bytes(Mlp mlp) {
        return switch (mlp) {
            case Mlp.Plain m -> bytes(m.up()) + bytes(m.down());
            case Mlp.Gated m -> bytes(m.gate()) + bytes(m.up()) + bytes(m.down());
            case Mlp.MixtureOfExperts m -> bytes(m.router()) + m.active() * bytes(m.experts().getFirst());
        };
    }

    private static double bytes(Linear linear) {
        return linear.weight().data().byteSize();
    }
}
