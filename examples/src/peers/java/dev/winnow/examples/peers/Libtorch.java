package dev.winnow.examples.peers;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import dev.winnow.weights.ModelDirectory;
import dev.winnow.weights.Tensor;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;

/**
 * libtorch through DJL. Arguments: {@code products}, after which a command "rows in out repeats" multiplies [rows, in] by the transpose
 * of [out, in] so many times; or {@code vit}, a model directory, a file of pixels (f32) and how many pictures they are, after which each
 * command gives the logits.
 */
public final class Libtorch {
    private static final String ENGINE = "PyTorch";

    private Libtorch() {}

    public static void main(String[] args) throws IOException, MalformedModelException {
        try (NDManager manager = NDManager.newBaseManager(Device.cpu(), ENGINE)) {
            if (args[0].equals("products")) {
                new Products(manager).serve();
            } else {
                vit(manager, ModelDirectory.open(Path.of(args[1])), Path.of(args[2]), Integer.parseInt(args[3]));
            }
        }
    }

    /** One product at a time, its operands kept from command to command. */
    private static final class Products {
        private final NDManager manager;
        private String shape = "";
        private NDArray x;
        private NDArray transposed;

        Products(NDManager manager) {
            this.manager = manager;
        }

        void serve() throws IOException {
            Answers.serve(command -> {
                String[] numbers = command.split(" ");
                prepare(numbers);
                for (int i = 0; i < Integer.parseInt(numbers[3]); i++) x.matMul(transposed).close();
                return new double[0];
            });
        }

        private void prepare(String[] numbers) {
            String asked = String.join(" ", numbers[0], numbers[1], numbers[2]);
            if (asked.equals(shape)) return;
            shape = asked;
            int in = Integer.parseInt(numbers[1]);
            x = randoms(Integer.parseInt(numbers[0]), in);
            transposed = randoms(Integer.parseInt(numbers[2]), in).transpose();
        }

        private NDArray randoms(int rows, int columns) {
            float[] values = new float[rows * columns];
            SplittableRandom random = new SplittableRandom(1);
            for (int i = 0; i < values.length; i++) values[i] = random.nextFloat() - 0.5f;
            return manager.create(values, new Shape(rows, columns));
        }
    }

    private static void vit(NDManager manager, ModelDirectory directory, Path pixels, int batch)
            throws IOException, MalformedModelException {
        TorchScriptVit script = new TorchScriptVit(directory.config());
        int size = directory.config().integer("image_size");
        NDList inputs = new NDList(manager.create(floats(ByteBuffer.wrap(Files.readAllBytes(pixels))), new Shape(batch, 3, size, size)));
        for (String name : script.weights()) {
            Tensor t = directory.checkpoint().tensor(name);
            inputs.add(manager.create(floats(t.data().asByteBuffer()), new Shape(t.shape())));
        }
        try (Model model = Model.newInstance("vit", Device.cpu(), ENGINE)) {
            model.load(new ByteArrayInputStream(script.archive()));
            ParameterStore none = new ParameterStore(manager, false);
            Answers.serve(command -> {
                try (NDList outputs = model.getBlock().forward(none, inputs, false)) {
                    float[] logits = outputs.singletonOrThrow().toFloatArray();
                    double[] numbers = new double[logits.length];
                    for (int i = 0; i < logits.length; i++) numbers[i] = logits[i];
                    return numbers;
                }
            });
        }
    }

    private static FloatBuffer floats(ByteBuffer bytes) {
        return bytes.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    }
}
