package dev.winnow.runtime.models;

import dev.winnow.weights.Checkpoint;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.DType;
import dev.winnow.weights.Quoted;
import dev.winnow.weights.Settings;
import dev.winnow.weights.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * A LoRA adapter (Hu et al. 2021) as PEFT saves it: {@code adapter_config.json} and {@code adapter_model.safetensors} with a pair of
 * factors per module, A [r, in] and B [out, r], and whole tensors for modules that were trained themselves. Merging adds alpha / r * B A to
 * a matrix, alpha / sqrt(r) for rank-stabilised ones (Kalajdzievski 2023); DoRA (Liu et al. 2024) scales the rows of the sum to learned
 * lengths. The sum is computed and kept in f32: rounding it to a type of fewer bits would lose much of a small change.
 */
final class LoraAdapter implements AutoCloseable {
    private static final String CONFIG = "adapter_config.json";
    private static final String TENSORS = "adapter_model.safetensors";
    private static final String PREFIX = "base_model.model.";
    private static final String MARK = ".lora_";
    /** Ways to begin training that change the base too, so that what is saved fits that base alone. */
    private static final List<String> CHANGED_BASES = List.of("pissa", "olora", "corda");
    /** Where parts of a model that sees lie in memory, and where in files, in older and newer releases of transformers. */
    private static final List<List<String>> PLACES = List.of(List.of("", "model."), List.of("model.", ""), List.of("transformer.", ""),
            List.of("", "transformer."), List.of("model.language_model.", "language_model.model."),
            List.of("model.language_model.", "model."), List.of("language_model.model.", "model.language_model."),
            List.of("language_model.lm_head", "lm_head"), List.of("lm_head", "language_model.lm_head"));

    /** What is learned for one module. */
    private static final class Change {
        private final String module;
        private Tensor a;
        private Tensor b;
        private Tensor magnitude;
        private boolean embedding;

        private Change(String module) {
            this.module = module;
        }
    }

    private final Path path;
    private final Settings config;
    private final Checkpoint checkpoint;
    private final Map<String, Change> changes = new TreeMap<>();
    private final Map<String, Tensor> whole = new LinkedHashMap<>();
    /** Changes and whole tensors by the names of the base's tensors. */
    private final Map<String, Change> targets = new LinkedHashMap<>();
    private final Map<String, Tensor> replacements = new LinkedHashMap<>();

    private LoraAdapter(Path path, Settings config, Checkpoint checkpoint) {
        this.path = path;
        this.config = config;
        this.checkpoint = checkpoint;
    }

    /**
     * Opens an adapter's directory.
     *
     * @throws CheckpointException when it is no LoRA adapter, or of a kind that cannot be merged
     */
    static LoraAdapter open(Path directory) {
        if (!Files.isDirectory(directory)) throw new CheckpointException(directory + ": no such directory with an adapter");
        if (!Files.exists(directory.resolve(CONFIG))) throw new CheckpointException(directory + ": holds no " + CONFIG);
        Settings config = Settings.read(directory.resolve(CONFIG));
        requireMergeable(directory, config);
        if (!Files.exists(directory.resolve(TENSORS))) {
            throw new CheckpointException(directory + ": holds no " + TENSORS + "; adapters in other files, such as pickles, are not read");
        }
        Checkpoint checkpoint = Checkpoint.open(directory.resolve(TENSORS));
        try {
            LoraAdapter adapter = new LoraAdapter(directory, config, checkpoint);
            for (String name : checkpoint.names()) adapter.sort(name);
            for (Change c : adapter.changes.values()) adapter.requireComplete(c);
            return adapter;
        } catch (RuntimeException e) {
            checkpoint.close();
            throw e;
        }
    }

    private static void requireMergeable(Path directory, Settings c) {
        String type = c.string("peft_type", "LORA");
        if (!type.equals("LORA")) {
            throw new CheckpointException(directory + ": an adapter of peft_type " + Quoted.name(type) + "; LORA can be merged");
        }
        String start = c.type("init_lora_weights").equals("string") ? c.string("init_lora_weights") : "";
        if (CHANGED_BASES.stream().anyMatch(start::startsWith)) {
            throw new CheckpointException(directory + ": its factors were begun as " + Quoted.name(start)
                    + ", which changes the base model too; save it converted to plain LoRA");
        }
        if (c.has("layer_replication")) {
            throw new CheckpointException(directory + ": layer_replication, which repeats layers of the base model, is not supported");
        }
    }

    private void sort(String name) {
        if (!name.startsWith(PREFIX)) throw unknown(name);
        String rest = name.substring(PREFIX.length());
        int mark = rest.indexOf(MARK);
        Tensor t = checkpoint.tensor(name);
        if (mark < 0) {
            whole.put(rest.replace(".modules_to_save.", "."), t);
            return;
        }
        Change change = changes.computeIfAbsent(rest.substring(0, mark), Change::new);
        switch (rest.substring(mark + MARK.length())) {
            case "A.weight" -> change.a = t;
            case "B.weight" -> change.b = t;
            case "embedding_A" -> {
                change.a = t;
                change.embedding = true;
            }
            case "embedding_B" -> change.b = t;
            case "magnitude_vector", "magnitude_vector.weight" -> change.magnitude = t;
            default -> throw unknown(name);
        }
    }

    private CheckpointException unknown(String name) {
        return new CheckpointException(path.resolve(TENSORS) + ": tensor " + Quoted.name(name)
                + " is none that PEFT saves for LoRA: base_model.model.MODULE.lora_A.weight, lora_B.weight, lora_embedding_A,"
                + " lora_embedding_B, lora_magnitude_vector, or a whole tensor");
    }

    private void requireComplete(Change c) {
        if (c.a == null || c.b == null) throw bad(c, "has no lora_" + (c.a == null ? "A" : "B"));
        int rank = (int) pattern("rank_pattern", c.module).orElse((double) config.integer("r")).doubleValue();
        boolean pair = c.a.shape().length >= 2 && c.b.shape().length >= 2 && rank > 0 && c.a.shape()[0] == rank && c.b.shape()[1] == rank
                && c.b.elements() == c.b.shape()[0] * rank;
        if (!pair) {
            throw bad(c, "has lora_A " + Arrays.toString(c.a.shape()) + " and lora_B " + Arrays.toString(c.b.shape())
                    + ", but rank " + rank + " asks for [" + rank + ", in] and [out, " + rank + "]");
        }
        if (c.magnitude != null && (c.embedding || c.a.shape().length > 2 || turned())) {
            throw bad(c, "has a lora_magnitude_vector (DoRA); that can be merged for plain linear layers only");
        }
    }

    private CheckpointException bad(Change c, String what) {
        return new CheckpointException("adapter " + path + ": module " + Quoted.name(c.module) + " " + what);
    }

    /** Whether matrices of the base are stored as [in, out]. */
    private boolean turned() {
        return config.flag("fan_in_fan_out", false);
    }

    /** What a table of exceptions says of a module: its keys are the ends of names. */
    private Optional<Double> pattern(String table, String module) {
        Settings exceptions = config.optionalSection(table).orElse(null);
        if (exceptions == null) return Optional.empty();
        for (String key : exceptions.keys()) {
            String end = key.startsWith("^") ? key.substring(1) : key;
            if (!end.matches("[A-Za-z0-9_.]+")) {
                throw new CheckpointException("adapter " + path + ": " + table + " has the key " + Quoted.name(key)
                        + "; names of modules or their ends are read, and no other patterns");
            }
            if (module.equals(end) || !key.startsWith("^") && module.endsWith("." + end)) return Optional.of(exceptions.number(key));
        }
        return Optional.empty();
    }

    private double scale(Change c) {
        double alpha = pattern("alpha_pattern", c.module).orElseGet(() -> config.number("lora_alpha"));
        long rank = c.a.shape()[0];
        return config.flag("use_rslora", false) ? alpha / Math.sqrt(rank) : alpha / rank;
    }

    /**
     * Finds the tensors of a base model that the adapter changes.
     *
     * @param base whether the base has a tensor of a name
     * @throws CheckpointException when a module is not there
     */
    void bind(Predicate<String> base) {
        for (Change c : changes.values()) {
            targets.put(find(c.module + ".weight", base)
                    .orElseThrow(() -> bad(c, "is not in the model" + basis())), c);
        }
        // a whole tensor may be new, such as a classifier's: whether the model takes it shows when it is read
        whole.forEach((name, t) -> replacements.put(find(name, base).orElse(name), t));
    }

    private String basis() {
        return config.has("base_model_name_or_path") ? ", which should be " + Quoted.plain(config.string("base_model_name_or_path")) : "";
    }

    private static Optional<String> find(String name, Predicate<String> base) {
        if (base.test(name)) return Optional.of(name);
        for (List<String> places : PLACES) {
            if (!name.startsWith(places.get(0))) continue;
            String other = places.get(1) + name.substring(places.get(0).length());
            if (base.test(other)) return Optional.of(other);
        }
        return Optional.empty();
    }

    /** A tensor that takes the place of the base's. */
    Optional<Tensor> replacement(String name) {
        return Optional.ofNullable(replacements.get(name)).map(t -> t.withName(name));
    }

    boolean replaces(String name) {
        return replacements.containsKey(name);
    }

    boolean changes(String name) {
        return targets.containsKey(name);
    }

    /** How a tensor is changed, for people. */
    String description(String name) {
        Change c = targets.get(name);
        String kind = c.magnitude == null ? "" : "DoRA, ";
        return "adapter " + path.getFileName() + " merged in f32, " + kind + "rank " + c.a.shape()[0] + ", factor " + (float) scale(c);
    }

    Path path() {
        return path;
    }

    /**
     * The sum of a tensor and its change, in f32.
     *
     * @param outFirst whether a matrix is [out, in] even where the adapter says that the base's are [in, out]
     * @throws CheckpointException when the change is of another shape
     */
    Tensor merged(String name, Tensor base, boolean outFirst, UnpackedMemory memory) {
        Change c = targets.get(name);
        boolean turn = c.embedding || turned() && !outFirst;
        int rank = c.a.dim(0);
        int perRank = Math.toIntExact(c.a.elements() / rank);
        long rows = turn ? perRank : c.b.dim(0);
        int columns = turn ? c.b.dim(0) : perRank;
        if (base.shape().length < 2 || base.shape()[0] != rows || base.elements() != rows * columns) {
            throw bad(c, "has factors of a [" + rows + ", " + columns + "] matrix, but the model's " + name + " has shape "
                    + Arrays.toString(base.shape()) + basis().replaceFirst("^, which", "; the model"));
        }
        float[] left = turn ? transposed(c.a.toFloats(), rank, perRank) : c.b.toFloats();
        float[] right = turn ? transposed(c.b.toFloats(), c.b.dim(0), rank) : c.a.toFloats();
        float[] lengths = c.magnitude == null ? null : c.magnitude.toFloats();
        if (lengths != null && lengths.length != rows) {
            throw bad(c, "has a lora_magnitude_vector " + Arrays.toString(c.magnitude.shape()) + " for " + rows + " outputs");
        }
        float scale = (float) scale(c);
        MemorySegment sum = memory.allocate(DType.F32, rows, columns);
        Unpacking.bands((int) rows, columns, (from, count) -> {
            float[] band = base.rows(from, count).toFloats();
            float[] row = new float[columns];
            for (int r = 0; r < count; r++) {
                Arrays.fill(row, 0);
                for (int k = 0; k < rank; k++) addScaled(row, right, k * columns, left[(from + r) * rank + k]);
                for (int i = 0; i < columns; i++) band[r * columns + i] += scale * row[i];
                if (lengths != null) stretch(band, r * columns, columns, lengths[from + r]);
            }
            Unpacking.copy(band, sum, (long) from * columns);
        });
        return new Tensor(base.name(), DType.F32, base.shape(), sum);
    }

    private static void addScaled(float[] y, float[] x, int from, float s) {
        for (int i = 0; i < y.length; i++) y[i] += s * x[from + i];
    }

    /** Brings a row to a length. */
    private static void stretch(float[] x, int from, int n, float length) {
        double square = 0;
        for (int i = from; i < from + n; i++) square += (double) x[i] * x[i];
        float factor = (float) (length / Math.sqrt(square));
        for (int i = from; i < from + n; i++) x[i] *= factor;
    }

    private static float[] transposed(float[] x, int rows, int columns) {
        float[] y = new float[x.length];
        for (int r = 0; r < rows; r++) for (int c = 0; c < columns; c++) y[c * rows + r] = x[r * columns + c];
        return y;
    }

    /** The whole tensors that were not asked for. */
    List<String> unread(Predicate<String> read) {
        return replacements.keySet().stream().filter(n -> !read.test(n)).toList();
    }

    /** A text that changes when the adapter does. */
    String fingerprint() {
        return checkpoint.fingerprint() + " " + config.text();
    }

    @Override
    public void close() {
        checkpoint.close();
    }
}
