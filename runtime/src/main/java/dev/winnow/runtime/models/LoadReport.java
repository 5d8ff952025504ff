package dev.winnow.runtime.models;

import dev.winnow.weights.Checkpoint;
import dev.winnow.weights.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which tensors of a checkpoint a model's parameters come from, and what happened to them on the way.
 *
 * @param parameters in the order in which they were read
 * @param unused     tensors that the model has no place for
 */
public record LoadReport(List<Parameter> parameters, List<Stored> unused) {
    /**
     * A parameter, or several that share tensors.
     *
     * @param uses  what it is in the model
     * @param from  the stored tensors that it is made of; none where all of it comes from an adapter
     * @param held  type and shape that the model computes with
     * @param steps what happened to it, in order; none where it is used as stored
     */
    public record Parameter(List<String> uses, List<Stored> from, String held, List<String> steps) {}

    /** A tensor in a file. */
    public record Stored(String name, String file, String dtype, long[] shape) {
        @Override
        public String toString() {
            return name + " (" + file + ", " + dtype + Arrays.toString(shape) + ")";
        }
    }

    static LoadReport of(LoadLog log, Checkpoint checkpoint, Map<String, List<String>> names) {
        Set<String> used = new HashSet<>();
        List<Parameter> parameters = new ArrayList<>();
        for (LoadLog.Reading r : log.readings()) {
            List<Stored> from = r.tensors().stream().filter(checkpoint::has).map(name -> stored(checkpoint, name)).toList();
            from.forEach(s -> used.add(s.name()));
            parameters.add(parameter(r, from, uses(r, names)));
        }
        List<Stored> unused = checkpoint.names().stream().filter(n -> !used.contains(n)).map(n -> stored(checkpoint, n)).toList();
        return new LoadReport(parameters, unused);
    }

    private static Parameter parameter(LoadLog.Reading r, List<Stored> from, List<String> uses) {
        List<String> steps = new ArrayList<>(r.steps());
        if (uses.size() > 1) steps.add(uses.contains("token embeddings") ? "shared (tied)" : "split");
        return new Parameter(uses, from, r.held(), List.copyOf(steps));
    }

    /** The matrices' places in the model; of a bias that of its matrix; else what kind of thing it is. */
    private static List<String> uses(LoadLog.Reading r, Map<String, List<String>> names) {
        if (names.containsKey(r.name())) return names.get(r.name());
        String matrix = r.name().replaceFirst("\\.bias$", ".weight").replaceFirst("_bias$", "_weight");
        if (!matrix.equals(r.name()) && names.containsKey(matrix)) return names.get(matrix).stream().map(n -> n + " bias").toList();
        return List.of(r.use());
    }

    private static Stored stored(Checkpoint checkpoint, String name) {
        Tensor t = checkpoint.tensor(name);
        return new Stored(name, checkpoint.file(name), t.dtype().name(), t.shape());
    }
}
