package dev.winnow.runtime.reducing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.winnow.reduction.MethodType;
import dev.winnow.reduction.Methods;
import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.Golden;
import dev.winnow.runtime.Tracer;
import dev.winnow.runtime.Winnow;
import dev.winnow.weights.Checkpoint;
import dev.winnow.weights.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every method on every vision-language family at hand: it acts, or says in one sentence why it does not. */
class EveryMethodOnEveryFamilyTest {
    private static final List<String> FAMILIES = List.of("llava-siglip-qwen2", "llava-next", "llava-onevision", "paligemma", "gemma3-vlm",
            "idefics3-mask", "smolvlm", "qwen2-vl", "qwen2.5-vl");
    private static final List<String> INPUTS = List.of("input_ids", "pixel_values", "image_sizes", "image_grid_thw", "pixel_attention_mask");

    @TestFactory
    Stream<DynamicTest> actsOrSaysWhyNot() {
        return Golden.roots().stream().flatMap(root -> FAMILIES.stream().map(root::resolve)).filter(Files::isDirectory)
                .map(dir -> DynamicTest.dynamicTest(dir.getFileName() + " in " + dir.getParent().getFileName(), () -> check(dir)));
    }

    private static void check(Path dir) {
        try (Winnow winnow = Winnow.open(dir); Checkpoint expected = Checkpoint.open(dir.resolve("expected.safetensors"))) {
            Map<String, Tensor> inputs = new HashMap<>();
            for (String name : INPUTS) if (expected.has(name)) inputs.put(name, expected.tensor(name));
            int dense = expected.tensor("logits").dim(1);
            List<String> acted = new ArrayList<>();
            for (MethodType method : Methods.all()) {
                String spec = method.name() + (has(method, "keep") ? ":keep=50%" : has(method, "budget") ? ":budget=16" : "");
                try {
                    Map<String, Tensor> traced = new HashMap<>();
                    for (Tensor t : new Tracer(winnow.model(), ReductionPlan.parse(List.of(spec)), 3, Set.of()).run(inputs)) traced.put(t.name(), t);
                    for (float l : traced.get("logits").toFloats()) assertThat(l).as(spec).isFinite();
                    assertThat(traced.get("generated_ids").dim(1)).isEqualTo(3);
                    if (traced.get("logits").dim(1) < dense) acted.add(method.name());
                } catch (PlanException e) {
                    assertThat(e.getMessage()).startsWith(method.name()).doesNotContain("\n");
                }
            }
            assertThat(acted).contains("divprune", "cdpruner", "uniform", "aim", "sparsevlm", "dart");
        }
    }

    private static boolean has(MethodType method, String option) {
        return method.options().stream().anyMatch(o -> o.name().equals(option));
    }
}
