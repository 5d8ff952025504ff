package dev.winnow.examples.bench;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Gemm;
import dev.winnow.layers.Kernels;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Workers;
import dev.winnow.runtime.bench.Rounds;
import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Products of f32 matrices here and in libtorch, beside the peak of multiply-adds, for several counts of threads in the same rounds.
 * Arguments: directory of the peers, or - to leave libtorch out; rounds, threads.
 */
public final class SgemmVersusLibtorch {
    /** Rows, in, out: layers of ViT-B/16 and CLIP-L/14, then squares. */
    private static final int[][] SHAPES = {{197, 768, 3072}, {197, 3072, 768}, {197, 768, 768}, {577, 1024, 4096}, {1024, 1024, 1024},
        {2048, 2048, 2048}};
    private static final double FLOPS_PER_TASK = 1e10;
    private static final int PAUSE_MILLIS = 30;

    private final int[] threads;
    private final List<PeerProcess> libtorch;
    private final int rounds;

    private SgemmVersusLibtorch(int[] threads, List<PeerProcess> libtorch, int rounds) {
        this.threads = threads;
        this.libtorch = libtorch;
        this.rounds = rounds;
    }

    public static void main(String[] args) throws IOException {
        int rounds = args.length > 1 ? Integer.parseInt(args[1]) : 20;
        int[] threads = Arrays.stream((args.length > 2 ? args[2] : Integer.toString(Workers.shared().threads())).split(","))
                .mapToInt(Integer::parseInt).toArray();
        System.out.println(Machine.describe());
        System.out.printf("%n| rows x in x out | threads | engine | GFLOP/s, median | best | per CPU second, best | of FMA peak, best"
                + " | stolen | Winnow is faster: medians | round by round (quartiles) | per CPU second | times its speed with %d |%n", threads[0]);
        System.out.println("|---|---|---|---|---|---|---|---|---|---|---|---|");
        List<PeerProcess> libtorch = new ArrayList<>();
        try {
            if (!args[0].equals("-")) {
                for (int n : threads) libtorch.add(PeerProcess.libtorch(Path.of(args[0]).toAbsolutePath(), n, "products"));
            }
            SgemmVersusLibtorch bench = new SgemmVersusLibtorch(threads, libtorch, rounds);
            for (int[] shape : SHAPES) bench.compare(shape[0], shape[1], shape[2]);
        } finally {
            libtorch.forEach(PeerProcess::close);
        }
    }

    private void compare(int rows, int in, int out) {
        int repeats = Math.max(1, (int) (FLOPS_PER_TASK / (2.0 * rows * in * out)));
        try (Arena arena = Arena.ofShared()) {
            MemorySegment data = arena.allocate(4L * in * out, 64);
            MemorySegment.copy(MemorySegment.ofArray(Machine.randoms(in * out, 2)), 0, data, 0, 4L * in * out);
            Linear linear = new Linear(new Tensor("w", DType.F32, new long[] {out, in}, data), null);
            float[] x = Machine.randoms(rows * in, 3);
            float[] y = new float[rows * out];
            Kernels kernels = Kernels.best();
            Rounds r = new Rounds();
            for (int i = 0; i < threads.length; i++) {
                int n = threads[i];
                r.task("Winnow " + n, () -> {
                    Workers.shared().resize(n);
                    for (int k = 0; k < repeats; k++) {
                        Gemm.multiply(kernels, Workers.shared(), linear, x, 0, in, rows, y, 0, out, Activation.NONE, false);
                    }
                });
                if (!libtorch.isEmpty()) {
                    PeerProcess peer = libtorch.get(i);
                    r.task("libtorch " + n, () -> peer.ask(rows + " " + in + " " + out + " " + repeats), peer::cpuNanos);
                }
                r.task("peak " + n, () -> {
                    Workers.shared().resize(n);
                    Machine.peak();
                });
            }
            r.run(3, rounds, PAUSE_MILLIS);
            for (int n : threads) {
                double flops = 2.0 * repeats * rows * in * out;
                row(r, rows + "x" + in + "x" + out, "Winnow", n, flops, "- | - | -");
                if (libtorch.isEmpty()) continue;
                String ours = "Winnow " + n;
                String theirs = "libtorch " + n;
                double[] wall = r.ratio(theirs, ours, Rounds.Sample::wall);
                double cpu = r.ratio(theirs, ours, Rounds.Sample::cpu)[1];
                row(r, rows + "x" + in + "x" + out, "libtorch", n, flops, "%.2f | %.2f (%.2f to %.2f) | %.2f".formatted(
                        r.medianWall(theirs) / r.medianWall(ours), wall[1], wall[0], wall[2], cpu));
            }
        }
    }

    private void row(Rounds r, String shape, String engine, int n, double flops, String ratios) {
        String task = engine + " " + n;
        double peak = Machine.peakFlops() / r.bestWall("peak " + n);
        System.out.printf("| %s | %d | %s | %.0f | %.0f | %.0f | %.0f%% | %.1f%% | %s | %.2f |%n", shape, n, engine,
                flops / r.medianWall(task) / 1e9, flops / r.bestWall(task) / 1e9, flops / r.bestCpu(task) / 1e9,
                100 * flops / r.bestWall(task) / peak, 100 * r.stolen(task), ratios,
                r.ratio(engine + " " + threads[0], task, Rounds.Sample::wall)[1]);
    }
}
