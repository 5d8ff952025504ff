package dev.winnow.runtime.models;

import dev.winnow.weights.Checkpoint;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.ModelDirectory;
import dev.winnow.weights.Quoted;
import dev.winnow.weights.packed.PackedWeights;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** All that a model's weights come from: a checkpoint, adapters, and a file of matrices that were rounded before. */
public final class WeightStore implements AutoCloseable {
    private final Checkpoint checkpoint;
    private final LoadLog log = new LoadLog();
    private final List<LoraAdapter> adapters = new ArrayList<>();
    private final UnpackedMemory memory = UnpackedMemory.closed();
    private QuantizedCache cache;
    private Rounding rounding;
    private WeightScope root;
    private boolean keeps;

    private WeightStore(Checkpoint checkpoint) {
        this.checkpoint = checkpoint;
    }

    /**
     * Opens what a model's weights come from. Rounded matrices that an earlier call kept are used whenever they are of the same origin.
     *
     * @param keep     whether rounded matrices are to be kept in a file beside the model
     * @param adapters directories of LoRA adapters, merged in this order
     * @throws CheckpointException when something is missing, damaged, of a kind that cannot be read, or does not fit the model
     */
    public static WeightStore open(ModelDirectory directory, Quantization quantization, boolean keep, List<Path> adapters,
                                   LoadProgress progress) {
        WeightStore store = new WeightStore(directory.checkpoint());
        try {
            for (Path adapter : adapters) store.adapters.add(LoraAdapter.open(adapter));
            StoredWeights source = new StoredWeights(store.checkpoint, PackedWeights.of(directory), store.adapters, store.log,
                    store.memory);
            if (quantization != Quantization.NONE) {
                store.cache = QuantizedCache.open(directory.path(), quantization, store.fingerprint(directory));
            }
            store.keeps = keep && store.cache != null;
            if (store.keeps) store.cache.requireWritable();
            store.rounding = new Rounding(store.log, store.cache, progress, store.checkpoint.bytes());
            store.root = WeightScope.of(source, store.rounding).quantized(quantization);
            return store;
        } catch (RuntimeException e) {
            store.close();
            throw e;
        }
    }

    /** The configuration counts too: it says how matrices are packed. */
    private String fingerprint(ModelDirectory directory) {
        String adapted = adapters.stream().map(LoraAdapter::fingerprint).collect(Collectors.joining("\n"));
        return checkpoint.fingerprint() + "\n" + directory.config().text().hashCode() + "\n" + adapted;
    }

    /** Where the model's names begin. */
    public WeightScope root() {
        return root;
    }

    /**
     * To be called when a model has read all that it needs: writes rounded matrices where they are to be kept.
     *
     * @throws CheckpointException when an adapter brings a tensor that the model has no place for, or a file cannot be written
     */
    public void finish() {
        Set<String> read = new HashSet<>();
        log.readings().forEach(r -> read.add(r.name()));
        for (LoraAdapter a : adapters) {
            List<String> unread = a.unread(read::contains);
            if (unread.isEmpty()) continue;
            throw new CheckpointException("adapter " + a.path() + ": its tensor " + Quoted.name(unread.getFirst())
                    + " has no place in the model");
        }
        rounding.finish();
        if (keeps) cache.write();
    }

    /** Bytes of the checkpoint, with matrices counted as they are held. */
    public long bytes() {
        return checkpoint.bytes() + log.growth();
    }

    /** What has been read so far, and what became of it. */
    public LoadReport report(Model model) {
        return LoadReport.of(log, checkpoint, ParameterNames.of(model));
    }

    /** Closes adapters, kept matrices and those that were made while loading, not the checkpoint. */
    @Override
    public void close() {
        adapters.forEach(LoraAdapter::close);
        if (cache != null) cache.close();
        memory.close();
    }
}
