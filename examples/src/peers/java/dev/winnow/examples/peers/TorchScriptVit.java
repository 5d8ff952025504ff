package dev.winnow.examples.peers;

import dev.winnow.weights.Settings;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * A ViT classifier as a TorchScript archive: the text of its forward method, in the operators that PyTorch's own modules run (convolution,
 * linear, layer_norm, scaled_dot_product_attention, gelu). The archive has no parameters; weights come as arguments after the pixels.
 */
final class TorchScriptVit {
    private static final String CLASS = "Vit";

    private final List<String> weights = new ArrayList<>();
    private final StringBuilder body = new StringBuilder();
    private final int width;
    private final int heads;
    private final int layers;
    private final int patch;
    private final double epsilon;
    private int values;

    TorchScriptVit(Settings config) {
        width = config.integer("hidden_size");
        heads = config.integer("num_attention_heads");
        layers = config.integer("num_hidden_layers");
        patch = config.integer("patch_size");
        epsilon = config.number("layer_norm_eps", 1e-12);
        String cls = let("torch.select(" + norm(encoded(), "vit.layernorm") + ", 1, 0)");
        String logits = linear(cls, "classifier");
        body.append("    return ").append(logits).append('\n');
    }

    /** Names of the tensors that forward takes after the pixels, in order. */
    List<String> weights() {
        return weights;
    }

    private String encoded() {
        String e = "vit.embeddings.";
        String columns = let("torch.conv2d(pixels, " + weight(e + "patch_embeddings.projection.weight") + ", "
                + weight(e + "patch_embeddings.projection.bias") + ", [" + patch + ", " + patch + "])");
        String rows = let("torch.transpose(torch.flatten(" + columns + ", 2), 1, 2)");
        String cls = let("torch.expand(" + weight(e + "cls_token") + ", [torch.size(pixels, 0), 1, " + width + "])");
        String x = let("torch.add(torch.cat([" + cls + ", " + rows + "], 1), " + weight(e + "position_embeddings") + ")");
        for (int l = 0; l < layers; l++) x = layer(x, "vit.encoder.layer." + l);
        return x;
    }

    private String layer(String x, String name) {
        String normed = norm(x, name + ".layernorm_before");
        String q = split(linear(normed, name + ".attention.attention.query"));
        String k = split(linear(normed, name + ".attention.attention.key"));
        String v = split(linear(normed, name + ".attention.attention.value"));
        String mixed = let("torch.scaled_dot_product_attention(" + q + ", " + k + ", " + v + ")");
        String joined = let("torch.flatten(torch.transpose(" + mixed + ", 1, 2), 2)");
        String attended = let("torch.add(" + linear(joined, name + ".attention.output.dense") + ", " + x + ")");
        String inner = let("torch.gelu(" + linear(norm(attended, name + ".layernorm_after"), name + ".intermediate.dense") + ")");
        return let("torch.add(" + linear(inner, name + ".output.dense") + ", " + attended + ")");
    }

    private String split(String x) {
        return let("torch.transpose(torch.reshape(" + x + ", [torch.size(" + x + ", 0), torch.size(" + x + ", 1), " + heads + ", "
                + width / heads + "]), 1, 2)");
    }

    private String norm(String x, String name) {
        return let("torch.layer_norm(" + x + ", [" + width + "], " + weight(name + ".weight") + ", " + weight(name + ".bias") + ", "
                + epsilon + ")");
    }

    private String linear(String x, String name) {
        return let("torch.linear(" + x + ", " + weight(name + ".weight") + ", " + weight(name + ".bias") + ")");
    }

    private String weight(String name) {
        weights.add(name);
        return "w" + (weights.size() - 1);
    }

    private String let(String expression) {
        String name = "v" + values++;
        body.append("    ").append(name).append(" = ").append(expression).append('\n');
        return name;
    }

    /** The archive: a zip of stored files. */
    byte[] archive() throws IOException {
        StringBuilder code = new StringBuilder("class " + CLASS + "(Module):\n  __parameters__ = []\n  __buffers__ = []\n"
                + "  def forward(self: __torch__." + CLASS + ",\n    pixels: Tensor");
        for (int i = 0; i < weights.size(); i++) code.append(",\n    w").append(i).append(": Tensor");
        code.append(") -> Tensor:\n").append(body);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            // pickles: an object of the class without attributes, and an empty tuple of constants
            entry(zip, "data.pkl", "\u0080\u0002c__torch__\n" + CLASS + "\n)\u0081}b.");
            entry(zip, "code/__torch__.py", code.toString());
            entry(zip, "constants.pkl", "\u0080\u0002).");
            entry(zip, "version", "3\n");
        }
        return bytes.toByteArray();
    }

    private static void entry(ZipOutputStream zip, String name, String content) throws IOException {
        byte[] bytes = content.getBytes(StandardCharsets.ISO_8859_1);
        CRC32 crc = new CRC32();
        crc.update(bytes);
        ZipEntry entry = new ZipEntry("vit/" + name);
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(bytes.length);
        entry.setCrc(crc.getValue());
        zip.putNextEntry(entry);
        zip.write(bytes);
        zip.closeEntry();
    }
}
