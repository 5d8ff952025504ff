package dev.winnow.layers;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/** Runs layers on the processor: the Vector API's kernels, or their scalar twins, over the shared pool. */
public final class CpuBackend implements Backend {
    private final Kernels kernels;
    private final Workers workers;

    public CpuBackend(Kernels kernels, Workers workers) {
        this.kernels = kernels;
        this.workers = workers;
    }

    /** The best kernels this JVM has, on the shared pool. */
    public static CpuBackend create() {
        return new CpuBackend(Kernels.best(), Workers.shared());
    }

    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public CompiledLayer compile(TransformerLayer layer) {
        return new Layer(layer);
    }

    @Override
    public void linear(Linear linear, float[] x, int rows, float[] y, Activation f, Work work) {
        multiply(linear, x, rows, y, f, false, work);
    }

    @Override
    public void normalise(Norm norm, float[] x, int rows, int width, float[] y) {
        switch (norm) {
            case Norm.Layer n -> eachRow(rows, width,
                    i -> kernels.layerNorm(x, i * width, n.weight(), n.bias(), n.epsilon(), y, i * width, width));
            case Norm.Rms n -> eachRow(rows, width,
                    i -> kernels.rmsNorm(x, i * width, n.weight(), n.epsilon(), y, i * width, width));
        }
    }

    private void multiply(Linear linear, float[] x, int rows, float[] y, Activation f, boolean add, Work work) {
        work.product(rows, linear.out(), linear.in());
        Gemm.multiply(kernels, workers, linear, x, 0, linear.in(), rows, y, 0, linear.out(), f, add);
    }

    /** Element-wise work over rows: on all cores when it is worth waking them. */
    private void eachRow(int rows, int width, IntConsumer body) {
        int perTask = Math.max(1, 32_768 / Math.max(1, width));
        int tasks = (rows + perTask - 1) / perTask;
        workers.each(tasks, t -> {
            for (int i = t * perTask; i < Math.min(rows, (t + 1) * perTask); i++) body.accept(i);
        });
    }

    private final class Layer implements CompiledLayer {
        private final TransformerLayer layer;
        private final Attention attention;
        private final int width;
        private final int queryWidth;
        private final int keyWidth;
        /** Made when first asked for. */
        private SparseMlp sparse;

        Layer(TransformerLayer layer) {
            this.layer = layer;
            this.attention = layer.attention();
            this.width = attention.query().in();
            this.queryWidth = attention.heads() * attention.headDim();
            this.keyWidth = attention.kvHeads() * attention.headDim();
        }

        @Override
        public TransformerLayer description() {
            return layer;
        }

        @Override
        public List<float[]> attend(float[] x, int n, int[] positions, float[] bias, KeyValues kv, List<Probe> probes, Workspace ws) {
            return attend(null, x, n, positions, bias, kv, probes, ws);
        }

        @Override
        public List<float[]> attend(AttentionMode mode, float[] x, int n, int[] positions, float[] bias, KeyValues kv, List<Probe> probes,
                                    Workspace ws) {
            float[] normed = ws.buffer(Workspace.Slot.NORMED, n * width);
            normalise(layer.attentionNorm(), x, n, width, normed);
            boolean later = mode instanceof AttentionMode.Copies || mode instanceof AttentionMode.Sections;
            int[] turned = later ? null : positions;
            float[] q = queries(normed, n, turned, ws);
            float[] k = keys(normed, n, turned, ws);
            if (mode instanceof AttentionMode.Sections(int[][] places)) turnInSections(places, q, k, n);
            float[] v = ws.buffer(Workspace.Slot.VALUES, n * keyWidth);
            multiply(attention.value(), normed, n, v, Activation.NONE, false, ws.work());

            float[] attended = ws.buffer(Workspace.Slot.ATTENDED, n * queryWidth);
            if (mode instanceof AttentionMode.Copies copies) {
                if (!probes.isEmpty()) throw new UnsupportedOperationException("the attention of copies cannot be observed");
                attendAsCopies(copies, q, k, v, n, bias, kv, attended, ws);
            } else {
                kv.append(k, v, keyWidth, n, positions, bias);
                switch (mode) {
                    case AttentionMode.Pages p when n == 1 && attention.mask().window() == Integer.MAX_VALUE
                            && PagedAttention.leavesOut(p, kv) -> ws.work().attention(PagedAttention.attend(kernels, workers, q,
                                    attention.heads(), kv, attention.scale(), p, attended), 1, attention.headDim());
                    case AttentionMode.TokenSets s -> attendInSets(s.sets(), q, n, positions, kv, attended, ws);
                    case null, default -> attendDensely(q, n, positions, kv, attended, ws);
                }
            }
            return finish(x, q, attended, n, positions, kv, probes, ws);
        }

        @Override
        public List<float[]> ask(float[] x, int n, int[] positions, KeyValues kv, List<Probe> probes, Workspace ws) {
            float[] normed = ws.buffer(Workspace.Slot.NORMED, n * width);
            normalise(layer.attentionNorm(), x, n, width, normed);
            float[] q = queries(normed, n, positions, ws);
            float[] attended = ws.buffer(Workspace.Slot.ATTENDED, n * queryWidth);
            attendDensely(q, n, positions, kv, attended, ws);
            return finish(x, q, attended, n, positions, kv, probes, ws);
        }

        /** Observes what was asked for and adds what attention gathered to x. */
        private List<float[]> finish(float[] x, float[] q, float[] attended, int n, int[] positions, KeyValues kv, List<Probe> probes,
                                     Workspace ws) {
            List<float[]> rows = new ArrayList<>(probes.size());
            for (Probe p : probes) rows.add(observe(q, n, positions, kv, p, ws));
            multiply(attention.output(), attended, n, x, Activation.NONE, true, ws.work());
            return rows;
        }

        private void attendDensely(float[] q, int n, int[] positions, KeyValues kv, float[] attended, Workspace ws) {
            TiledAttention.attend(kernels, workers, q, queryWidth, n, attention.heads(), positions, kv, attention.scale(),
                    attention.mask(), attended, queryWidth);
            ws.work().attention(pairs(n, kv), attention.heads(), attention.headDim());
        }

        /** Head by head on gathered rows: a short dense attention whose results go back to the tokens' places. */
        private void attendInSets(int[][] sets, float[] q, int n, int[] positions, KeyValues kv, float[] attended, Workspace ws) {
            int dim = attention.headDim();
            Arrays.fill(attended, 0, n * queryWidth, 0f);
            for (int head = 0; head < sets.length; head++) {
                int[] set = sets[head];
                int at = head * dim;
                KeyValues own = kv.gathered(head / (attention.heads() / attention.kvHeads()), n, set);
                float[] queries = new float[set.length * dim];
                float[] results = new float[queries.length];
                int[] places = new int[set.length];
                for (int i = 0; i < set.length; i++) {
                    System.arraycopy(q, set[i] * queryWidth + at, queries, i * dim, dim);
                    places[i] = positions[set[i]];
                }
                TiledAttention.attend(kernels, workers, queries, dim, set.length, 1, places, own, attention.scale(),
                        attention.mask(), results, dim);
                ws.work().attention(pairs(set.length, own), 1, dim);
                for (int i = 0; i < set.length; i++) System.arraycopy(results, i * dim, attended, set[i] * queryWidth + at, dim);
            }
        }

        private void turnInSections(int[][] places, float[] q, float[] k, int n) {
            RotaryEmbedding rotary = attention.rotary();
            if (rotary == null) return;
            if (rotary.half() % places[0].length != 0) {
                throw new IllegalArgumentException(rotary.half() + " channel pairs cannot be cut into " + places[0].length + " equal runs");
            }
            RotaryEmbedding.Table table = rotary.table(places);
            rotate(q, n, attention.heads(), table);
            rotate(k, n, attention.kvHeads(), table);
        }

        /** Unrotated queries, keys and values of n tokens are repeated, turned to the copies' positions, and the results averaged. */
        private void attendAsCopies(AttentionMode.Copies copies, float[] q, float[] k, float[] v, int n, float[] bias, KeyValues kv,
                                    float[] attended, Workspace ws) {
            int[] owner = copies.owner();
            int all = owner.length;
            float[] queries = repeated(q, queryWidth, owner);
            float[] keys = repeated(k, keyWidth, owner);
            rotate(queries, all, attention.heads(), copies.positions(), ws);
            rotate(keys, all, attention.kvHeads(), copies.positions(), ws);
            kv.append(keys, repeated(v, keyWidth, owner), keyWidth, all, copies.positions(),
                    bias == null ? null : repeated(bias, 1, owner));
            float[] results = new float[all * queryWidth];
            attendDensely(queries, all, copies.positions(), kv, results, ws);
            int[] count = new int[n];
            for (int o : owner) count[o]++;
            Arrays.fill(attended, 0, n * queryWidth, 0f);
            for (int i = 0; i < all; i++) {
                kernels.addScaled(attended, owner[i] * queryWidth, results, i * queryWidth, queryWidth, 1f / count[owner[i]]);
            }
        }

        private static float[] repeated(float[] rows, int width, int[] owner) {
            float[] copies = new float[owner.length * width];
            for (int i = 0; i < owner.length; i++) System.arraycopy(rows, owner[i] * width, copies, i * width, width);
            return copies;
        }

        @Override
        public void mlp(float threshold, float[] x, int n, Workspace ws) {
            float[] normed = ws.buffer(Workspace.Slot.NORMED, n * width);
            normalise(layer.mlpNorm(), x, n, width, normed);
            int inner = layer.mlp().down().in();
            float[] hidden = ws.buffer(Workspace.Slot.HIDDEN, n * inner);
            Linear first = layer.mlp() instanceof Mlp.Gated g ? g.gate() : ((Mlp.Plain) layer.mlp()).up();
            multiply(first, normed, n, hidden, layer.mlp().activation(), false, ws.work());
            for (int i = 0; i < n * inner; i++) if (Math.abs(hidden[i]) <= threshold) hidden[i] = 0;
            if (n == 1 && !layer.mlp().down().weight().dtype().isBlocked()) {
                sparse().finish(normed, hidden, x, ws.work());
                return;
            }
            if (layer.mlp() instanceof Mlp.Gated g) {
                float[] gated = ws.buffer(Workspace.Slot.GATED, n * inner);
                multiply(g.up(), normed, n, gated, Activation.NONE, false, ws.work());
                eachRow(n, inner, i -> kernels.multiply(hidden, i * inner, gated, i * inner, inner));
            }
            multiply(layer.mlp().down(), hidden, n, x, Activation.NONE, true, ws.work());
        }

        private synchronized SparseMlp sparse() {
            if (sparse == null) sparse = new SparseMlp(kernels, workers, layer.mlp());
            return sparse;
        }

        @Override
        public void mlp(float[] x, int n, Workspace ws) {
            float[] normed = ws.buffer(Workspace.Slot.NORMED, n * width);
            normalise(layer.mlpNorm(), x, n, width, normed);
            int inner = layer.mlp().down().in();
            float[] hidden = ws.buffer(Workspace.Slot.HIDDEN, n * inner);
            switch (layer.mlp()) {
                case Mlp.Plain m -> multiply(m.up(), normed, n, hidden, m.activation(), false, ws.work());
                case Mlp.Gated m -> {
                    float[] gated = ws.buffer(Workspace.Slot.GATED, n * inner);
                    multiply(m.gate(), normed, n, hidden, m.activation(), false, ws.work());
                    multiply(m.up(), normed, n, gated, Activation.NONE, false, ws.work());
                    eachRow(n, inner, i -> kernels.multiply(hidden, i * inner, gated, i * inner, inner));
                }
            }
            multiply(layer.mlp().down(), hidden, n, x, Activation.NONE, true, ws.work());
        }

        @Override
        public float[] project(Projection projection, float[] x, int n, int[] positions, Workspace ws) {
            float[] normed = ws.buffer(Workspace.Slot.NORMED, n * width);
            normalise(layer.attentionNorm(), x, n, width, normed);
            return switch (projection) {
                case QUERY -> Arrays.copyOf(queries(normed, n, positions, ws), n * queryWidth);
                case KEY -> Arrays.copyOf(keys(normed, n, positions, ws), n * keyWidth);
                case VALUE -> {
                    float[] v = new float[n * keyWidth];
                    multiply(attention.value(), normed, n, v, Activation.NONE, false, ws.work());
                    yield v;
                }
            };
        }

        @Override
        public float[] attentionAhead(float[] x, int n, int[] positions, Probe probe, Workspace ws) {
            float[] normed = ws.buffer(Workspace.Slot.NORMED, n * width);
            normalise(layer.attentionNorm(), x, n, width, normed);
            float[] k = keys(normed, n, positions, ws);
            int[] places = positions == null ? IntStream.range(0, n).toArray() : positions;
            KeyValues fresh = new KeyValues(attention.kvHeads(), attention.headDim(), n);
            fresh.append(k, k, keyWidth, n, places, null);
            int first = probe.firstOf(n);
            int count = probe.countOf(n);
            // queries only of the tokens that look; they are the last entries up to the last of them
            System.arraycopy(normed, first * width, normed, 0, count * width);
            float[] q = queries(normed, count, positions == null ? null : Arrays.copyOfRange(positions, first, first + count), ws);
            float[] all = new float[n * queryWidth];
            System.arraycopy(q, 0, all, first * queryWidth, count * queryWidth);
            return observe(all, n, places, fresh, probe, ws);
        }

        @Override
        public float[] normed(Half half, float[] x, int n, Workspace ws) {
            float[] normed = new float[n * width];
            normalise(half == Half.ATTENTION ? layer.attentionNorm() : layer.mlpNorm(), x, n, width, normed);
            return normed;
        }

        @Override
        public float[] neurons(float[] x, int n, Workspace ws) {
            float[] normed = ws.buffer(Workspace.Slot.NORMED, n * width);
            normalise(layer.mlpNorm(), x, n, width, normed);
            float[] hidden = new float[n * layer.mlp().down().in()];
            switch (layer.mlp()) {
                case Mlp.Plain m -> multiply(m.up(), normed, n, hidden, m.activation(), false, ws.work());
                case Mlp.Gated m -> multiply(m.gate(), normed, n, hidden, m.activation(), false, ws.work());
            }
            return hidden;
        }

        private float[] observe(float[] q, int n, int[] positions, KeyValues kv, Probe p, Workspace ws) {
            ws.work().product((long) p.countOf(n) * attention.heads(), kv.length(), attention.headDim());
            if (p.summed()) {
                return TiledAttention.received(kernels, workers, q, queryWidth, n, attention.heads(), positions, kv, attention.scale(),
                        attention.mask(), p.firstOf(n), p.countOf(n), p.change());
            }
            return TiledAttention.probabilities(kernels, workers, q, queryWidth, n, attention.heads(), positions, kv, attention.scale(),
                    attention.mask(), p.firstOf(n), p.countOf(n));
        }

        private float[] queries(float[] normed, int n, int[] positions, Workspace ws) {
            float[] q = ws.buffer(Workspace.Slot.QUERIES, n * queryWidth);
            multiply(attention.query(), normed, n, q, Activation.NONE, false, ws.work());
            rotate(q, n, attention.heads(), positions, ws);
            return q;
        }

        private float[] keys(float[] normed, int n, int[] positions, Workspace ws) {
            float[] k = ws.buffer(Workspace.Slot.KEYS, n * keyWidth);
            multiply(attention.key(), normed, n, k, Activation.NONE, false, ws.work());
            rotate(k, n, attention.kvHeads(), positions, ws);
            return k;
        }

        private void rotate(float[] x, int n, int heads, int[] positions, Workspace ws) {
            RotaryEmbedding rotary = attention.rotary();
            if (rotary == null || positions == null) return;
            rotate(x, n, heads, ws.rotation(rotary, positions, n));
        }

        private void rotate(float[] x, int n, int heads, RotaryEmbedding.Table table) {
            int half = attention.rotary().half();
            int row = heads * attention.headDim();
            eachRow(n, row, i -> {
                for (int h = 0; h < heads; h++) {
                    kernels.rotate(x, i * row + h * attention.headDim(), table.cos(), table.sin(), i * half, half);
                }
            });
        }

        /** (query, key) pairs that the mask lets through, averaged over the key heads. */
        private long pairs(int n, KeyValues kv) {
            long pairs = 0;
            for (int h = 0; h < kv.heads(); h++) {
                long length = kv.length(h);
                if (!attention.mask().causal()) {
                    pairs += n * length;
                } else {
                    long window = attention.mask().window();
                    for (int i = 0; i < n; i++) pairs += Math.min(window, length - n + i + 1);
                }
            }
            return pairs / kv.heads();
        }
    }
}
