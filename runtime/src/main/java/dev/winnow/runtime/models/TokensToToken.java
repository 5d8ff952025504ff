package dev.winnow.runtime.models;

import dev.winnow.layers.Activation;
import dev.winnow.layers.AttentionMask;
import dev.winnow.layers.Backend;
import dev.winnow.layers.Kernels;
import dev.winnow.layers.KeyValues;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.Norm;
import dev.winnow.layers.TiledAttention;
import dev.winnow.layers.Workers;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.Grid;
import dev.winnow.reduction.TokenKind;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * The tokens-to-token module (Yuan et al. 2021): three times what lies in overlapping windows becomes one token, and in between narrow
 * layers mix the tokens.
 *
 * @param project      of the last windows to the width of the tower
 * @param classToken   with its position, [width]
 * @param positions    of the patches
 */
record TokensToToken(int imageSize, int channels, Mixer first, Mixer second, Linear project, float[] classToken,
                     PatchPositions.Learned positions) implements Stem {
    /** Pixels from one token to the next. */
    static final int STEP = 16;

    /** What mixes the tokens between two soft splits; it makes them narrower. */
    sealed interface Mixer {
        /** @param x [n, in] @return [n, width] */
        float[] apply(float[] x, int n, Backend backend, Workspace workspace);

        /** Of its results. */
        int width();

        long flops(long n);

        /** Most values of a token that it holds at once. */
        int inner();

        Map<String, Linear> linears();
    }

    /**
     * Attention by positive random features (Choromanski et al. 2021): {@code exp(w x - |x|^2 / 2) / sqrt(m)} of keys and queries, whose
     * products stand for exponentials of logits, so that cost grows with the tokens and not with their square. Values go around it.
     *
     * @param features w, [m, width], drawn once and not trained
     */
    record Performer(Norm norm, Linear key, Linear query, Linear value, Linear features, Linear output, Norm mlpNorm,
                     Mlp.Plain mlp) implements Mixer {
        private static final float TINY = 1e-8f;

        @Override
        public float[] apply(float[] x, int n, Backend backend, Workspace workspace) {
            float[] normed = workspace.buffer(Workspace.Slot.NORMED, n * key.in());
            backend.normalise(norm, x, n, key.in(), normed);
            float[] keys = new float[n * width()];
            float[] queries = new float[n * width()];
            float[] values = new float[n * width()];
            backend.linear(key, normed, n, keys, Activation.NONE, workspace.work());
            backend.linear(query, normed, n, queries, Activation.NONE, workspace.work());
            backend.linear(value, normed, n, values, Activation.NONE, workspace.work());
            float[] gathered = gathered(positive(keys, n, backend, workspace), positive(queries, n, backend, workspace), values, n);
            workspace.work().product(n, features.out(), 2L * width() + 1);
            return finished(output, gathered, values, n, mlpNorm, mlp, backend, workspace);
        }

        /** exp(w x - |x|^2 / 2) / sqrt(m): [n, m]. */
        private float[] positive(float[] x, int n, Backend backend, Workspace workspace) {
            int width = width();
            int m = features.out();
            float[] y = new float[n * m];
            backend.linear(features, x, n, y, Activation.NONE, workspace.work());
            double share = 1 / Math.sqrt(m);
            Workers.shared().each(Math.ceilDiv(n, 64), t -> {
                for (int i = t * 64; i < Math.min(n, t * 64 + 64); i++) {
                    double square = 0;
                    for (int c = 0; c < width; c++) square += (double) x[i * width + c] * x[i * width + c];
                    for (int j = 0; j < m; j++) y[i * m + j] = (float) (Math.exp(y[i * m + j] - square / 2) * share);
                }
            });
            return y;
        }

        private float[] gathered(float[] keys, float[] queries, float[] values, int n) {
            int width = width();
            int m = features.out();
            float[] sums = new float[m];
            float[] products = new float[m * width];
            for (int i = 0; i < n; i++) {
                for (int j = 0; j < m; j++) {
                    float key = keys[i * m + j];
                    sums[j] += key;
                    for (int c = 0; c < width; c++) products[j * width + c] += key * values[i * width + c];
                }
            }
            float[] y = new float[n * width];
            for (int i = 0; i < n; i++) {
                float all = TINY;
                for (int j = 0; j < m; j++) all += queries[i * m + j] * sums[j];
                for (int j = 0; j < m; j++) {
                    float share = queries[i * m + j] / all;
                    for (int c = 0; c < width; c++) y[i * width + c] += share * products[j * width + c];
                }
            }
            return y;
        }

        @Override
        public int width() {
            return output.out();
        }

        @Override
        public long flops(long n) {
            return n * (3 * ComputeCost.product(key) + 2 * ComputeCost.product(features) + ComputeCost.product(output)
                    + ComputeCost.product(mlp.up()) + ComputeCost.product(mlp.down())) + 2 * n * features.out() * (2L * width() + 1);
        }

        @Override
        public int inner() {
            return key.in() + 4 * width() + 2 * features.out();
        }

        @Override
        public Map<String, Linear> linears() {
            return named(Map.of("key", key, "query", query, "value", value, "random features", features, "output", output), mlp);
        }
    }

    /** Plain attention of one head, around which the values go. */
    record Transformer(Norm norm, Linear query, Linear key, Linear value, Linear output, Norm mlpNorm, Mlp.Plain mlp)
            implements Mixer {
        @Override
        public float[] apply(float[] x, int n, Backend backend, Workspace workspace) {
            int in = query.in();
            int width = width();
            float[] normed = workspace.buffer(Workspace.Slot.NORMED, n * in);
            backend.normalise(norm, x, n, in, normed);
            float[] queries = new float[n * width];
            float[] keys = new float[n * width];
            float[] values = new float[n * width];
            backend.linear(query, normed, n, queries, Activation.NONE, workspace.work());
            backend.linear(key, normed, n, keys, Activation.NONE, workspace.work());
            backend.linear(value, normed, n, values, Activation.NONE, workspace.work());
            int[] positions = IntStream.range(0, n).toArray();
            KeyValues kv = new KeyValues(1, width, n);
            kv.append(keys, values, width, n, positions, null);
            float[] gathered = new float[n * width];
            // the originals scale by the width of what comes in
            TiledAttention.attend(Kernels.best(), Workers.shared(), queries, width, n, 1, positions, kv, (float) (1 / Math.sqrt(in)),
                    AttentionMask.BIDIRECTIONAL, gathered, width);
            workspace.work().attention((long) n * n, 1, width);
            return finished(output, gathered, values, n, mlpNorm, mlp, backend, workspace);
        }

        @Override
        public int width() {
            return output.out();
        }

        @Override
        public long flops(long n) {
            return n * (3 * ComputeCost.product(query) + ComputeCost.product(output) + ComputeCost.product(mlp.up())
                    + ComputeCost.product(mlp.down())) + 4 * n * n * width();
        }

        @Override
        public int inner() {
            return query.in() + 6 * width();
        }

        @Override
        public Map<String, Linear> linears() {
            return named(Map.of("query", query, "key", key, "value", value, "output", output), mlp);
        }
    }

    /** {@code y = values + output(gathered); y + mlp(norm(y))}. */
    private static float[] finished(Linear output, float[] gathered, float[] values, int n, Norm norm, Mlp.Plain mlp, Backend backend,
                                    Workspace workspace) {
        int width = output.out();
        float[] y = new float[n * width];
        backend.linear(output, gathered, n, y, Activation.NONE, workspace.work());
        for (int i = 0; i < y.length; i++) y[i] += values[i];
        float[] normed = workspace.buffer(Workspace.Slot.NORMED, n * width);
        backend.normalise(norm, y, n, width, normed);
        float[] hidden = workspace.buffer(Workspace.Slot.HIDDEN, n * mlp.up().out());
        float[] added = workspace.buffer(Workspace.Slot.BRANCH, n * width);
        backend.linear(mlp.up(), normed, n, hidden, mlp.activation(), workspace.work());
        backend.linear(mlp.down(), hidden, n, added, Activation.NONE, workspace.work());
        for (int i = 0; i < y.length; i++) y[i] += added[i];
        return y;
    }

    private static Map<String, Linear> named(Map<String, Linear> attention, Mlp.Plain mlp) {
        Map<String, Linear> all = new LinkedHashMap<>(attention);
        all.put("up", mlp.up());
        all.put("down", mlp.down());
        return all;
    }

    @Override
    public int patchSize() {
        return STEP;
    }

    @Override
    public int width() {
        return project.out();
    }

    @Override
    public List<TokenKind> kinds() {
        return List.of(TokenKind.CLASS);
    }

    @Override
    public PatchOrder order() {
        return PatchOrder.ROWS;
    }

    /** Positions are those of one size, which has to be one that fits into arrays. */
    @Override
    public boolean takes(int height, int width) {
        return height == imageSize && width == imageSize && scratch() <= Integer.MAX_VALUE;
    }

    @Override
    public Grid grid(int height, int width) {
        return new Grid(height / STEP, width / STEP);
    }

    @Override
    public float[] embed(Backend backend, VisionEncoder.Picture picture, Workspace workspace, Trace trace) {
        FeatureMap map = FeatureMap.ofPixels(picture.pixels(), picture.offset(), channels, picture.height(), picture.width());
        map = mixed(first, map, 7, 4, 2, backend, workspace);
        if (trace != null) trace.item("vision.tokens.0", map.values(), map.grid().cells(), map.channels());
        map = mixed(second, map, 3, 2, 1, backend, workspace);
        if (trace != null) trace.item("vision.tokens.1", map.values(), map.grid().cells(), map.channels());
        Grid grid = grid(picture.height(), picture.width());
        float[] patches = new float[grid.cells() * width()];
        backend.linear(project, map.unfold(3, 2, 1), grid.cells(), patches, Activation.NONE, workspace.work());
        float[] tokens = Arrays.copyOf(classToken, classToken.length + patches.length);
        System.arraycopy(patches, 0, tokens, classToken.length, patches.length);
        positions.add(grid, grid, tokens, classToken.length, width());
        return tokens;
    }

    /** A soft split and what mixes its tokens. */
    private static FeatureMap mixed(Mixer mixer, FeatureMap map, int size, int stride, int padding, Backend backend, Workspace workspace) {
        Grid grid = FeatureMap.windows(map.grid(), size, stride, padding);
        return new FeatureMap(mixer.apply(map.unfold(size, stride, padding), grid.cells(), backend, workspace), grid, mixer.width());
    }

    @Override
    public long flops() {
        long quarters = (long) imageSize * imageSize / 16;
        return first.flops(quarters) + second.flops(quarters / 4) + quarters / 16 * ComputeCost.product(project);
    }

    @Override
    public long scratch() {
        long quarters = (long) imageSize * imageSize / 16;
        return Float.BYTES * Math.max(quarters * (project.in() + first.inner()), quarters / 4 * (project.in() + second.inner()));
    }

    @Override
    public Map<String, Linear> linears() {
        Map<String, Linear> all = new LinkedHashMap<>();
        first.linears().forEach((name, linear) -> all.put("first tokens " + name, linear));
        second.linears().forEach((name, linear) -> all.put("second tokens " + name, linear));
        all.put("projection of tokens", project);
        return all;
    }

    @Override
    public String description() {
        return "tokens of tokens, three times" + (first instanceof Performer ? ", mixed by random features" : ", mixed by attention");
    }
}
