package dev.winnow.examples.bench;

import static dev.winnow.examples.bench.OnnxGraph.in;

import dev.winnow.runtime.models.VisionTransformer;
import dev.winnow.weights.ModelDirectory;
import java.io.IOException;
import java.nio.file.Path;

/**
 * A ViT classifier as PyTorch's exporter writes one: patches by Conv, MatMul and Add for every map, GELU from Erf. ONNX Runtime
 * recognises these patterns and fuses them; weights are transposed once, when it folds constants.
 */
final class VitToOnnx {
    private final OnnxGraph g;
    private final long batch;
    private final long tokens;
    private final long width;
    private final long heads;
    private final float epsilon;

    private VitToOnnx(OnnxGraph g, long batch, long tokens, long width, long heads, float epsilon) {
        this.g = g;
        this.batch = batch;
        this.tokens = tokens;
        this.width = width;
        this.heads = heads;
        this.epsilon = epsilon;
    }

    /** Writes a model of the given batch size into the model directory. */
    static Path write(ModelDirectory directory, VisionTransformer vit, int batch) throws IOException {
        OnnxGraph g = new OnnxGraph(directory.checkpoint(), directory.path().resolve("model.safetensors"));
        int patches = vit.encoder().patchCount();
        int size = vit.encoder().imageSize();
        VitToOnnx to = new VitToOnnx(g, batch, patches + 1, vit.encoder().width(),
                vit.encoder().stack().descriptions().getFirst().attention().heads(),
                (float) directory.config().number("layer_norm_eps", 1e-12));
        String x = to.embed(vit.encoder().patchSize());
        for (int l = 0; l < vit.encoder().layers(); l++) x = to.layer(x, "vit.encoder.layer." + l);
        String cls = g.node("Squeeze", in(g.node("Slice", in(to.norm(x, "vit.layernorm"), g.constant(0), g.constant(1), g.constant(1))),
                g.constant(1)));
        String logits = to.linear(cls, "classifier");
        return g.write("vit-batch-" + batch + ".onnx", "pixel_values", new long[] {batch, 3, size, size},
                logits, new long[] {batch, vit.classifier().out()});
    }

    private String embed(long patch) {
        String e = "vit.embeddings.";
        String columns = g.node("Conv", in("pixel_values", g.weight(e + "patch_embeddings.projection.weight"),
                g.weight(e + "patch_embeddings.projection.bias")), "kernel_shape", new long[] {patch, patch}, "strides",
                new long[] {patch, patch});
        String rows = g.node("Transpose", in(g.node("Reshape", in(columns, g.constant(batch, width, tokens - 1)))), "perm",
                new long[] {0, 2, 1});
        String cls = g.node("Expand", in(g.weight(e + "cls_token"), g.constant(batch, 1, width)));
        return g.node("Add", in(g.node("Concat", in(cls, rows), "axis", 1L), g.weight(e + "position_embeddings")));
    }

    private String layer(String x, String name) {
        String normed = norm(x, name + ".layernorm_before");
        String q = split(linear(normed, name + ".attention.attention.query"), 0, 2, 1, 3);
        String k = split(linear(normed, name + ".attention.attention.key"), 0, 2, 3, 1);
        String v = split(linear(normed, name + ".attention.attention.value"), 0, 2, 1, 3);
        String scores = g.node("Div", in(g.node("MatMul", in(q, k)), g.scalar((float) Math.sqrt((double) width / heads))));
        String mixed = g.node("MatMul", in(g.node("Softmax", in(scores), "axis", -1L), v));
        String joined = g.node("Reshape", in(g.node("Transpose", in(mixed), "perm", new long[] {0, 2, 1, 3}),
                g.constant(batch, tokens, width)));
        String attended = g.node("Add", in(linear(joined, name + ".attention.output.dense"), x));
        String inner = linear(norm(attended, name + ".layernorm_after"), name + ".intermediate.dense");
        String error = g.node("Add", in(g.node("Erf", in(g.node("Div", in(inner, g.scalar((float) Math.sqrt(2)))))), g.scalar(1)));
        String gelu = g.node("Mul", in(g.node("Mul", in(inner, error)), g.scalar(0.5f)));
        return g.node("Add", in(linear(gelu, name + ".output.dense"), attended));
    }

    private String split(String x, long... order) {
        return g.node("Transpose", in(g.node("Reshape", in(x, g.constant(batch, tokens, heads, width / heads)))), "perm", order);
    }

    private String linear(String x, String name) {
        String transposed = g.node("Transpose", in(g.weight(name + ".weight")), "perm", new long[] {1, 0});
        return g.node("Add", in(g.node("MatMul", in(x, transposed)), g.weight(name + ".bias")));
    }

    private String norm(String x, String name) {
        return g.node("LayerNormalization", in(x, g.weight(name + ".weight"), g.weight(name + ".bias")), "axis", -1L, "epsilon", epsilon);
    }
}
