package dev.winnow.runtime.reducing;

import dev.winnow.reduction.MethodType;
import dev.winnow.reduction.Methods;
import dev.winnow.reduction.Options;
import dev.winnow.reduction.ReductionMethod;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.RequestException;
import dev.winnow.runtime.Tracer;
import dev.winnow.runtime.models.LanguageModel;
import dev.winnow.runtime.models.VisionLanguageModel;
import dev.winnow.runtime.models.Model;
import dev.winnow.runtime.models.VisionTransformer;
import dev.winnow.weights.Settings;
import dev.winnow.weights.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Reference cases for whole models: one input, several variants of reduction, each with its own results. */
public final class ModelCases {
    /**
     * A name in case files that is not the method's here.
     *
     * @param implied options that go without saying there
     */
    private record CaseName(String method, Map<String, String> implied) {}

    private static final Map<String, CaseName> NAMES = Map.of(
            "pdrop", new CaseName("pyramiddrop", Map.of()),
            "expected_attention", new CaseName("expectedattention", Map.of()),
            "streamingllm", new CaseName("streamingllm", Map.of("positions", "original")),
            "tova", new CaseName("tova", Map.of("newest", "true", "steps", "false")),
            "tova_online", new CaseName("tova", Map.of()),
            "h2o_observed", new CaseName("h2o", Map.of("recent", "0", "average", "true", "steps", "false")),
            "h2o_online", new CaseName("h2o", Map.of()),
            "adakv_selection_only", new CaseName("adakv", Map.of("guard", "true", "kernel", "5", "pooling", "avgpool")));
    /** Ends the names of variants whose keys are rotated again once entries have gone. */
    static final String ROTATED_AGAIN = "_rerotate";
    /** New tokens where a case does not tell. */
    private static final int NEW_TOKENS = 10;

    private ModelCases() {}

    /**
     * One variant of a case.
     *
     * @param name     in front of the names of its results
     * @param settings its parameters under the names of the authors' code
     * @param implied  options that its name implies
     */
    record Variant(String name, MethodType type, Settings settings, Map<String, String> implied) {
        ReductionMethod method() {
            Map<String, String> options = ReductionCase.options(settings, type.options());
            Options given = new Options(type.name(), type.options(), options);
            implied.forEach((option, value) -> {
                if (!given.isGiven(option)) options.put(option, value);
            });
            return type.create(options);
        }
    }

    /** Whether a case is about a whole model. */
    public static boolean isModelCase(Settings caseJson) {
        return caseJson.type("variants").equals("object");
    }

    /**
     * Runs every variant whose method this release has, and the dense model.
     *
     * @param caseJson the case, with {@code variants}
     * @param inputs   {@code input_ids}, {@code pixel_values}: what the model takes; others are ignored
     * @return results named as the case names them
     * @throws RequestException                     for missing or unfit inputs, and for a model there are no cases for
     * @throws dev.winnow.reduction.PlanException   when a variant does not fit the model
     */
    public static List<Tensor> run(Model model, Settings caseJson, Map<String, Tensor> inputs) {
        List<Variant> variants = variants(caseJson.section("variants"));
        requireSingle(inputs, "input_ids");
        requireSingle(inputs, "pixel_values");
        int newTokens = newTokens(caseJson);
        NamedOutputs out = new NamedOutputs(true);
        switch (model) {
            case VisionTransformer m -> ClassifierVariants.run(m, variants, inputs, out);
            case LanguageModel m -> PromptVariants.run(m, variants, inputs, newTokens, out);
            case VisionLanguageModel m -> PictureVariants.run(m, variants, inputs, newTokens, out);
            default -> throw new RequestException("there are no reduction cases for models of the family " + model.family());
        }
        return out.tensors();
    }

    private static List<Variant> variants(Settings section) {
        List<Variant> variants = new ArrayList<>();
        for (String name : section.keys()) {
            if (!section.type(name).equals("object")) continue;
            String prefix = name.contains(".") ? name.substring(0, name.indexOf('.')) : name;
            String plain = prefix.endsWith(ROTATED_AGAIN) ? prefix.substring(0, prefix.length() - ROTATED_AGAIN.length()) : prefix;
            CaseName known = NAMES.getOrDefault(plain, new CaseName(plain, Map.of()));
            Optional<MethodType> type = Methods.all().stream().filter(t -> t.name().equals(known.method)).findFirst();
            type.ifPresent(t -> variants.add(new Variant(name, t, section.section(name), known.implied)));
        }
        return variants;
    }

    private static void requireSingle(Map<String, Tensor> inputs, String name) {
        Tensor t = inputs.get(name);
        if (t != null && t.shape().length > 0 && t.dim(0) != 1) {
            throw new RequestException(name + " holds " + t.dim(0) + " items; reduction cases are about one");
        }
    }

    /** How many tokens the case generates, told by the shape of its results. */
    private static int newTokens(Settings caseJson) {
        Optional<Settings> tensors = caseJson.optionalSection("tensors");
        if (tensors.isEmpty()) return NEW_TOKENS;
        return tensors.get().keys().stream()
                .filter(k -> k.endsWith("generated_ids") || k.startsWith("decode.") && k.endsWith(".ids"))
                .mapToInt(k -> tensors.get().section(k).integers("shape").getLast()).max().orElse(NEW_TOKENS);
    }

    /** Everything a model computes under some methods, by name. */
    static Map<String, Tensor> trace(Model model, List<ReductionMethod> methods, Map<String, Tensor> inputs, int newTokens) {
        Map<String, Tensor> traced = new HashMap<>();
        for (Tensor t : new Tracer(model, new ReductionPlan(methods), newTokens, Set.of()).run(inputs)) traced.put(t.name(), t);
        return traced;
    }

    /** Writes a traced tensor under another name, in its own shape or another of as many elements. */
    static void copy(Map<String, Tensor> traced, String from, NamedOutputs out, String to, long... shape) {
        Tensor t = traced.get(from);
        out.floats(to, t.toFloats(), shape.length == 0 ? t.shape() : shape);
    }

    /** Writes the hidden states after every layer. */
    static void copyLayers(Map<String, Tensor> traced, String from, NamedOutputs out, String to) {
        for (int l = 0; traced.containsKey(from + l); l++) copy(traced, from + l, out, to + l);
    }

    /** Writes the ids that were generated. */
    static void copyIds(Map<String, Tensor> traced, NamedOutputs out, String to) {
        int[] ids = Arrays.stream(traced.get("generated_ids").toLongs()).mapToInt(Math::toIntExact).toArray();
        out.longs(to, ids, ids.length);
    }
}
