package dev.winnow.runtime.reducing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.layers.CpuBackend;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.PositionPolicy;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.ReductionMethod;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.Site;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenMap;
import dev.winnow.reduction.Tokens;
import dev.winnow.runtime.Golden;
import dev.winnow.runtime.models.ImageTextEncoder;
import dev.winnow.runtime.models.Model;
import dev.winnow.runtime.models.SyntheticModel;
import dev.winnow.runtime.models.VisionEncoder;
import dev.winnow.runtime.models.VisionTransformer;
import dev.winnow.runtime.models.WeightScope;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.DType;
import dev.winnow.weights.Settings;
import dev.winnow.weights.Tensor;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Reduction in towers that are no plain ViT: two class tokens, registers, relative positions, no class token at all. */
class TowerFamiliesTest {
    private static final int PATCHES = 16;
    private static final List<String> METHODS = List.of("tome", "tofu", "crossget", "mctf", "pitome", "dtome", "evit", "diffrate", "dct",
            "gtp", "ats", "zerotprune", "flowcut", "expedit");

    private static Settings config(String family, String more) {
        return Settings.of("{\"model_type\":\"" + family + "\",\"hidden_size\":32,\"num_attention_heads\":4,\"num_hidden_layers\":4,"
                + "\"intermediate_size\":48,\"mlp_ratio\":2,\"image_size\":32,\"patch_size\":8," + more + "\"num_labels\":5}", "config.json");
    }

    private static Settings config(String family) {
        return switch (family) {
            case "deit" -> config(family, "\"architectures\":[\"DeiTForImageClassificationWithTeacher\"],");
            case "beit" -> config(family, "\"use_relative_position_bias\":true,\"use_shared_relative_position_bias\":true,"
                    + "\"architectures\":[\"BeitForImageClassification\"],");
            case "dinov2" -> config(family, "\"use_swiglu_ffn\":true,\"architectures\":[\"Dinov2ForImageClassification\"],");
            case "dinov2_with_registers" -> config(family, "\"architectures\":[\"Dinov2WithRegistersForImageClassification\"],");
            default -> config(family, "");
        };
    }

    private static <T> T with(Settings config, Function<Model, T> body) {
        try (Arena arena = Arena.ofShared()) {
            Map<String, Tensor> made = SyntheticModel.tensors(config, DType.F32, 5, arena, CpuBackend.create()).stream()
                    .map(t -> louder(t, arena)).collect(Collectors.toMap(Tensor::name, t -> t));
            return body.apply(Model.load(config, WeightScope.of(new Made(made)), CpuBackend.create()));
        }
    }

    /** Weights large enough that attention is far from uniform. */
    private static Tensor louder(Tensor t, Arena arena) {
        if (t.name().contains("norm")) return t;
        float[] values = t.toFloats();
        for (int i = 0; i < values.length; i++) values[i] *= 10;
        return Tensor.ofFloats(t.name(), values, t.shape());
    }

    private record Made(Map<String, Tensor> tensors) implements WeightScope.Source {
        @Override
        public boolean has(String name) {
            return tensors.containsKey(name);
        }

        @Override
        public Tensor tensor(String name, long... shape) {
            return tensors.get(name);
        }

        @Override
        public Tensor any(String name) {
            return tensors.get(name);
        }
    }

    private static VisionEncoder tower(Model model) {
        return model instanceof VisionTransformer m ? m.encoder() : ((ImageTextEncoder) model).vision();
    }

    private static Tokens encode(Model model, ReductionPlan plan) {
        float[] pixels = new float[3 * 32 * 32];
        Random random = new Random(3);
        for (int i = 0; i < pixels.length; i++) pixels[i] = (float) random.nextGaussian();
        VisionEncoder tower = tower(model);
        return tower.encode(pixels, 0, 0, tower.layers(), plan.schedule(model.shape()), new Workspace(), new int[0], null, StackListener.NONE)
                .tokens();
    }

    private static float[] vector(Model model, Tokens tokens) {
        return model instanceof VisionTransformer m ? m.logits(tokens, new Workspace(), null)
                : ((ImageTextEncoder) model).imageEmbedding(tokens, new Workspace());
    }

    private static List<List<String>> familiesAndMethods() {
        List<String> families = List.of("deit", "beit", "dinov2", "dinov2_with_registers", "siglip_vision_model");
        return families.stream().flatMap(f -> METHODS.stream().map(m -> List.of(f, m))).toList();
    }

    @ParameterizedTest
    @MethodSource("familiesAndMethods")
    void tokensThatAreNoPatchesStay(List<String> familyAndMethod) {
        String family = familyAndMethod.getFirst();
        String method = familyAndMethod.getLast();
        boolean refused = family.startsWith("siglip") && List.of("evit", "diffrate", "ats", "flowcut").contains(method);
        with(config(family), model -> {
            ReductionPlan half = ReductionPlan.parse(List.of(method + ":keep=50%"));
            if (refused) {
                assertThatThrownBy(() -> encode(model, half)).isInstanceOf(PlanException.class).hasMessageContaining("needs a class token");
                return null;
            }
            Tokens dense = encode(model, ReductionPlan.NONE);
            Tokens reduced = encode(model, half);
            for (TokenKind kind : List.of(TokenKind.CLASS, TokenKind.REGISTER)) {
                assertThat(reduced.ledger().ofKind(kind)).hasSameSizeAs(dense.ledger().ofKind(kind));
            }
            if (!method.equals("expedit")) assertThat(reduced.ledger().ofKind(TokenKind.VISUAL).length).isLessThan(PATCHES);
            float[] vector = vector(model, reduced);
            for (float v : vector) assertThat(v).isFinite();
            assertThat(Golden.difference(vector, vector(model, dense))).isBetween(1e-7, 100.0);
            return null;
        });
    }

    /** An event in front of the first layer. */
    private static ReductionPlan first(Function<Tokens, Outcome> outcome) {
        ReductionMethod method = new ReductionMethod() {
            @Override
            public String spec() {
                return "first";
            }

            @Override
            public List<ReductionEvent> events(ModelShape shape) {
                return List.of(ReductionEvent.at("first", new Site(Stage.VISION, Site.Moment.BEFORE_LAYER, 0), o -> outcome.apply(o.tokens())));
            }
        };
        return new ReductionPlan(List.of(method));
    }

    @ParameterizedTest
    @ValueSource(strings = {"beit", "dinov2_with_registers"})
    void droppingPatchesIsHidingThem(String family) {
        with(config(family), model -> {
            boolean[] gone = new boolean[encode(model, ReductionPlan.NONE).count()];
            for (int i = 6; i < gone.length; i += 2) gone[i] = true;
            int[] left = IntStream.range(0, gone.length).filter(i -> !gone[i]).toArray();
            Tokens dropped = encode(model, first(t -> new Outcome.Reduce(TokenMap.select(left, gone.length), PositionPolicy.PRESERVE)));
            Tokens hidden = encode(model, first(t -> new Outcome.Hide(gone)));
            int width = dropped.width();
            for (int i = 0; i < left.length; i++) {
                float[] row = Arrays.copyOfRange(dropped.hidden(), i * width, (i + 1) * width);
                float[] same = Arrays.copyOfRange(hidden.hidden(), left[i] * width, (left[i] + 1) * width);
                assertThat(Golden.difference(row, same)).isLessThan(1e-5);
            }
            return null;
        });
    }

    @Test
    void aPictureOfAnotherSizeOrARefusal() {
        float[] pixels = new float[3 * 24 * 48];
        VisionEncoder.Picture wide = new VisionEncoder.Picture(pixels, 0, 24, 48);
        with(config("dinov2"), model -> {
            VisionEncoder tower = tower(model);
            assertThat(tower.takes(24, 48)).isTrue();
            Tokens tokens = tower.encode(wide, 0, 4, ReductionPlan.NONE.schedule(model.shape()), new Workspace(), new int[0], null,
                    StackListener.NONE).tokens();
            assertThat(tokens.ledger().grid(0).width()).isEqualTo(6);
            assertThat(tokens.count()).isEqualTo(1 + 3 * 6);
            return null;
        });
        for (String family : List.of("beit", "deit", "siglip_vision_model")) {
            boolean takes = with(config(family), model -> tower(model).takes(24, 48));
            assertThat(takes).as(family).isFalse();
        }
    }

    @Test
    void aTableOfAnotherShapeIsNamed() {
        Settings config = config("beit");
        String name = "beit.encoder.layer.0.attention.attention.relative_position_bias.relative_position_bias_table";
        WeightScope.Source wrong = new WeightScope.Source() {
            @Override
            public boolean has(String tensor) {
                return true;
            }

            @Override
            public Tensor tensor(String tensor, long... shape) {
                if (tensor.equals(name)) throw new CheckpointException("tensor " + tensor + " should be " + Arrays.toString(shape));
                long n = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
                return Tensor.ofFloats(tensor, new float[(int) n], shape);
            }

            @Override
            public Tensor any(String tensor) {
                throw new IllegalStateException(tensor);
            }
        };
        assertThatThrownBy(() -> Model.load(config, WeightScope.of(wrong), CpuBackend.create())).isInstanceOf(CheckpointException.class)
                .hasMessage("tensor " + name + " should be [52, 4]");
    }
}
