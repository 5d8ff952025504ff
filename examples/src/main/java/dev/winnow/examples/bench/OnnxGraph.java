package dev.winnow.examples.bench;

import dev.winnow.weights.Checkpoint;
import dev.winnow.weights.DType;
import dev.winnow.weights.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Writes an ONNX model (onnx.proto, IR 8, operators of opset 17) whose weights are the bytes of a safetensors file beside it: both
 * formats store tensors plain and little-endian, so an initializer is an offset and a length in that file and nothing is copied.
 */
final class OnnxGraph {
    // TensorProto.DataType
    private static final int FLOAT = 1;
    private static final int INT64 = 7;
    // AttributeProto.AttributeType
    private static final int ATTRIBUTE_FLOAT = 1;
    private static final int ATTRIBUTE_INT = 2;
    private static final int ATTRIBUTE_INTS = 7;

    private final Protobuf graph = new Protobuf();
    private final Checkpoint weights;
    private final Path file;
    private final long dataStart;
    private final long firstAddress;
    private int values;

    /** @param file the one file of the checkpoint */
    OnnxGraph(Checkpoint weights, Path file) throws IOException {
        this.weights = weights;
        this.file = file;
        ByteBuffer length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
        try (FileChannel in = FileChannel.open(file)) {
            in.read(length, 0);
        }
        // tensors follow the header without gaps, so the one lowest in memory is the first
        dataStart = 8 + length.getLong(0);
        firstAddress = weights.names().stream().mapToLong(n -> weights.tensor(n).data().address()).min().orElseThrow();
    }

    /** A node of one output; an attribute is a name followed by a Float, a Long or a long[]. Returns the output's name. */
    String node(String type, String[] inputs, Object... attributes) {
        String output = "v" + values++;
        Protobuf node = new Protobuf();
        for (String in : inputs) node.text(1, in);
        node.text(2, output).text(3, output).text(4, type);
        for (int i = 0; i < attributes.length; i += 2) node.message(5, attribute((String) attributes[i], attributes[i + 1]));
        graph.message(1, node);
        return output;
    }

    private static Protobuf attribute(String name, Object value) {
        Protobuf a = new Protobuf().text(1, name);
        return switch (value) {
            case Float f -> a.real(2, f).number(20, ATTRIBUTE_FLOAT);
            case Long i -> a.number(3, i).number(20, ATTRIBUTE_INT);
            case long[] is -> a.numbers(8, is).number(20, ATTRIBUTE_INTS);
            default -> throw new IllegalArgumentException("attributes are Float, Long or long[]");
        };
    }

    static String[] in(String... names) {
        return names;
    }

    /** A tensor of the checkpoint, under its own name. */
    String weight(String name) {
        Tensor t = weights.tensor(name);
        if (t.dtype() != DType.F32) throw new IllegalArgumentException("tensor " + name + " should be F32 but is " + t.dtype());
        graph.message(5, new Protobuf().numbers(1, t.shape()).number(2, FLOAT).text(8, name)
                .message(13, entry("location", file.getFileName().toString()))
                .message(13, entry("offset", Long.toString(dataStart + t.data().address() - firstAddress)))
                .message(13, entry("length", Long.toString(t.data().byteSize()))).number(14, 1));
        return name;
    }

    private static Protobuf entry(String key, String value) {
        return new Protobuf().text(1, key).text(2, value);
    }

    String constant(long... values) {
        String name = "c" + this.values++;
        graph.message(5, new Protobuf().numbers(1, values.length).number(2, INT64).numbers(7, values).text(8, name));
        return name;
    }

    String scalar(float value) {
        String name = "c" + values++;
        graph.message(5, new Protobuf().number(2, FLOAT).real(4, value).text(8, name));
        return name;
    }

    /** Writes the model beside the checkpoint. */
    Path write(String name, String input, long[] inputShape, String output, long[] outputShape) throws IOException {
        graph.text(2, "graph").message(11, value(input, inputShape)).message(12, value(output, outputShape));
        Path onnx = file.resolveSibling(name);
        Files.write(onnx, new Protobuf().number(1, 8).text(2, "winnow").message(7, graph)
                .message(8, new Protobuf().text(1, "").number(2, 17)).toBytes());
        return onnx;
    }

    private static Protobuf value(String name, long[] shape) {
        Protobuf dims = new Protobuf();
        for (long d : shape) dims.message(1, new Protobuf().number(1, d));
        return new Protobuf().text(1, name).message(2, new Protobuf().message(1, new Protobuf().number(1, FLOAT).message(2, dims)));
    }
}
