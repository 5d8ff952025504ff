package dev.winnow.examples.bench;

import dev.winnow.weights.ModelDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** Engines that a language model is compared with, and how each is given the same weights. */
enum LanguagePeer {
    NODE_LLAMA_CPP("node-llama-cpp", 0.2, "bf16", "q8", "q4"),
    JAVA_LLAMA_CPP("java-llama.cpp", 0.2, "bf16", "q8", "q4"),
    /** With its C kernels, whose batched products are wrong in places: the same release is right token by token, or without them. */
    JLAMA("jlama", Double.POSITIVE_INFINITY, "bf16", "q4"),
    /** With the Vector API; the tolerance is for the rope scaling of Llama 3, which Jlama does not know. */
    JLAMA_PANAMA("jlama-panama", 1, "bf16", "q4");

    private final String label;
    private final double tolerance;
    private final List<String> formats;

    LanguagePeer(String label, double tolerance, String... formats) {
        this.label = label;
        this.tolerance = tolerance;
        this.formats = List.of(formats);
    }

    String label() {
        return label;
    }

    /** How far from Winnow's its choices may be without quantisation, in standard deviations of the logits; blind ones are 4 or 5 away. */
    double tolerance() {
        return tolerance;
    }

    boolean has(String format) {
        return formats.contains(format);
    }

    static LanguagePeer of(String label) {
        return Arrays.stream(values()).filter(p -> p.label.equals(label)).findFirst().orElseThrow(() -> new IllegalArgumentException(
                "peers are " + Arrays.stream(values()).map(LanguagePeer::label).collect(Collectors.joining(", ")) + ", not " + label));
    }

    /**
     * Starts the engine.
     *
     * @param peers directory with its libraries; converted weights are kept there too
     */
    PeerProcess start(ModelDirectory model, Path peers, String format, int threads, int[] prompt, int tokens) throws IOException {
        String ids = Arrays.stream(prompt).mapToObj(Integer::toString).collect(Collectors.joining(","));
        List<String> command = new ArrayList<>();
        switch (this) {
            case NODE_LLAMA_CPP -> command.addAll(List.of("node", peers.resolve("node/llama-cpp.mjs").toString(),
                    gguf(model, peers, format).toString(), Integer.toString(threads)));
            case JAVA_LLAMA_CPP -> {
                command.addAll(PeerProcess.java(peers, "JavaLlamaCpp"));
                command.addAll(List.of(gguf(model, peers, format).toString(), Integer.toString(threads)));
            }
            case JLAMA, JLAMA_PANAMA -> {
                // as Jlama's own launcher starts it
                command.addAll(PeerProcess.java(peers, "Jlama", "--add-modules=jdk.incubator.vector", "--enable-preview",
                        "-Djdk.incubator.vector.VECTOR_ACCESS_OOB_CHECK=0",
                        "-Djlama.force_panama_tensor_operations=" + (this == JLAMA_PANAMA)));
                command.addAll(List.of(jlamaDirectory(model, peers).toString(), format, Integer.toString(threads)));
            }
        }
        command.add(ids);
        command.add(Integer.toString(tokens));
        return PeerProcess.start(label, command, peers.resolve(label + ".log"));
    }

    private static Path gguf(ModelDirectory model, Path peers, String format) throws IOException {
        GgmlType type = switch (format) {
            case "bf16" -> GgmlType.BF16;
            case "q8" -> GgmlType.Q8_0;
            case "q4" -> GgmlType.Q4_0;
            default -> throw new IllegalArgumentException("formats are bf16, q8 and q4, not " + format);
        };
        Path file = peers.resolve("models").resolve(model.path().toRealPath().getFileName() + "-" + format + ".gguf");
        Path weights = model.path().resolve("model.safetensors");
        if (!Files.exists(file) || Files.getLastModifiedTime(file).compareTo(Files.getLastModifiedTime(weights)) < 0) {
            Files.createDirectories(file.getParent());
            System.err.println("writing " + file);
            LlamaToGguf.write(model, type, file);
        }
        return file;
    }

    /** Jlama wants a README.md beside the model, so it gets a directory of links. */
    private static Path jlamaDirectory(ModelDirectory model, Path peers) throws IOException {
        Path source = model.path().toRealPath();
        Path directory = peers.resolve("models").resolve(source.getFileName() + "-jlama");
        Files.createDirectories(directory);
        for (String name : List.of("config.json", "tokenizer.json", "model.safetensors")) {
            Files.deleteIfExists(directory.resolve(name));
            Files.createSymbolicLink(directory.resolve(name), source.resolve(name));
        }
        Files.writeString(directory.resolve("README.md"), "Random weights.\n");
        return directory;
    }
}
