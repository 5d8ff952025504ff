package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Attention;
import dev.winnow.layers.AttentionMask;
import dev.winnow.layers.Backend;
import dev.winnow.layers.CompiledLayer;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.Norm;
import dev.winnow.layers.Residual;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.layers.Work;
import dev.winnow.reduction.Grid;
import dev.winnow.reduction.StackRunner;
import dev.winnow.reduction.Stage;
import dev.winnow.weights.CheckpointException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * The MetaFormer baselines (Yu et al. 2022, arXiv 2210.13452): IdentityFormer, RandFormer, PoolFormerV2, ConvFormer and CAFormer, and
 * PoolFormer (arXiv 2111.11418), under the names that timm or the authors gave their tensors. They differ in what mixes tokens in each of
 * four stages. Where the last stage mixes by attention (CAFormer) nothing needs the grid any more, and tokens can be reduced in it.
 */
final class MetaFormer {
    private static final int WINDOW = 7;
    private static final int HEAD = 32;
    private static final float EPSILON = 1e-6f;
    /** Of PyTorch's norms, where the original sets nothing. */
    private static final float TORCH_EPSILON = 1e-5f;

    private enum Mixer { NOTHING, RANDOM, POOLING, CONVOLUTION, ATTENTION }

    private final String series;
    private final String size;
    private final Timm timm;
    private final WeightScope root;
    private final Backend backend;
    /** Whether names are those of sail-sg/metaformer, not of timm. */
    private final boolean original;
    private final int[] widths;
    private final int[] depths;

    private MetaFormer(Timm timm, WeightScope root, Backend backend) {
        this.timm = timm;
        this.root = root;
        this.backend = backend;
        series = timm.architecture().replaceFirst("_.*", "");
        size = timm.architecture().substring(series.length() + 1);
        original = root.has("downsample_layers.0.conv.weight") || series.equals("identityformer") || series.equals("randformer");
        timm.requireKnown(Set.of("depths", "dims", "in_chans", "img_size"));
        depths = timm.stages("depths", usualDepths());
        widths = timm.stages("dims", usualWidths());
        if (depths.length != mixers().length || widths.length != depths.length) {
            throw new CheckpointException("config.json: model_args.depths and model_args.dims should hold " + mixers().length
                    + " numbers each but hold " + depths.length + " and " + widths.length);
        }
    }

    static VisionTransformer load(Timm timm, WeightScope root, Backend backend) {
        return new MetaFormer(timm, root, backend).model();
    }

    /** All names. */
    static Set<String> architectures() {
        Set<String> all = new TreeSet<>();
        for (String series : List.of("identityformer", "randformer", "poolformer", "poolformerv2")) {
            for (String size : List.of("s12", "s24", "s36", "m36", "m48")) all.add(series + "_" + size);
        }
        for (String series : List.of("convformer", "caformer")) {
            for (String size : List.of("s18", "s36", "m36", "b36")) all.add(series + "_" + size);
        }
        return all;
    }

    private boolean convolves() {
        return series.equals("convformer") || series.equals("caformer");
    }

    /** The first PoolFormer is plainer: GELU, biases everywhere, and none of the later factors. */
    private boolean first() {
        return series.equals("poolformer");
    }

    private List<Integer> usualDepths() {
        if (convolves()) return size.equals("s18") ? List.of(3, 3, 9, 3) : List.of(3, 12, 18, 3);
        int twelfth = Integer.parseInt(size.substring(1)) / 12;
        return List.of(2 * twelfth, 2 * twelfth, 6 * twelfth, 2 * twelfth);
    }

    private List<Integer> usualWidths() {
        return switch (size.charAt(0)) {
            case 's' -> List.of(64, 128, 320, 512);
            case 'b' -> List.of(128, 256, 512, 768);
            default -> convolves() ? List.of(96, 192, 384, 576) : List.of(96, 192, 384, 768);
        };
    }

    private Mixer[] mixers() {
        Mixer[] mixers = new Mixer[4];
        Arrays.fill(mixers, switch (series) {
            case "convformer", "caformer" -> Mixer.CONVOLUTION;
            case "poolformer", "poolformerv2" -> Mixer.POOLING;
            default -> Mixer.NOTHING;
        });
        if (series.equals("caformer")) Arrays.fill(mixers, 2, 4, Mixer.ATTENTION);
        if (series.equals("randformer")) Arrays.fill(mixers, 2, 4, Mixer.RANDOM);
        return mixers;
    }

    private VisionTransformer model() {
        List<Pyramid.Stage> stages = new ArrayList<>();
        StackRunner stack = new StackRunner(Stage.VISION, List.of());
        Grid grid = new Grid(timm.imageSize(), timm.imageSize());
        for (int i = 0; i < depths.length; i++) {
            Pyramid.Stage entered = entrance(i);
            grid = entered.grid(grid);
            Pyramid.requireCells(timm.imageSize(), grid);
            Pyramid.Blocks blocks = new Pyramid.OnGrid(List.of());
            if (mixers()[i] != Mixer.ATTENTION) {
                blocks = new Pyramid.OnGrid(gridBlocks(i, grid));
            } else if (i < depths.length - 1) {
                blocks = new Pyramid.OnTokens(attention(i));
            } else {
                stack = attention(i);
            }
            stages.add(new Pyramid.Stage(entered.entrance(), entered.before(), entered.after(), blocks));
        }
        boolean fixed = series.equals("randformer");
        Pyramid pyramid = new Pyramid(timm.imageSize(), timm.channels(), stages, fixed ? timm.imageSize() : 0);
        int width = widths[widths.length - 1];
        Pooling pooling = new Pooling.Mean(root.layerNorm(original ? "norm" : "head.norm", width, EPSILON));
        VisionTransformer.Hidden hidden = null;
        Linear classifier = null;
        if (timm.classes() > 0) {
            String head = original ? "head" : "head.fc";
            if (convolves()) hidden = hidden(root.at(head), width);
            classifier = convolves() ? root.at(head).linear("fc2", timm.classes(), 4 * width, true)
                    : root.linear(head, timm.classes(), width, true);
        }
        return new VisionTransformer(timm.architecture(), new VisionEncoder(backend, pyramid, null, stack, null), pooling, null, classifier,
                null, hidden);
    }

    private VisionTransformer.Hidden hidden(WeightScope head, int width) {
        return new VisionTransformer.Hidden(head.linear("fc1", 4 * width, width, true), Activation.RELU_SQUARED,
                head.layerNorm("norm", 4 * width, original ? TORCH_EPSILON : EPSILON));
    }

    /** A stage without its blocks. timm leaves the step between stages of one width out. */
    private Pyramid.Stage entrance(int i) {
        boolean stem = i == 0;
        if (!original && !stem && widths[i] == widths[i - 1]) return new Pyramid.Stage(null, null, null, null);
        WeightScope place = original ? root.at("downsample_layers." + i) : root.at(stem ? "stem" : "stages." + i + ".downsample");
        int in = stem ? timm.channels() : widths[i - 1];
        int kernel = stem ? 7 : 3;
        Convolution entrance = new Convolution(new Linear(place.matrix("conv.weight", widths[i], in, kernel, kernel),
                place.vector("conv.bias", widths[i])), kernel, stem ? 4 : 2, stem ? 2 : 1);
        if (first()) return new Pyramid.Stage(entrance, null, null, null);
        String name = !original ? "norm" : stem ? "post_norm" : "pre_norm";
        GridNorm norm = new GridNorm.Cells(unshifted(place, name, stem ? widths[i] : in));
        return stem ? new Pyramid.Stage(entrance, null, norm, null) : new Pyramid.Stage(entrance, norm, null, null);
    }

    private WeightScope blocks(int stage) {
        return root.at("stages." + stage + (original ? "" : ".blocks"));
    }

    // ---- blocks on a grid ----

    private List<GridBlock> gridBlocks(int stage, Grid grid) {
        int width = widths[stage];
        return blocks(stage).each(depths[stage], (block, j) -> {
            StarMlp mlp = mlp(block.at("mlp"), width, !original);
            return new GridBlock(norm(block, "norm1", width), mixer(block.at("token_mixer"), mixers()[stage], width, grid),
                    scales(block, stage, 1, 1), norm(block, "norm2", width), mlp.mlp, scales(block, stage, 2, mlp.factor));
        });
    }

    private TokenMixer mixer(WeightScope place, Mixer mixer, int width, Grid grid) {
        return switch (mixer) {
            case RANDOM -> new TokenMixer.RandomMixing(new Linear(place.matrix("random_matrix", grid.cells(), grid.cells()), null));
            case POOLING -> new TokenMixer.Pooling(3);
            case CONVOLUTION -> separable(place, width);
            default -> new TokenMixer.Identity();
        };
    }

    private TokenMixer separable(WeightScope place, int width) {
        int inner = 2 * width;
        float[] stored = place.vector("dwconv.weight", inner, 1, WINDOW, WINDOW);
        float[] taps = new float[stored.length];
        for (int i = 0; i < stored.length; i++) taps[i % (WINDOW * WINDOW) * inner + i / (WINDOW * WINDOW)] = stored[i];
        return new TokenMixer.SeparableConvolution(map(place, "pwconv1", inner, width, !original, false),
                place.vector("act1.scale", 1)[0], place.vector("act1.bias", 1)[0], WINDOW, taps,
                map(place, "pwconv2", width, inner, !original, false));
    }

    private GridNorm norm(WeightScope block, String name, int width) {
        if (convolves()) return new GridNorm.Cells(unshifted(block, name, width));
        return new GridNorm.Whole(block.vector(name + ".weight", width), first() ? block.vector(name + ".bias", width) : new float[width],
                first() ? TORCH_EPSILON : EPSILON);
    }

    private GridBlock.Scales scales(WeightScope block, int stage, int half, float factor) {
        float[] scale = first() ? block.vector("layer_scale" + half + ".scale", widths[stage]) : Timm.ones(widths[stage]);
        for (int c = 0; c < scale.length; c++) scale[c] *= factor;
        return new GridBlock.Scales(kept(block, stage, half), scale);
    }

    /** Factors around a half of a block, which the last two stages have. */
    private float[] kept(WeightScope block, int stage, int half) {
        return first() || stage < 2 ? Timm.ones(widths[stage]) : block.vector("res_scale" + half + ".scale", widths[stage]);
    }

    // ---- blocks of attention ----

    private StackRunner attention(int stage) {
        int width = widths[stage];
        return new StackRunner(Stage.VISION, blocks(stage).each(depths[stage], (block, j) -> {
            StarMlp mlp = mlp(block.at("mlp"), width, false);
            float[] factors = new float[width];
            Arrays.fill(factors, mlp.factor);
            CompiledLayer layer = backend.compile(new TransformerLayer(unshifted(block, "norm1", width),
                    attention(block.at("token_mixer"), width), unshifted(block, "norm2", width), mlp.mlp,
                    Residual.normed(null, new Norm.Factors(factors))));
            return new ResidualScale(layer, kept(block, stage, 1), kept(block, stage, 2));
        }));
    }

    private Attention attention(WeightScope place, int width) {
        int heads = Math.max(1, width / HEAD);
        int inner = heads * HEAD;
        Linear fused = place.linear("qkv", 3 * inner, width, false);
        return new Attention(fused.rows(0, inner), fused.rows(inner, inner), fused.rows(2 * inner, inner),
                place.linear("proj", width, inner, false), heads, heads, HEAD, (float) (1 / Math.sqrt(HEAD)), AttentionMask.BIDIRECTIONAL,
                null);
    }

    // ---- what both have ----

    private Norm unshifted(WeightScope place, String name, int width) {
        return new Norm.Layer(place.vector(name + ".weight", width), new float[width], EPSILON);
    }

    private static Linear map(WeightScope place, String name, int out, int in, boolean convolution, boolean bias) {
        return convolution ? place.pointwise(name, out, in, bias) : place.linear(name, out, in, bias);
    }

    /** An MLP whose output is to be multiplied by a factor. */
    private record StarMlp(Mlp.Plain mlp, float factor) {}

    /**
     * The MLP of a block. Of StarReLU, {@code s max(x, 0)^2 + b}, only the square is left in it: s comes out as a factor behind the second
     * map, b as its bias, W b / s.
     */
    private StarMlp mlp(WeightScope place, int width, boolean convolution) {
        Linear up = map(place, "fc1", 4 * width, width, convolution, first());
        Linear down = map(place, "fc2", width, 4 * width, convolution, first());
        if (first()) return new StarMlp(new Mlp.Plain(up, down, Activation.GELU), 1);
        float factor = place.vector("act.scale", 1)[0];
        float shift = place.vector("act.bias", 1)[0];
        if (factor == 0) {
            throw new CheckpointException("a tensor mlp.act.scale of " + timm.architecture() + " is 0, which makes an MLP constant");
        }
        float[] bias = new float[width];
        float[] shifts = new float[4 * width];
        Arrays.fill(shifts, shift / factor);
        backend.linear(new Linear(down.weight(), null), shifts, 1, bias, Activation.NONE, new Work());
        return new StarMlp(new Mlp.Plain(up, new Linear(down.weight(), bias), Activation.RELU_SQUARED), factor);
    }
}
