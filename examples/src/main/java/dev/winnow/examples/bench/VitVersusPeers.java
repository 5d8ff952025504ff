package dev.winnow.examples.bench;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.winnow.layers.CpuBackend;
import dev.winnow.layers.Workers;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.StackListener;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.bench.Rounds;
import dev.winnow.runtime.models.ComputeCost;
import dev.winnow.runtime.models.VisionEncoder;
import dev.winnow.runtime.models.VisionTransformer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * A ViT classifier in f32, here and in ONNX Runtime and libtorch on the same weights, and here with half of its operations merged away.
 * Arguments: directory of the peers, or - to leave libtorch out; model directory, rounds, threads, batch sizes, MiB for packed weights.
 */
public final class VitVersusPeers {
    private static final double TOLERANCE = 1e-3;
    private static final int PAUSE_MILLIS = 30;
    private static final int FEWER_ROUNDS = 3;
    private static final String WINNOW = "Winnow";
    private static final String MERGED = "Winnow, ToMe";
    private static final String ONNX_RUNTIME = "ONNX Runtime";
    private static final String LIBTORCH = "libtorch";
    private static final String PEAK = "FMA peak";

    private final Winnow model;
    private final VisionTransformer vit;
    private final Workspace workspace = new Workspace();
    private final Schedule dense;
    private final OrtEnvironment environment = OrtEnvironment.getEnvironment();

    private VitVersusPeers(Winnow model) {
        this.model = model;
        this.vit = (VisionTransformer) model.model();
        this.dense = ReductionPlan.NONE.schedule(vit.shape());
    }

    public static void main(String[] args) throws IOException, OrtException {
        Path peers = args[0].equals("-") ? null : Path.of(args[0]).toAbsolutePath();
        int rounds = args.length > 2 ? Integer.parseInt(args[2]) : 20;
        int[] threads = args.length > 3 ? numbers(args[3]) : new int[] {Workers.shared().threads()};
        int[] batches = args.length > 4 ? numbers(args[4]) : new int[] {1, 8};
        CpuBackend backend = CpuBackend.create();
        if (args.length > 5) backend = backend.keepingPacked(Long.parseLong(args[5]) << 20);
        System.out.println(Machine.describe());
        try (Winnow model = Winnow.open(Path.of(args[1]), backend)) {
            VitVersusPeers bench = new VitVersusPeers(model);
            Merging merging = bench.halfTheFlops();
            for (int n : threads) {
                Workers.shared().resize(n);
                for (int batch : batches) bench.compare(merging, batch, n, batch == 1 ? rounds : Math.max(1, rounds / FEWER_ROUNDS), peers);
            }
            System.out.printf("%nWeights kept packed: %d MiB.%n", backend.packedBytes() >> 20);
        }
    }

    private static int[] numbers(String separated) {
        return Arrays.stream(separated.split(",")).mapToInt(Integer::parseInt).toArray();
    }

    /** A plan, and the share of the dense operations that a picture then takes, both counted from what ran. */
    private record Merging(String spec, Schedule schedule, double share) {}

    private Merging halfTheFlops() {
        float[] pixels = pixels(1);
        double all = flops(pixels, dense);
        // the fewest merges per layer that leave no more than half; with twice the patches over the layers, none are left at half the depth
        int low = 1;
        int high = 2 * vit.encoder().patchCount() / vit.encoder().layers();
        Merging found = null;
        while (low < high) {
            int r = (low + high) / 2;
            String spec = "tome:r=" + r;
            Schedule schedule = ReductionPlan.parse(List.of(spec)).schedule(vit.shape());
            double share = flops(pixels, schedule) / all;
            if (share <= 0.5) {
                found = new Merging(spec, schedule, share);
                high = r;
            } else {
                low = r + 1;
            }
        }
        if (found == null) throw new IllegalStateException("merging cannot halve the operations of this model");
        return found;
    }

    private double flops(float[] pixels, Schedule schedule) {
        long before = workspace.work().flops();
        winnow(pixels, 1, schedule);
        return workspace.work().flops() - before;
    }

    private float[] pixels(int batch) {
        int size = vit.encoder().imageSize();
        return Machine.randoms(batch * 3 * size * size, 1);
    }

    private void compare(Merging merging, int batch, int threads, int rounds, Path peers) throws IOException, OrtException {
        int size = vit.encoder().imageSize();
        Path onnx = VitToOnnx.write(model.directory(), vit, batch);
        float[] pixels = pixels(batch);
        try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
            options.setIntraOpNumThreads(threads);
            options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
            try (OrtSession session = environment.createSession(onnx.toString(), options);
                 OnnxTensor input = OnnxTensor.createTensor(environment, FloatBuffer.wrap(pixels), new long[] {batch, 3, size, size});
                 PeerProcess libtorch = peers == null ? null : libtorch(peers, pixels, batch, threads)) {
                System.out.printf("%n### %s, batch %d, %d thread%s%n%n", model.directory().path().getFileName(), batch, threads,
                        threads == 1 ? "" : "s");
                float[] logits = winnow(pixels, batch, dense);
                System.out.printf("Largest difference of logits from ONNX Runtime's %.2g", agree(logits, onnxRuntime(session, input)));
                if (libtorch != null) System.out.printf(", from libtorch's %.2g", agree(logits, floats(libtorch.ask("run"))));
                System.out.printf("; `%s` leaves %.1f%% of the operations.%n%n", merging.spec(), 100 * merging.share());
                Rounds r = new Rounds().task(WINNOW, () -> winnow(pixels, batch, dense))
                        .task(MERGED, () -> winnow(pixels, batch, merging.schedule()))
                        .task(ONNX_RUNTIME, () -> onnxRuntime(session, input));
                if (libtorch != null) r.task(LIBTORCH, () -> libtorch.ask("run"), libtorch::cpuNanos);
                r.task(PEAK, Machine::peak).run(batch == 1 ? Math.min(15, rounds) : 1, rounds, PAUSE_MILLIS);
                long image = ComputeCost.image(vit.encoder(), vit.encoder().layers()) + ComputeCost.product(vit.classifier());
                double flops = (double) batch * image;
                report(r, libtorch == null ? List.of(ONNX_RUNTIME) : List.of(ONNX_RUNTIME, LIBTORCH), batch, flops, merging.share());
            }
        }
    }

    /** libtorch gets the pixels as a file. */
    private PeerProcess libtorch(Path peers, float[] pixels, int batch, int threads) throws IOException {
        Path file = Files.createDirectories(peers.resolve("models")).resolve("pixels-" + batch + ".f32");
        ByteBuffer bytes = ByteBuffer.allocate(4 * pixels.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(pixels);
        Files.write(file, bytes.array());
        return PeerProcess.libtorch(peers, threads, "vit", model.directory().path().toString(), file.toString(), Integer.toString(batch));
    }

    private static float[] floats(double[] values) {
        float[] floats = new float[values.length];
        for (int i = 0; i < values.length; i++) floats[i] = (float) values[i];
        return floats;
    }

    private static void report(Rounds r, List<String> peers, int batch, double flops, double share) {
        double peak = Machine.peakFlops() / r.bestWall(PEAK);
        System.out.println("| | images/s, median | best | ms, median | CPU ms, median | best | GFLOP/s, best | of FMA peak | stolen |"
                + " Winnow is faster: medians | round by round (quartiles) | per CPU second |");
        System.out.println("|---|---|---|---|---|---|---|---|---|---|---|---|");
        row(r, WINNOW, batch, flops, peak, "- | - | -");
        row(r, MERGED, batch, flops * share, peak, "- | - | -");
        for (String peer : peers) {
            double[] wall = r.ratio(peer, WINNOW, Rounds.Sample::wall);
            row(r, peer, batch, flops, peak, "%.3f | %.3f (%.3f to %.3f) | %.3f".formatted(r.medianWall(peer) / r.medianWall(WINNOW),
                    wall[1], wall[0], wall[2], r.ratio(peer, WINNOW, Rounds.Sample::cpu)[1]));
        }
        double[] faster = r.ratio(WINNOW, MERGED, Rounds.Sample::wall);
        double cpu = r.ratio(WINNOW, MERGED, Rounds.Sample::cpu)[1];
        // of the time that the operations left out would have taken
        double eaten = 1 - (1 - 1 / faster[1]) / (1 - share);
        System.out.printf("%nToMe with %.1f%% of the operations is %.3f times as fast as dense, round by round (quartiles %.3f to %.3f),"
                + " %.3f per CPU second; overhead eats %.1f%% of the saving.%n", 100 * share, faster[1], faster[0], faster[2],
                cpu, 100 * eaten);
        System.out.printf("FMA peak: best %.0f, median %.0f GFLOP/s, %.0f per CPU second.%n", peak / 1e9,
                Machine.peakFlops() / r.medianWall(PEAK) / 1e9, Machine.peakFlops() / r.bestCpu(PEAK) / 1e9);
    }

    private static void row(Rounds r, String engine, int batch, double flops, double peak, String ratios) {
        System.out.printf("| %s | %.2f | %.2f | %.1f | %.1f | %.1f | %.1f | %.0f%% | %.1f%% | %s |%n", engine, batch / r.medianWall(engine),
                batch / r.bestWall(engine), 1e3 * r.medianWall(engine), 1e3 * r.medianCpu(engine), 1e3 * r.bestCpu(engine),
                flops / r.bestWall(engine) / 1e9, 100 * flops / r.bestWall(engine) / peak, 100 * r.stolen(engine), ratios);
    }

    private float[] winnow(float[] pixels, int batch, Schedule schedule) {
        VisionEncoder tower = vit.encoder();
        int labels = vit.classifier().out();
        float[] logits = new float[batch * labels];
        for (int i = 0; i < batch; i++) {
            VisionEncoder.Encoded encoded = tower.encode(pixels, i * (pixels.length / batch), i, tower.layers(), schedule, workspace,
                    new int[0], null, StackListener.NONE);
            System.arraycopy(vit.logits(encoded.tokens(), workspace, null), 0, logits, i * labels, labels);
        }
        return logits;
    }

    private static float[] onnxRuntime(OrtSession session, OnnxTensor input) {
        try (OrtSession.Result result = session.run(Map.of("pixel_values", input))) {
            FloatBuffer values = ((OnnxTensor) result.get(0)).getFloatBuffer();
            float[] logits = new float[values.remaining()];
            values.get(logits);
            return logits;
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Speed means nothing when the results differ. */
    private static double agree(float[] a, float[] b) {
        double most = 0;
        for (int i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i] - b[i]));
        if (a.length != b.length || !(most <= TOLERANCE)) throw new IllegalStateException("logits differ by " + most);
        return most;
    }
}
