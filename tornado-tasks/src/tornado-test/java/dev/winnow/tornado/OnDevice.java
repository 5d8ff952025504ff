package dev.winnow.tornado;

import dev.winnow.layers.BackendProvider.Device;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.Golden;
import dev.winnow.runtime.Tracer;
import dev.winnow.runtime.Winnow;
import dev.winnow.weights.Checkpoint;
import dev.winnow.weights.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What the tests on a device share: the first device that TornadoVM sees, and golden models. */
final class OnDevice {
    private static final Set<String> INPUTS = Set.of("input_ids", "attention_mask", "pixel_values");

    private static final Map<String, Model> MODELS = new HashMap<>();

    private OnDevice() {}

    /** A model with a backend of its own. */
    record Model(TornadoBackend backend, Winnow winnow) {}

    /**
     * A golden model that stays open until the JVM ends, for the tests that have it to themselves one after the other: its kernels, which
     * take a while to compile, are compiled once.
     */
    static Model model(String name) {
        return MODELS.computeIfAbsent(name, n -> {
            TornadoBackend backend = backend();
            return new Model(backend, Winnow.open(golden(n), backend));
        });
    }

    static TornadoBackend backend() {
        TornadoProvider provider = new TornadoProvider();
        Device first = provider.devices().getFirst();
        return (TornadoBackend) provider.open(first);
    }

    /** A golden model's directory: those beside the tests of the runtime, or the workplace's. */
    static Path golden(String name) {
        Path beside = Path.of("../runtime/src/test/resources/golden", name);
        return Files.isDirectory(beside) ? beside : Golden.shared().orElseThrow().resolve("golden/public").resolve(name);
    }

    /** Whether golden cases that are not beside the tests are at hand. */
    static boolean has(String name) {
        return Files.isDirectory(Path.of("../runtime/src/test/resources/golden", name)) || Golden.shared().isPresent();
    }

    /** What a plan traces on a model, with the inputs of its golden case. */
    static Map<String, Tensor> trace(Winnow winnow, Path dir, String plan, int steps) {
        try (Checkpoint expected = Checkpoint.open(dir.resolve("expected.safetensors"))) {
            Map<String, Tensor> inputs = new HashMap<>();
            for (String name : INPUTS) if (expected.has(name)) inputs.put(name, expected.tensor(name));
            ReductionPlan reduction = plan.isEmpty() ? ReductionPlan.NONE : ReductionPlan.parse(List.of(plan.split(" \\+ ")));
            Map<String, Tensor> traced = new HashMap<>();
            for (Tensor t : new Tracer(winnow.model(), reduction, steps, Set.of()).run(inputs)) traced.put(t.name(), t);
            return traced;
        }
    }
}
