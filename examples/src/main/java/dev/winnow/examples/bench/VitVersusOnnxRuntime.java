package dev.winnow.examples.bench;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.winnow.layers.Activation;
import dev.winnow.layers.Gemm;
import dev.winnow.layers.Kernels;
import dev.winnow.layers.Linear;
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
import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Map;

/** A ViT classifier in f32, here and in ONNX Runtime on the same weights. Arguments: model directory, rounds. */
public final class VitVersusOnnxRuntime {
    private static final double TOLERANCE = 1e-3;
    private static final int PAUSE_MILLIS = 30;

    private final VisionTransformer vit;
    private final Workspace workspace = new Workspace();
    private final Schedule dense;
    private final OrtEnvironment environment = OrtEnvironment.getEnvironment();

    private VitVersusOnnxRuntime(VisionTransformer vit) {
        this.vit = vit;
        this.dense = ReductionPlan.NONE.schedule(vit.shape());
    }

    public static void main(String[] args) throws IOException, OrtException {
        int rounds = args.length > 1 ? Integer.parseInt(args[1]) : 20;
        System.out.println(Machine.describe());
        try (Winnow model = Winnow.open(Path.of(args[0]))) {
            VitVersusOnnxRuntime bench = new VitVersusOnnxRuntime((VisionTransformer) model.model());
            for (int batch : new int[] {1, 8}) bench.compare(model, batch, batch == 1 ? rounds : Math.max(3, rounds / 3));
        }
        kernels(rounds);
    }

    private void compare(Winnow model, int batch, int rounds) throws IOException, OrtException {
        VisionEncoder tower = vit.encoder();
        Path onnx = VitToOnnx.write(model.directory(), vit, batch);
        float[] pixels = Machine.randoms(batch * 3 * tower.imageSize() * tower.imageSize(), 1);
        try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
            options.setIntraOpNumThreads(Workers.shared().threads());
            options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
            try (OrtSession session = environment.createSession(onnx.toString(), options);
                 OnnxTensor input = OnnxTensor.createTensor(environment, FloatBuffer.wrap(pixels),
                         new long[] {batch, 3, tower.imageSize(), tower.imageSize()})) {
                System.out.printf("%nViT, batch %d: largest difference of logits %.2g%n", batch,
                        agree(winnow(pixels, batch), onnxRuntime(session, input)));
                Rounds r = new Rounds().task("Winnow", () -> winnow(pixels, batch))
                        .task("ONNX Runtime", () -> onnxRuntime(session, input)).task("FMA peak", Machine::peak);
                r.run(batch == 1 ? 15 : 3, rounds, PAUSE_MILLIS);
                double flops = batch * (double) (ComputeCost.image(tower, tower.layers()) + ComputeCost.product(vit.classifier()));
                report(r, batch, flops);
            }
        }
    }

    private static void report(Rounds r, int batch, double flops) {
        double peak = Machine.peakFlops() / r.bestWall("FMA peak");
        System.out.println("| | images/s, median | best | ms, median | CPU ms, median | best | GFLOP/s, best | of FMA peak |");
        System.out.println("|---|---|---|---|---|---|---|---|");
        for (String engine : new String[] {"Winnow", "ONNX Runtime"}) {
            System.out.printf("| %s | %.2f | %.2f | %.1f | %.1f | %.1f | %.1f | %.0f%% |%n", engine, batch / r.medianWall(engine),
                    batch / r.bestWall(engine), 1e3 * r.medianWall(engine), 1e3 * r.medianCpu(engine), 1e3 * r.bestCpu(engine),
                    flops / r.bestWall(engine) / 1e9, 100 * flops / r.bestWall(engine) / peak);
        }
        double[] wall = r.ratio("ONNX Runtime", "Winnow", Rounds.Sample::wall);
        double[] cpu = r.ratio("ONNX Runtime", "Winnow", Rounds.Sample::cpu);
        System.out.printf("speed of Winnow / ONNX Runtime: medians %.3f, best %.3f; round by round %.3f (quartiles %.3f to %.3f); "
                        + "per CPU second %.3f%n", r.medianWall("ONNX Runtime") / r.medianWall("Winnow"),
                r.bestWall("ONNX Runtime") / r.bestWall("Winnow"), wall[1], wall[0], wall[2], cpu[1]);
        System.out.printf("FMA peak: best %.0f, median %.0f GFLOP/s, %.0f per CPU second%n", peak / 1e9,
                Machine.peakFlops() / r.medianWall("FMA peak") / 1e9, Machine.peakFlops() / r.bestCpu("FMA peak") / 1e9);
    }

    private float[] winnow(float[] pixels, int batch) {
        VisionEncoder tower = vit.encoder();
        int labels = vit.classifier().out();
        float[] logits = new float[batch * labels];
        float[] one = new float[labels];
        for (int i = 0; i < batch; i++) {
            VisionEncoder.Encoded encoded = tower.encode(pixels, i * (pixels.length / batch), i, tower.layers(), dense, workspace,
                    new int[0], null, StackListener.NONE);
            tower.backend().linear(vit.classifier(), tower.normedClass(encoded.tokens()), 1, one, Activation.NONE, workspace.work());
            System.arraycopy(one, 0, logits, i * labels, labels);
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

    /** The products of a ViT-B and a CLIP-L layer by themselves. */
    private static void kernels(int rounds) {
        System.out.println("\n| f32 product, rows x in x out | GFLOP/s, median | best | per CPU second, best | of FMA peak |");
        System.out.println("|---|---|---|---|---|");
        for (int[] shape : new int[][] {{197, 768, 3072}, {197, 3072, 768}, {197, 768, 768}, {577, 1024, 4096}}) {
            try (Arena arena = Arena.ofShared()) {
                int rows = shape[0];
                int in = shape[1];
                int out = shape[2];
                MemorySegment data = arena.allocate(4L * in * out, 64);
                MemorySegment.copy(MemorySegment.ofArray(Machine.randoms(in * out, 2)), 0, data, 0, 4L * in * out);
                Linear linear = new Linear(new Tensor("w", DType.F32, new long[] {out, in}, data), null);
                float[] x = Machine.randoms(rows * in, 3);
                float[] y = new float[rows * out];
                Kernels kernels = Kernels.best();
                int repeats = Math.max(1, (int) (1e10 / (2.0 * rows * in * out)));
                Rounds r = new Rounds().task("product", () -> {
                    for (int i = 0; i < repeats; i++) {
                        Gemm.multiply(kernels, Workers.shared(), linear, x, 0, in, rows, y, 0, out, Activation.NONE, false);
                    }
                }).task("FMA peak", Machine::peak);
                r.run(3, rounds, 0);
                double flops = 2.0 * repeats * rows * in * out;
                System.out.printf("| %dx%dx%d | %.0f | %.0f | %.0f | %.0f%% |%n", rows, in, out, flops / r.medianWall("product") / 1e9,
                        flops / r.bestWall("product") / 1e9, flops / r.bestCpu("product") / 1e9,
                        100 * flops / r.bestWall("product") / (Machine.peakFlops() / r.bestWall("FMA peak")));
            }
        }
    }
}
