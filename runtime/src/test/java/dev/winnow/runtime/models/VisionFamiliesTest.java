package dev.winnow.runtime.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.winnow.layers.CpuBackend;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.Grid;
import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.Tokens;
import dev.winnow.weights.Checkpoint;
import dev.winnow.weights.CheckpointException;
import dev.winnow.weights.DType;
import dev.winnow.weights.SafetensorsWriter;
import dev.winnow.weights.Settings;
import dev.winnow.weights.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Vision families without golden data, against plain loops over the tensors of their authors' layouts. */
class VisionFamiliesTest {
    private static final String ARGS = "\"model_args\": {\"depths\": [1, 2, 1, 2], \"dims\": [8, 12, 32, 64], \"img_size\": %d}";
    private static final String POOLFORMER = """
            {"model_type": "poolformer", "architectures": ["PoolFormerForImageClassification"], "num_labels": 5, "depths": [1, 2, 1, 2],
             "hidden_sizes": [8, 12, 16, 20], "image_size": 72, "mlp_ratio": 2.5}""";

    /** A model, the tensors that it asked for, and a picture. */
    private record Case(VisionTransformer model, PlainVision plain, Map<String, Tensor> tensors, float[] pixels, int height, int width) {
        static Case of(String config, int height, int width) {
            PlainVision.Made made = new PlainVision.Made();
            VisionTransformer model = (VisionTransformer) Model.load(Settings.of(config, "config.json"), WeightScope.of(made),
                    CpuBackend.create());
            float[] pixels = new float[3 * height * width];
            Random random = new Random(7);
            for (int i = 0; i < pixels.length; i++) pixels[i] = (float) random.nextGaussian();
            return new Case(model, new PlainVision(made.tensors), made.tensors, pixels, height, width);
        }

        double[][][] picture() {
            return PlainVision.picture(3, height, width, pixels);
        }

        Tokens encode(String... plan) {
            VisionEncoder tower = model.encoder();
            return tower.encode(new VisionEncoder.Picture(pixels, 0, height, width), 0, tower.layers(),
                    ReductionPlan.parse(List.of(plan)).schedule(model.shape()), new Workspace(), new int[0], null,
                    StackListener.NONE).tokens();
        }

        void requireLike(double[][] tokens, double[] logits) {
            Tokens own = encode();
            assertThat(own.count()).isEqualTo(tokens.length);
            requireClose(Arrays.copyOf(own.hidden(), own.count() * own.width()),
                    Arrays.stream(tokens).flatMapToDouble(Arrays::stream).toArray());
            requireClose(model.logits(own, new Workspace(), null), logits);
        }
    }

    private static void requireClose(float[] own, double[] plain) {
        assertThat(own).hasSize(plain.length);
        double most = Arrays.stream(plain).map(Math::abs).max().orElseThrow();
        for (int i = 0; i < plain.length; i++) assertThat((double) own[i]).as("value " + i).isCloseTo(plain[i], within(1e-4 * most));
        assertThat(Arrays.stream(plain).distinct().count()).as("different values").isGreaterThan(plain.length / 2);
    }

    private static String timm(String architecture, String more) {
        return "{\"architecture\": \"" + architecture + "\", \"num_classes\": 7, " + more + "}";
    }

    // ---- PoolFormer ----

    @Test
    void poolFormerIsWhatItsLayoutSays() {
        Case c = Case.of(POOLFORMER, 72, 88);
        PlainVision p = c.plain;
        double[][][] x = c.picture();
        int[] depths = {1, 2, 1, 2};
        for (int i = 0; i < 4; i++) {
            String encoder = "poolformer.encoder.";
            x = p.convolution(encoder + "patch_embeddings." + i + ".projection", x, i == 0 ? 4 : 2, i == 0 ? 2 : 1, true);
            for (int j = 0; j < depths[i]; j++) {
                String b = encoder + "block." + i + "." + j + ".";
                x = PlainVision.combined(x, null, PlainVision.pooling(p.groupNorm(b + "before_norm", x, 1e-5, true), 3),
                        p.vector(b + "layer_scale_1"));
                double[][][] inner = p.convolution(b + "output.conv1", p.groupNorm(b + "after_norm", x, 1e-5, true), 1, 0, true);
                for (int k = 0; k < inner.length; k++) inner[k] = PlainVision.each(inner[k], PlainVision::gelu);
                x = PlainVision.combined(x, null, p.convolution(b + "output.conv2", inner, 1, 0, true), p.vector(b + "layer_scale_2"));
            }
        }
        double[] pooled = PlainVision.mean(PlainVision.tokens(p.groupNorm("norm", x, 1e-5, true)));
        c.requireLike(PlainVision.tokens(x), p.linear("classifier", new double[][] {pooled}, true)[0]);
        assertThat(c.model.encoder().grid(72, 88)).isEqualTo(new Grid(x[0].length, x[0][0].length));
        requireClose(c.model.embedding(c.encode(), new Workspace()), pooled);
    }

    @Test
    void aBarePoolFormerHasNoNormBehindIt() {
        Case c = Case.of(POOLFORMER.replace("PoolFormerForImageClassification", "PoolFormerModel").replace("\"num_labels\": 5,",
                "\"use_layer_scale\": false,"), 64, 64);
        assertThat(c.model.classifier()).isNull();
        assertThat(c.tensors).doesNotContainKeys("norm.weight", "poolformer.encoder.block.0.0.layer_scale_1")
                .containsKey("poolformer.encoder.block.3.1.output.conv2.bias");
        Tokens tokens = c.encode();
        double[] mean = new double[tokens.width()];
        for (int i = 0; i < tokens.count() * tokens.width(); i++) mean[i % mean.length] += tokens.hidden()[i] / (double) tokens.count();
        requireClose(c.model.embedding(tokens, new Workspace()), mean);
    }

    // ---- MetaFormer baselines ----

    /** The forward pass of timm's and the authors' MetaFormer. */
    private static void requireMetaFormer(Case c, String series, boolean original) {
        PlainVision p = c.plain;
        boolean first = series.equals("poolformer");
        boolean cells = series.equals("convformer") || series.equals("caformer");
        double[][][] x = c.picture();
        int[] depths = {1, 2, 1, 2};
        for (int i = 0; i < 4; i++) {
            String entrance = original ? "downsample_layers." + i : i == 0 ? "stem" : "stages." + i + ".downsample";
            if (i > 0 && !first) x = p.layerNorm(entrance + (original ? ".pre_norm" : ".norm"), x, 1e-6, false);
            x = p.convolution(entrance + ".conv", x, i == 0 ? 4 : 2, i == 0 ? 2 : 1, true);
            if (i == 0 && !first) x = p.layerNorm(entrance + (original ? ".post_norm" : ".norm"), x, 1e-6, false);
            for (int j = 0; j < depths[i]; j++) {
                String b = "stages." + i + (original ? "." : ".blocks.") + j + ".";
                boolean attends = series.equals("caformer") && i > 1;
                boolean convolutions = !original && !attends;
                double[] keep1 = first || i < 2 ? null : p.vector(b + "res_scale1.scale");
                double[] keep2 = first || i < 2 ? null : p.vector(b + "res_scale2.scale");
                double[][][] normed = cells ? p.layerNorm(b + "norm1", x, 1e-6, false)
                        : p.groupNorm(b + "norm1", x, first ? 1e-5 : 1e-6, first);
                x = PlainVision.combined(x, keep1, mixed(p, series, i, b + "token_mixer.", normed, convolutions),
                        first ? p.vector(b + "layer_scale1.scale") : null);
                normed = cells ? p.layerNorm(b + "norm2", x, 1e-6, false) : p.groupNorm(b + "norm2", x, first ? 1e-5 : 1e-6, first);
                double[][][] inner = pointwise(p, b + "mlp.fc1", normed, convolutions, first);
                for (int k = 0; k < inner.length; k++) {
                    inner[k] = PlainVision.each(inner[k], first ? PlainVision::gelu
                            : v -> p.scalar(b + "mlp.act.scale") * PlainVision.squaredRelu(v) + p.scalar(b + "mlp.act.bias"));
                }
                x = PlainVision.combined(x, keep2, pointwise(p, b + "mlp.fc2", inner, convolutions, first),
                        first ? p.vector(b + "layer_scale2.scale") : null);
            }
        }
        double[][] pooled = {PlainVision.mean(PlainVision.tokens(x))};
        pooled = p.layerNorm(original ? "norm" : "head.norm", pooled, 1e-6, true);
        String head = original ? "head" : "head.fc";
        double[][] logits = pooled;
        if (cells) {
            logits = PlainVision.each(p.linear(head + ".fc1", logits, true), PlainVision::squaredRelu);
            logits = p.layerNorm(head + ".norm", logits, original ? 1e-5 : 1e-6, true);
        }
        c.requireLike(PlainVision.tokens(x), p.linear(cells ? head + ".fc2" : head, logits, true)[0]);
        requireClose(c.model.embedding(c.encode(), new Workspace()), pooled[0]);
    }

    private static double[][][] pointwise(PlainVision p, String name, double[][][] x, boolean convolution, boolean bias) {
        return convolution ? p.convolution(name, x, 1, 0, bias) : p.everywhere(name, x, bias);
    }

    private static double[][][] mixed(PlainVision p, String series, int stage, String place, double[][][] x, boolean convolutions) {
        if (series.startsWith("poolformer")) return PlainVision.pooling(x, 3);
        if (series.equals("convformer") || series.equals("caformer") && stage < 2) {
            double[][][] wide = pointwise(p, place + "pwconv1", x, convolutions, false);
            for (int k = 0; k < wide.length; k++) {
                wide[k] = PlainVision.each(wide[k],
                        v -> p.scalar(place + "act1.scale") * PlainVision.squaredRelu(v) + p.scalar(place + "act1.bias"));
            }
            return pointwise(p, place + "pwconv2", p.convolution(place + "dwconv", wide, 1, 3, false), convolutions, false);
        }
        if (series.equals("caformer")) {
            double[][] qkv = p.linear(place + "qkv", PlainVision.tokens(x), false);
            double[][] attended = PlainVision.attention(qkv, x.length / 32, 1 / Math.sqrt(32));
            return PlainVision.map(p.linear(place + "proj", attended, false), x[0].length, x[0][0].length);
        }
        if (series.equals("identityformer") || stage < 2) return x;
        double[][] tokens = PlainVision.tokens(x);
        double[][] y = new double[tokens.length][tokens[0].length];
        for (int m = 0; m < y.length; m++) {
            for (int n = 0; n < y.length; n++) {
                for (int k = 0; k < y[0].length; k++) y[m][k] += p.at(place + "random_matrix", m, n) * tokens[n][k];
            }
        }
        return PlainVision.map(y, x[0].length, x[0][0].length);
    }

    @ParameterizedTest
    @CsvSource({"poolformer_s12,72,88", "poolformerv2_m36,72,88", "convformer_b36,72,88", "caformer_s18,72,88", "identityformer_s24,72,72",
        "randformer_m48,72,72"})
    void metaFormersAreWhatTheirLayoutSays(String architecture, int height, int width) {
        Case c = Case.of(timm(architecture, String.format(ARGS, 72)), height, width);
        String series = architecture.replaceFirst("_.*", "");
        requireMetaFormer(c, series, series.equals("identityformer") || series.equals("randformer"));
        assertThat(c.model.encoder().patchCount()).as("odd grids").isEqualTo(9);
    }

    /** The same architecture under the names of the authors' files, with matrices in place of 1x1 convolutions. */
    @ParameterizedTest
    @ValueSource(strings = {"caformer_s36", "convformer_s18", "poolformerv2_s12"})
    void theAuthorsNamesAreKnownToo(String architecture) {
        PlainVision.Made made = new PlainVision.Made();
        made.tensor("downsample_layers.0.conv.weight", 8, 3, 7, 7);
        VisionTransformer model = (VisionTransformer) Model.load(Settings.of(timm(architecture, String.format(ARGS, 64)), "config.json"),
                WeightScope.of(made), CpuBackend.create());
        Case like = Case.of(timm(architecture, String.format(ARGS, 64)), 64, 64);
        requireMetaFormer(new Case(model, new PlainVision(made.tensors), made.tensors, like.pixels, 64, 64),
                architecture.replaceFirst("_.*", ""), true);
    }

    // ---- T2T-ViT ----

    private static final String T2T = """
            "model_args": {"embed_dim": 24, "depth": 2, "num_heads": 3, "token_dim": 8, "img_size": 48}""";

    /** Windows in rows, channel by channel (a soft split). */
    private static double[][] windows(double[][][] x, int size, int stride, int padding) {
        int side = (x[0].length + 2 * padding - size) / stride + 1;
        double[][] rows = new double[side * side][x.length * size * size];
        for (int i = 0; i < side * side; i++) {
            for (int k = 0; k < rows[i].length; k++) {
                int row = i / side * stride - padding + k / size % size;
                int column = i % side * stride - padding + k % size;
                if (row >= 0 && column >= 0 && row < x[0].length && column < x[0][0].length) rows[i][k] = x[k / (size * size)][row][column];
            }
        }
        return rows;
    }

    private static double[][][] square(double[][] tokens) {
        int side = (int) Math.round(Math.sqrt(tokens.length));
        return PlainVision.map(tokens, side, side);
    }

    private static double[][] part(double[][] x, int from, int width) {
        return Arrays.stream(x).map(row -> Arrays.copyOfRange(row, from, from + width)).toArray(double[][]::new);
    }

    private static double[][] performer(PlainVision p, String place, double[][] x) {
        double[][] kqv = p.linear(place + "kqv", p.layerNorm(place + "norm1", x, 1e-5, true), true);
        int width = kqv[0].length / 3;
        double[][] keys = positive(p, place, part(kqv, 0, width));
        double[][] queries = positive(p, place, part(kqv, width, width));
        double[][] values = part(kqv, 2 * width, width);
        double[][] gathered = new double[x.length][width];
        for (int i = 0; i < x.length; i++) {
            double all = 1e-8;
            for (int j = 0; j < x.length; j++) {
                double like = 0;
                for (int m = 0; m < keys[0].length; m++) like += queries[i][m] * keys[j][m];
                all += like;
                for (int k = 0; k < width; k++) gathered[i][k] += like * values[j][k];
            }
            for (int k = 0; k < width; k++) gathered[i][k] /= all;
        }
        double[][] y = PlainVision.sum(values, p.linear(place + "proj", gathered, true));
        double[][] hidden = PlainVision.each(p.linear(place + "mlp.0", p.layerNorm(place + "norm2", y, 1e-5, true), true),
                PlainVision::gelu);
        return PlainVision.sum(y, p.linear(place + "mlp.2", hidden, true));
    }

    private static double[][] positive(PlainVision p, String place, double[][] x) {
        int m = x[0].length / 2;
        double[][] y = new double[x.length][m];
        for (int i = 0; i < x.length; i++) {
            double square = 0;
            for (double v : x[i]) square += v * v;
            for (int j = 0; j < m; j++) {
                double logit = -square / 2;
                for (int c = 0; c < x[i].length; c++) logit += p.at(place + "w", j, c) * x[i][c];
                y[i][j] = Math.exp(logit) / Math.sqrt(m);
            }
        }
        return y;
    }

    private static double[][] transformer(PlainVision p, String place, double[][] x) {
        double[][] qkv = p.linear(place + "attn.qkv", p.layerNorm(place + "norm1", x, 1e-5, true), false);
        int width = qkv[0].length / 3;
        double[][] attended = p.linear(place + "attn.proj", PlainVision.attention(qkv, 1, 1 / Math.sqrt(x[0].length)), true);
        double[][] y = PlainVision.sum(part(qkv, 2 * width, width), attended);
        return PlainVision.sum(y, mlp(p, place, y));
    }

    private static double[][] mlp(PlainVision p, String place, double[][] y) {
        double[][] hidden = PlainVision.each(p.linear(place + "mlp.fc1", p.layerNorm(place + "norm2", y, 1e-5, true), true),
                PlainVision::gelu);
        return p.linear(place + "mlp.fc2", hidden, true);
    }

    private static Case requireT2t(String architecture, double scale, String more) {
        Case c = Case.of(timm(architecture, T2T.replace("48}", "48" + more + "}")), 48, 48);
        PlainVision p = c.plain;
        boolean performs = !architecture.contains("_t_");
        double[][] x = windows(c.picture(), 7, 4, 2);
        for (int i = 1; i <= 2; i++) {
            String place = "tokens_to_token.attention" + i + ".";
            x = windows(square(performs ? performer(p, place, x) : transformer(p, place, x)), 3, 2, 1);
        }
        double[][] patches = p.linear("tokens_to_token.project", x, true);
        x = new double[1 + patches.length][24];
        for (int i = 0; i < x.length; i++) {
            for (int k = 0; k < 24; k++) x[i][k] = (i == 0 ? p.at("cls_token", 0, 0, k) : patches[i - 1][k]) + p.at("pos_embed", 0, i, k);
        }
        for (int l = 0; l < 2; l++) {
            String b = "blocks." + l + ".";
            double[][] qkv = p.linear(b + "attn.qkv", p.layerNorm(b + "norm1", x, 1e-5, true), false);
            x = PlainVision.sum(x, p.linear(b + "attn.proj", PlainVision.attention(qkv, 3, scale), true));
            x = PlainVision.sum(x, mlp(p, b, x));
        }
        double[][] token = p.layerNorm("norm", new double[][] {x[0]}, 1e-5, true);
        c.requireLike(x, p.linear("head", token, true)[0]);
        return c;
    }

    @Test
    void t2tVitIsWhatItsLayoutSays() {
        Case c = requireT2t("t2t_vit_14", 1 / Math.sqrt(8), "");
        assertThat(c.tensors.get("blocks.0.mlp.fc1.weight").shape()).containsExactly(72, 24);
        requireT2t("t2t_vit_t_14", 1 / Math.sqrt(8), "");
        requireT2t("t2t_vit_14", 0.2, ", \"qk_scale\": 0.2");
    }

    /** The backbone is a plain ViT, so tokens can be reduced in it as in any other. */
    @ParameterizedTest
    @ValueSource(strings = {"tome", "tofu", "crossget", "mctf", "pitome", "dtome", "evit", "diffrate", "dct", "gtp", "ats", "zerotprune",
        "flowcut", "expedit"})
    void towerMethodsRunInT2tVit(String method) {
        Case c = Case.of(timm("t2t_vit_7", T2T.replace("\"depth\": 2", "\"depth\": 4").replace("48}", "64}")), 64, 64);
        float[] dense = c.model.logits(c.encode(), new Workspace(), null);
        Tokens reduced = c.encode(method + ":keep=50%");
        assertThat(reduced.ledger().ofKind(TokenKind.CLASS)).hasSize(1);
        if (!method.equals("expedit")) assertThat(reduced.count()).isLessThan(17);
        assertThat(c.model.logits(reduced, new Workspace(), null)).isNotEqualTo(dense).doesNotContain(Float.NaN);
    }

    /** The last stage of a CAFormer is free of its grid; stages of others are not. */
    @Test
    void tokensCanGoWhereNoGridOperatorIsToCome() {
        Case c = Case.of(timm("caformer_s18", String.format(ARGS, 128)), 128, 128);
        assertThat(c.model.encoder().layers()).isEqualTo(2);
        Tokens dense = c.encode();
        assertThat(dense.count()).isEqualTo(16);
        for (String method : List.of("tome", "pitome", "gtp", "zerotprune")) {
            Tokens reduced = c.encode(method + ":keep=50%");
            assertThat(reduced.count()).as(method).isBetween(4, 12);
            assertThat(c.model.logits(reduced, new Workspace(), null)).isNotEqualTo(c.model.logits(dense, new Workspace(), null))
                    .doesNotContain(Float.NaN);
        }
        assertThat(c.encode("tome:r=0").hidden()).isEqualTo(dense.hidden());
        for (String config : List.of(POOLFORMER, timm("convformer_s18", String.format(ARGS, 72)),
                timm("poolformerv2_s12", String.format(ARGS, 72)))) {
            Case grid = Case.of(config, 72, 72);
            for (String method : List.of("tome", "evit", "expedit:keep=50%")) {
                assertThatThrownBy(() -> grid.encode(method)).isInstanceOf(PlanException.class)
                        .hasMessageContaining("operators need the whole grid of patches to the end");
            }
        }
    }

    // ---- full sizes ----

    /** Counts parameters; every value is 1 and shares the same memory. */
    private static final class Hollow implements WeightScope.Source {
        private final MemorySegment ones;
        private long parameters;

        Hollow(Arena arena) {
            ones = arena.allocate(64 << 20);
            for (long i = 0; i < ones.byteSize() / 4; i++) ones.setAtIndex(ValueLayout.JAVA_INT, i, 0x3f803f80);
        }

        @Override
        public boolean has(String name) {
            return false;
        }

        @Override
        public Tensor any(String name) {
            throw new IllegalStateException(name);
        }

        @Override
        public Tensor tensor(String name, long... shape) {
            long n = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
            parameters += n;
            return new Tensor(name, DType.BF16, shape, ones.asSlice(0, 2 * n));
        }
    }

    /** Millions of parameters as the authors' tables give them, and billions of multiply-adds a picture; 0 where they give none. */
    @ParameterizedTest
    @CsvSource({"t2t_vit_7,4.3,1.1", "t2t_vit_10,5.9,1.5", "t2t_vit_12,6.9,1.8", "t2t_vit_14,21.5,4.8", "t2t_vit_19,39.2,8.5",
        "t2t_vit_24,64.1,13.8", "t2t_vit_t_14,21.5,6.1", "t2t_vit_t_19,39.2,9.8", "t2t_vit_t_24,64.1,15.0", "caformer_s18,26,4.1",
        "caformer_s36,39,8.0", "caformer_m36,56,13.2", "caformer_b36,99,23.2", "convformer_s18,27,3.9", "convformer_s36,40,7.6",
        "convformer_m36,57,12.8", "convformer_b36,100,22.6", "poolformerv2_s12,11.9,1.8", "identityformer_s12,11.9,1.8",
        "poolformer_s12,11.9,1.8", "poolformer_s24,21.4,3.4", "poolformer_s36,30.8,5.0", "poolformer_m36,56.1,8.8",
        "poolformer_m48,73.4,11.6", "transformers' poolformer,11.9,1.8"})
    void fullSizesAreThoseOfThePapers(String name, double millions, double billions) {
        String config = name.contains(" ") ? """
                {"model_type": "poolformer", "architectures": ["PoolFormerForImageClassification"], "num_labels": 1000}"""
                : "{\"architecture\": \"" + name + "\"}";
        try (Arena arena = Arena.ofShared()) {
            Hollow hollow = new Hollow(arena);
            VisionTransformer model = (VisionTransformer) Model.load(Settings.of(config, "config.json"), WeightScope.of(hollow),
                    CpuBackend.create());
            assertThat(hollow.parameters / 1e6).isCloseTo(millions, within(millions >= 26 && millions % 1 == 0 ? 0.6 : 0.11));
            double multiplyAdds = ComputeCost.image(model.encoder(), model.encoder().layers()) / 2e9;
            assertThat(multiplyAdds).isCloseTo(billions, within(0.06 * billions));
        }
    }

    // ---- what is wrong with a checkpoint ----

    @TempDir
    private Path folder;

    private void requireRefusal(String config, UnaryOperator<Tensor> change, String message) throws IOException {
        PlainVision.Made made = new PlainVision.Made();
        Model.load(Settings.of(config, "config.json"), WeightScope.of(made), CpuBackend.create());
        Path file = folder.resolve("model.safetensors");
        SafetensorsWriter.write(file, made.tensors.values().stream().map(change).filter(t -> t != null).toList(), Map.of());
        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            assertThatThrownBy(() -> Model.load(Settings.of(config, "config.json"), WeightScope.of(checkpoint), CpuBackend.create()))
                    .isInstanceOf(CheckpointException.class).hasMessageContaining(message);
        }
    }

    @ParameterizedTest
    @CsvSource({"poolformer,poolformer.encoder.block.1.0.layer_scale_2,[12]",
        "caformer_s18,stages.2.blocks.0.token_mixer.qkv.weight,'[96, 32]'", "t2t_vit_14,tokens_to_token.attention2.w,'[4, 8]'"})
    void missingAndMisshapenTensorsAreNamed(String family, String tensor, String shape) throws IOException {
        String config = family.equals("poolformer") ? POOLFORMER
                : timm(family, family.startsWith("t2t") ? T2T : String.format(ARGS, 64));
        requireRefusal(config, t -> t.name().equals(tensor) ? null : t,
                "tensor " + tensor + " is missing; the configuration asks for " + shape);
        requireRefusal(config, t -> t.name().equals(tensor) ? Tensor.ofFloats(tensor, new float[6], 2, 3) : t,
                "tensor " + tensor + " has shape [2, 3], but the configuration asks for " + shape);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "{\"architecture\": \"caformer_s19\"}|architecture 'caformer_s19' is not supported; nearest are caformer_s18",
        "{\"architecture\": \"resnet50\", \"model_type\": \"timm_wrapper\"}|architecture 'resnet50' is not supported",
        "{\"architecture\": \"caformer_s18\", \"model_args\": {\"dephts\": [1]}}"
                + "|model_args.dephts is not supported for caformer_s18; nearest is depths",
        "{\"architecture\": \"caformer_s18\", \"model_args\": {\"depths\": [1, 2]}}|should hold 4 numbers each but hold 2 and 4",
        "{\"architecture\": \"caformer_s18\", \"model_args\": {\"dims\": [1, 0, 1, 1]}}|should hold 1 to 16 numbers above 0",
        "{\"architecture\": \"t2t_vit_14\", \"model_args\": {\"img_size\": 50}}|50 pixels a side are no multiple of 16",
        "{\"architecture\": \"t2t_vit_14\", \"num_classes\": -1}|num_classes should be 0 or more but is -1",
        "{\"architecture\": \"t2t_vit_14\", \"pretrained_cfg\": {\"input_size\": [3, 224, 192]}}"
                + "|input_size should be [channels, side, side]",
        "{\"architecture\": \"t2t_vit_14\", \"model_args\": {\"token_dim\": 1}}|token_dim should be from 2 to 65536 but is 1",
        "{\"architecture\": \"randformer_s12\", \"model_args\": {\"img_size\": 2}}|pictures of 2 pixels a side are too small",
        "{\"model_type\": \"poolformer\", \"image_size\": 2}|pictures of 2 pixels a side are too small for the model's stages",
        "{\"model_type\": \"poolfromer\"}|nearest is poolformer",
        "{\"model_type\": \"poolformer\", \"depths\": [1, 2]}"
                + "|depths should hold 4 numbers from 1 to 65536, one for each of num_encoder_blocks",
        "{\"model_type\": \"poolformer\", \"pool_size\": 2}|pool_size should be odd and below 256 but is 2",
        "{\"model_type\": \"poolformer\", \"mlp_ratio\": 0.001}|mlp_ratio 0.001 makes no MLP of a width of 64"})
    void configurationsThatAreNoneAreRefused(String config, String message) {
        assertThatThrownBy(() -> Model.load(Settings.of(config, "config.json"), WeightScope.of(new PlainVision.Made()),
                CpuBackend.create()))
                .isInstanceOf(CheckpointException.class).hasMessageContaining(message);
    }
}
