package dev.winnow.runtime;

import dev.winnow.layers.Backend;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.weights.Checkpoint;
import dev.winnow.weights.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Whole models against the numbers that Hugging Face's code computes from the same weights. */
public final class GoldenTrace {
    private static final Set<String> INPUTS = Set.of("input_ids", "attention_mask", "position_ids", "pixel_values", "image_sizes",
            "image_grid_thw", "pixel_attention_mask", "token_type_ids");

    /** Pictures of another shape than the model's own. */
    private static final String RECT = "pixel_values_rect";

    private GoldenTrace() {}

    /** How a model's traces on a backend differ from those of its golden case: a sentence for each tensor that does. */
    public static List<String> mismatches(Path dir, Backend backend) {
        try (Winnow winnow = Winnow.open(dir, backend)) {
            return mismatches(dir, winnow);
        }
    }

    /** The same of a model that is open. */
    public static List<String> mismatches(Path dir, Winnow winnow) {
        try (Checkpoint expected = Checkpoint.open(dir.resolve("expected.safetensors"))) {
            Map<String, Tensor> inputs = new HashMap<>();
            for (String name : INPUTS) if (expected.has(name)) inputs.put(name, expected.tensor(name));
            int steps = expected.has("generated_ids") ? expected.tensor("generated_ids").dim(1) : 0;
            Map<String, Tensor> actual = trace(winnow, steps, inputs, "");
            if (expected.has(RECT)) actual.putAll(trace(winnow, 0, Map.of("pixel_values", expected.tensor(RECT)), ".rect"));

            List<String> mismatches = new ArrayList<>();
            boolean masked = inputs.containsKey("attention_mask") && actual.containsKey("hidden.embed");
            long[] mask = masked ? inputs.get("attention_mask").toLongs() : null;
            for (String name : expected.names()) {
                boolean computed = name.equals("position_ids") && actual.containsKey(name);
                if (INPUTS.contains(name) && !computed || name.equals(RECT)) continue;
                Tensor e = expected.tensor(name);
                Tensor a = actual.get(name);
                boolean perToken = mask != null && (name.startsWith("hidden.") || name.equals("logits"));
                Golden.mismatch(a, perToken ? visible(e, a, mask) : e).ifPresent(mismatches::add);
            }
            return mismatches;
        }
    }

    private static Map<String, Tensor> trace(Winnow winnow, int steps, Map<String, Tensor> inputs, String suffix) {
        Map<String, Tensor> traced = new HashMap<>();
        Tracer tracer = new Tracer(winnow.model(), ReductionPlan.NONE, steps, Set.of());
        for (Tensor t : tracer.run(inputs)) traced.put(t.name() + suffix, t);
        return traced;
    }

    /** The expected values with the actual ones at padded places, where expected ones mean nothing. */
    private static Tensor visible(Tensor expected, Tensor actual, long[] mask) {
        float[] e = expected.toFloats();
        float[] a = actual.toFloats();
        int width = e.length / mask.length;
        for (int i = 0; i < e.length; i++) if (mask[i / width] == 0) e[i] = a[i];
        return Tensor.ofFloats(expected.name(), e, expected.shape());
    }
}
