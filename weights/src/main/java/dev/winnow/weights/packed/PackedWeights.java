package dev.winnow.weights.packed;

import dev.winnow.weights.Checkpoint;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.ModelDirectory;
import dev.winnow.weights.Quoted;
import dev.winnow.weights.Settings;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The packed matrices of a checkpoint, by the name of their module: GPTQ, AWQ, integers and eight-bit floats of compressed-tensors, and
 * eight-bit floats with scales. What rounds activations while computing is not followed: they stay as they are.
 */
public final class PackedWeights {
    private static final int[] RECTANGLE = {128, 128};
    private static final List<String> FILES = List.of("quantize_config.json", "quant_config.json");

    /** Why other methods cannot be read. */
    private static final Map<String, String> REFUSED = Map.ofEntries(
            Map.entry("bitsandbytes", "its codes are indices into tables with scales that are rounded themselves"),
            Map.entry("hqq", "its zero points are fractions and its packing differs from version to version"),
            Map.entry("mxfp4", "its elements are four-bit floats that share exponents"),
            Map.entry("modelopt", "its elements are four-bit floats or have scales of their own kind"),
            Map.entry("aqlm", "its codes are indices into learned codebooks"),
            Map.entry("vptq", "its codes are indices into learned codebooks"),
            Map.entry("quip", "its codes are indices into a lattice behind a rotation"),
            Map.entry("higgs", "its codes are indices into a grid behind a rotation"),
            Map.entry("spqr", "it keeps outliers in a sparse matrix of its own layout"),
            Map.entry("bitnet", "its elements are ternary and its layers compute in another way"),
            Map.entry("eetq", "its order of codes is made for one GPU kernel"),
            Map.entry("fp_quant", "its elements are four-bit floats behind a rotation"),
            Map.entry("torchao", "its tensors are pickled objects"),
            Map.entry("quanto", "it stores no plain tensors that its configuration describes"),
            Map.entry("auto-round", "its packing is one of several that its configuration names; export it as GPTQ or AWQ"));

    private final Checkpoint checkpoint;
    private final List<Layout> layouts;

    private PackedWeights(Checkpoint checkpoint, List<Layout> layouts) {
        this.checkpoint = checkpoint;
        this.layouts = layouts;
    }

    /**
     * Reads what {@code quantization_config} says, in {@code config.json}, in the section of the language model, or in a file of its own.
     *
     * @throws CheckpointException when it names a method or a layout that cannot be read
     */
    public static PackedWeights of(ModelDirectory directory) {
        List<Layout> layouts = new ArrayList<>();
        settings(directory).ifPresent(c -> layouts.addAll(layouts(c)));
        if (layouts.stream().noneMatch(Float8Matrices.class::isInstance)) layouts.add(new Float8Matrices(RECTANGLE));
        return new PackedWeights(directory.checkpoint(), layouts);
    }

    /** What of a checkpoint needs no configuration to be read: eight-bit floats. */
    public static PackedWeights undeclared(Checkpoint checkpoint) {
        return new PackedWeights(checkpoint, List.of(new Float8Matrices(RECTANGLE)));
    }

    private static Optional<Settings> settings(ModelDirectory directory) {
        Settings config = directory.config();
        Optional<Settings> found = section(config).or(() -> config.optionalSection("text_config").flatMap(PackedWeights::section));
        for (String file : FILES) found = found.or(() -> directory.optional(file));
        return found;
    }

    private static Optional<Settings> section(Settings config) {
        return config.optionalSection("quantization_config").or(() -> config.optionalSection("compression_config"));
    }

    private static List<Layout> layouts(Settings c) {
        String otherwise = c.has("config_groups") ? "compressed-tensors" : c.has("w_bit") || c.has("version") ? "awq" : "gptq";
        String method = c.string("quant_method", otherwise);
        return switch (method) {
            case "gptq" -> List.of(Gptq.of(c));
            case "awq" -> List.of(Awq.of(c));
            case "compressed-tensors" -> compressed(c);
            case "fp8", "fbgemm_fp8" -> List.of(new Float8Matrices(rectangle(c, "weight_block_size").orElse(RECTANGLE)));
            default -> throw new CheckpointException("config.json: weights packed by quant_method " + Quoted.name(method)
                    + " cannot be read" + reason(method) + "; gptq, awq, compressed-tensors and fp8 can");
        };
    }

    private static String reason(String method) {
        return REFUSED.entrySet().stream().filter(e -> method.contains(e.getKey())).findFirst().map(e -> ": " + e.getValue()).orElse("");
    }

    private static List<Layout> compressed(Settings c) {
        requireReadable(c, "format");
        c.optionalSection("sparsity_config").ifPresent(s -> requireReadable(s, "format"));
        boolean rotates = c.optionalSection("transform_config").map(t -> !t.keys().isEmpty()).orElse(false);
        if (rotates) throw new CheckpointException("config.json: quantization_config has a transform_config: rotations are not supported");
        int[] rectangle = null;
        Settings groups = c.optionalSection("config_groups").orElse(Settings.of("{}", "config_groups"));
        for (String name : groups.keys()) {
            Settings group = groups.section(name);
            requireReadable(group, "format");
            rectangle = group.optionalSection("weights").flatMap(w -> rectangle(w, "block_structure")).orElse(rectangle);
        }
        return List.of(new CompressedIntegers(rectangle), new Float8Matrices(rectangle == null ? RECTANGLE : rectangle));
    }

    private static void requireReadable(Settings c, String key) {
        String format = c.string(key, "dense");
        switch (format) {
            case "dense", "pack-quantized", "int-quantized", "float-quantized", "naive-quantized", "mixed-precision" -> { }
            default -> throw new CheckpointException("config.json: compressed-tensors' format " + Quoted.name(format)
                    + " cannot be read" + (format.contains("fp4") ? ": its elements are four-bit floats"
                    : format.contains("24") || format.contains("sparse") ? ": it leaves out zeros" : "")
                    + "; pack-quantized, int-quantized, float-quantized and naive-quantized can");
        }
    }

    /** Two sides, as a list or as a text such as 128x128. */
    private static Optional<int[]> rectangle(Settings c, String key) {
        if (!c.has(key)) return Optional.empty();
        boolean list = c.type(key).equals("array");
        if (!list && c.string(key).matches("[1-9][0-9]{0,4}x[1-9][0-9]{0,4}")) {
            return Optional.of(Stream.of(c.string(key).split("x")).mapToInt(Integer::parseInt).toArray());
        }
        List<Integer> sides = list ? c.integers(key) : List.of();
        if (sides.size() == 2 && sides.get(0) > 0 && sides.get(1) > 0) return Optional.of(new int[] {sides.get(0), sides.get(1)});
        String found = list ? sides.toString() : Quoted.name(c.string(key));
        throw new CheckpointException("config.json: " + key + " should be a height and a width but is " + found);
    }

    /** Whether a module's matrix is there and packed. */
    public boolean has(String module) {
        return layouts.stream().anyMatch(l -> l.packs(new Parts(checkpoint, module)));
    }

    /**
     * A module's matrix.
     *
     * @param out rows that the model asks for
     * @param in  columns that it asks for
     * @throws CheckpointException when a part is missing, or of another type or shape than a matrix [out, in] has
     */
    public PackedMatrix matrix(String module, int out, int in) {
        Layout layout = layouts.stream().filter(l -> l.packs(new Parts(checkpoint, module))).findFirst()
                .orElseThrow(() -> new CheckpointException(checkpoint.path() + ": " + Quoted.name(module) + " holds no packed matrix"));
        return layout.read(new Parts(checkpoint, module), out, in);
    }
}
