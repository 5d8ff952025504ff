package dev.winnow.runtime.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.winnow.layers.KvCache;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.Tokens;
import dev.winnow.runtime.Tracer;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.Settings;
import dev.winnow.weights.Tensor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What holds for every family of decoders, whatever its weights. */
class LanguageFamiliesTest {
    private static final int N = 24;
    /** Cache methods; N entries are what they may keep. */
    private static final List<String> PLANS = List.of("snapkv:window=4,keep=N", "pyramidkv:window=4,keep=N", "adakv:window=4,keep=N",
            "streamingllm:sinks=2,keep=N", "h2o:keep=N", "tova:keep=N", "keyformer:keep=N", "knorm:keep=N", "keydiff:keep=N",
            "lagkv:sinks=2,lag=4,keep=N", "expectedattention:sinks=2,keep=N", "quest:page=4,dense=0,budget=N");

    private static int[] prompt() {
        return IntStream.range(0, N).map(i -> (7 * i + 3) % SmallFamilies.VOCABULARY).toArray();
    }

    private static Stream<DynamicTest> each(Consumer<LanguageModel> check) {
        return SmallFamilies.CONFIGS.entrySet().stream()
                .map(e -> DynamicTest.dynamicTest(e.getKey(), () -> check.accept(SmallFamilies.model(e.getValue()))));
    }

    @Test
    void everyFamilyHasASmallModel() {
        Set<String> types = new TreeSet<>();
        SmallFamilies.CONFIGS.values().forEach(c -> types.add(Settings.of(c, "").string("model_type")));
        Set<String> known = new TreeSet<>(LanguageFamilies.types());
        known.remove("llama_swiftkv");
        assertThat(types).isEqualTo(known);
        SmallFamilies.CONFIGS.forEach((name, config) -> assertThat(config).contains("\"" + SmallFamilies.model(config).family() + "\""));
    }

    @Test
    void aTiedHeadMayHaveABiasOfItsOwn() {
        LanguageModel tied = SmallFamilies.model(SmallFamilies.CONFIGS.get("phi tied"));
        assertThat(tied.head().map().weight()).isSameAs(tied.embedding().words());
        assertThat(tied.head().map().bias()).hasSize(SmallFamilies.VOCABULARY);
        LanguageModel plain = SmallFamilies.model(SmallFamilies.CONFIGS.get("phi"));
        assertThat(plain.head().map().weight()).isNotSameAs(plain.embedding().words());
    }

    @TestFactory
    Stream<DynamicTest> decodingEqualsOnePass() {
        return each(model -> {
            int[] ids = prompt();
            Schedule dense = ReductionPlan.NONE.schedule(model.shape());
            float[] whole = model.prefill(model.embed(ids), model.newCache(0), dense, new Workspace(), StackListener.NONE);
            KvCache cache = model.newCache(0);
            float[] last = model.prefill(model.embed(Arrays.copyOf(ids, 2)), cache, dense, new Workspace(), StackListener.NONE);
            for (int i = 2; i < N; i++) last = model.step(ids[i], cache, dense, new Workspace());
            for (int i = 0; i < whole.length; i++) assertThat(last[i]).isCloseTo(whole[i], within(5e-4f));
        });
    }

    /** Invariant 12 rests on it: plans that keep everything may run all of the last layer. */
    @TestFactory
    Stream<DynamicTest> theLastLayerForTheLastTokenIsBitIdentical() {
        return each(model -> {
            int[] ids = IntStream.range(0, 61).map(i -> (7 * i + 3) % SmallFamilies.VOCABULARY).toArray();
            Schedule dense = ReductionPlan.NONE.schedule(model.shape());
            KvCache shortened = model.newCache(0);
            Workspace workspace = new Workspace();
            float[] logits = model.prefill(model.embed(ids), shortened, dense, workspace, StackListener.NONE);
            Tokens all = model.embed(ids);
            KvCache cache = model.newCache(0);
            Workspace wholly = new Workspace();
            model.stack().run(all, model.stack().layers(), cache, dense, wholly, StackListener.NONE);
            assertThat(logits).isEqualTo(model.logits(model.finalNorm(all.hidden(), ids.length - 1, 1), 1, wholly));
            assertThat(model.step(5, shortened, dense, workspace)).isEqualTo(model.step(5, cache, dense, wholly));
            boolean experts = model.stack().descriptions().getLast().mlp() instanceof Mlp.MixtureOfExperts;
            if (!experts) assertThat(workspace.work().flops()).isLessThan(wholly.work().flops());
        });
    }

    @TestFactory
    Stream<DynamicTest> costIsWhatRuns() {
        return each(model -> {
            Workspace workspace = new Workspace();
            model.prefill(model.embed(prompt()), model.newCache(0), ReductionPlan.NONE.schedule(model.shape()), workspace,
                    StackListener.NONE);
            assertThat(workspace.work().flops())
                    .isEqualTo(ComputeCost.layers(model.stack().descriptions(), N) + ComputeCost.product(model.head().map()));
        });
    }

    private static Map<String, Tensor> trace(LanguageModel model, String spec) {
        ReductionPlan plan = spec.isEmpty() ? ReductionPlan.NONE : ReductionPlan.parse(List.of(spec));
        Tensor ids = Tensor.ofLongs("input_ids", Arrays.stream(prompt()).asLongStream().toArray(), 1, N);
        Map<String, Tensor> traced = new HashMap<>();
        for (Tensor t : new Tracer(model, plan, 6, Set.of()).run(Map.of("input_ids", ids))) traced.put(t.name(), t);
        return traced;
    }

    @TestFactory
    Stream<DynamicTest> cachesThatKeepEverythingChangeNothing() {
        return each(model -> {
            float[] dense = trace(model, "").get("generated_logits").toFloats();
            for (String plan : PLANS) {
                float[] kept = trace(model, plan.replace("=N", "=64")).get("generated_logits").toFloats();
                for (int i = 0; i < dense.length; i++) assertThat(kept[i]).as(plan).isCloseTo(dense[i], within(1e-4f));
            }
        });
    }

    @TestFactory
    Stream<DynamicTest> plansRun() {
        return each(model -> {
            Stream<String> smaller = PLANS.stream().map(p -> p.replace("=N", "=12"));
            Stream<String> others = Stream.of("kivi:group=4,residual=4", "lookm:keep=12", "keyrotation", "layerdrop:layers=1/2", "tsa",
                    "cats:sparsity=0.3");
            Stream.concat(smaller, others).forEach(plan -> {
                boolean neurons = !plan.startsWith("cats") || model.stack().descriptions().stream().allMatch(l -> l.separateMlp());
                if (!neurons) {
                    assertThatThrownBy(() -> trace(model, plan)).isInstanceOf(PlanException.class)
                            .hasMessageStartingWith("cats:sparsity=0.3: layer 0 ").hasMessageNotContaining("\n");
                    return;
                }
                for (float x : trace(model, plan).get("generated_logits").toFloats()) assertThat(x).as(plan).isFinite();
            });
        });
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "mixtral | \"num_local_experts\": 4 | \"num_local_experts\": 1 | num_experts_per_tok 2 is more than the 1 experts",
        "mistral | \"sliding_window\": 7 | \"sliding_window\": 0 | sliding_window should be between 1 and",
        "mistral | \"head_dim\": 8 | \"head_dim\": 7 | need an even number of channels",
        "qwen2 by layer_types | [\"sliding_attention\", | [ | layer_types has 3 entries for 4 layers",
        "qwen2 by layer_types | [\"sliding_attention\" | [\"linear_attention\" | should be full_attention or sliding_attention",
        "gemma2 | \"query_pre_attn_scalar\": 6 | \"query_pre_attn_scalar\": 0 | query_pre_attn_scalar should be above 0",
        "phi | 0.67 | 1.5 | rotary positions need",
        "phi3 | [1.0, 1.1, 1.2] | [1.0, 1.1] | short_factor should hold 3 numbers above 0 but holds 2 in 2",
        "phi3 | [2.0, 3.0, 4.0] | [2.0, 0.0, 4.0] | long_factor should hold 3 numbers above 0 but holds 2 in 3",
        "granite | \"logits_scaling\": 2.0 | \"logits_scaling\": 0.0 | logits_scaling should be above 0",
        "gpt2 | \"n_head\": 4 | \"n_head\": 5 | cannot be split into 5 attention heads",
        "llama | \"num_key_value_heads\": 2 | \"num_key_value_heads\": 3 | is not a multiple of num_key_value_heads 3",
        "llama | \"llama\" | \"rwkv\" | 'rwkv' is not supported; known are llama, llama_swiftkv, mistral",
    })
    void refusesWhatItCannotRun(String family, String from, String to, String message) {
        String config = SmallFamilies.CONFIGS.get(family);
        assertThat(config).contains(from);
        assertThatThrownBy(() -> SmallFamilies.model(config.replace(from, to))).isInstanceOf(CheckpointException.class)
                .hasMessageContaining(message);
    }
}
