package dev.winnow.layers;

import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/** Runs layers on the processor: the Vector API's kernels, or their scalar twins, over the shared pool. */
public final class CpuBackend implements Backend {
    private final Kernels kernels;
    private final Workers workers;
    /** Null to pack weights for each product anew. */
    private final PackedWeights packed;

    public CpuBackend(Kernels kernels, Workers workers) {
        this(kernels, workers, null);
    }

    private CpuBackend(Kernels kernels, Workers workers, PackedWeights packed) {
        this.kernels = kernels;
        this.workers = workers;
        this.packed = packed;
    }

    /**
     * The best kernels this JVM has, on the shared pool. Weights stored as F32 stay packed, as products read them, from their second
     * product with more than a few rows on, in up to an eighth of the heap for each backend; see {@link #keepingPacked}.
     */
    public static CpuBackend create() {
        return new CpuBackend(Kernels.best(), Workers.shared(), PackedWeights.ofFloats());
    }

    /**
     * As {@link #create()}, for a program that answers one request and ends: until the JVM has compiled the vector kernels, what little a
     * small model needs is computed in plain loops, to the same bits.
     */
    public static CpuBackend forOneRequest() {
        Kernels best = Kernels.best();
        return new CpuBackend(best instanceof PanamaKernels vectors ? new ColdKernels(vectors) : best, Workers.shared(),
                PackedWeights.ofFloats());
    }

    /**
     * As this, with another amount of memory for packed weights: of whatever type, they stay packed, as f32, from their second product with
     * more than a few rows on. Worth it where short inputs follow one another, as pictures do, or reduction makes them short; decoding does
     * not use it.
     *
     * @param bytes of memory for that, beside the weights; 0 to keep nothing
     */
    public CpuBackend keepingPacked(long bytes) {
        if (bytes < 0) throw new IllegalArgumentException("memory for packed weights should not be negative but is " + bytes);
        return new CpuBackend(kernels, workers, bytes == 0 ? null : PackedWeights.upTo(bytes));
    }

    /** Bytes that packed weights take now. */
    public long packedBytes() {
        return packed == null ? 0 : packed.bytes();
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
        // no loop, and so no object for one, in decoding
        if (rows == 1) normaliseRow(norm, x, 0, width, y);
        else eachRow(rows, width, i -> normaliseRow(norm, x, i, width, y));
    }

    private void normaliseRow(Norm norm, float[] x, int i, int width, float[] y) {
        int at = i * width;
        switch (norm) {
            case Norm.Layer n -> kernels.layerNorm(x, at, n.weight(), n.bias(), n.epsilon(), y, at, width);
            case Norm.Factors n -> {
                for (int c = 0; c < width; c++) y[at + c] = x[at + c] * n.weight()[c];
            }
            case Norm.Rms n -> kernels.rmsNorm(x, at, n.weight(), n.epsilon(), y, at, width);
        }
    }

    private void multiply(Linear linear, float[] x, int rows, float[] y, Activation f, boolean add, Work work) {
        work.product(rows, linear.out(), linear.in());
        Gemm.multiply(kernels, workers, packed, linear, x, 0, linear.in(), rows, y, 0, linear.out(), f, add);
    }

    private void multiply(float[] x, int rows, Linear a, float[] ya, Linear b, float[] yb, Linear c, float[] yc, Work work) {
        work.product(rows, a.out() + b.out() + c.out(), a.in());
        Gemm.multiply(kernels, workers, packed, x, rows, a, ya, b, yb, c, yc);
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
        private final Scoring scoring;
        private final int width;
        private final int queryWidth;
        private final int keyWidth;
        /** Made when first asked for. */
        private SparseMlp sparse;

        Layer(TransformerLayer layer) {
            this.layer = layer;
            this.attention = layer.attention();
            this.scoring = Scoring.of(attention);
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
            Scoring scores = scoring.in(mode);
            if (mode != null && attention.relative() != null) {
                throw new UnsupportedOperationException("layers with a relative position bias can only attend densely");
            }
            float[] normed = normed(layer.attentionNorm(), x, n, ws);
            boolean later = mode instanceof AttentionMode.Copies || mode instanceof AttentionMode.Sections;
            int[] turned = later ? null : positions;
            if (attention.rotary() != null) {
                kv.follow(attention.rotary(), mode instanceof AttentionMode.Copies(int[] _, int[] places)
                        ? RotaryEmbedding.length(places, places.length) : RotaryEmbedding.length(positions, n));
            }
            float[] q = ws.buffer(Workspace.Slot.QUERIES, n * queryWidth);
            float[] k = ws.buffer(Workspace.Slot.KEYS, n * keyWidth);
            float[] v = ws.buffer(Workspace.Slot.VALUES, n * keyWidth);
            multiply(normed, n, attention.query(), q, attention.key(), k, attention.value(), v, ws.work());
            finishQueries(q, n, turned, ws);
            finishKeys(k, n, turned, ws);
            if (mode instanceof AttentionMode.Sections(int[][] places)) turnInSections(places, q, k, n);

            float[] attended = ws.buffer(Workspace.Slot.ATTENDED, n * queryWidth);
            if (mode instanceof AttentionMode.Copies copies) {
                if (!probes.isEmpty()) throw new UnsupportedOperationException("the attention of copies cannot be observed");
                attendAsCopies(copies, q, k, v, n, bias, kv, attended, ws);
            } else {
                kv.append(k, v, keyWidth, n, positions, bias);
                switch (mode) {
                    case AttentionMode.Pages p when n == 1 && !attention.mask().slides()
                            && PagedAttention.leavesOut(p, kv) -> ws.work().attention(PagedAttention.attend(kernels, workers, q,
                                    attention.heads(), kv, attention.scale(), attention.softcap(), p, attended), 1, attention.headDim());
                    case AttentionMode.TokenSets s -> attendInSets(s.sets(), q, n, positions, kv, attended, ws);
                    case AttentionMode.Windows w -> attendInWindows(w.bounds(), q, k, v, bias, probes, attended, ws);
                    case null, default -> attendDensely(scores, q, n, positions, kv, attended, ws);
                }
            }
            return finish(scores, x, q, attended, n, positions, kv, probes, ws);
        }

        @Override
        public List<float[]> ask(float[] x, int n, int[] positions, KeyValues kv, List<Probe> probes, Workspace ws) {
            float[] normed = normed(layer.attentionNorm(), x, n, ws);
            float[] q = queries(normed, n, positions, ws);
            float[] attended = ws.buffer(Workspace.Slot.ATTENDED, n * queryWidth);
            attendDensely(scoring, q, n, positions, kv, attended, ws);
            return finish(scoring, x, q, attended, n, positions, kv, probes, ws);
        }

        /** Observes what was asked for and adds what attention gathered to x. */
        private List<float[]> finish(Scoring scores, float[] x, float[] q, float[] attended, int n, int[] positions, KeyValues kv,
                                     List<Probe> probes, Workspace ws) {
            List<float[]> rows = probes.isEmpty() ? List.of()
                    : probes.stream().map(p -> observe(q, n, positions, kv, scores, p, ws)).toList();
            float[] entered = x;
            if (layer.residual().parallel()) {
                entered = ws.buffer(Workspace.Slot.ENTERED, n * width);
                System.arraycopy(x, 0, entered, 0, n * width);
            }
            add(attention.output(), attended, n, x, layer.residual().afterAttention(), ws);
            if (layer.residual().parallel()) mlp(entered, x, n, ws);
            return rows;
        }

        /** norm(x), or x itself where there is no norm. */
        private float[] normed(Norm norm, float[] x, int n, Workspace ws) {
            if (norm == null) return x;
            float[] normed = ws.buffer(Workspace.Slot.NORMED, n * width);
            normalise(norm, x, n, width, normed);
            return normed;
        }

        /** Adds the last product of a half to x, as the residual says. */
        private void add(Linear last, float[] from, int n, float[] x, Norm after, Workspace ws) {
            if (after == null && layer.residual().scale() == 1) {
                multiply(last, from, n, x, Activation.NONE, true, ws.work());
                return;
            }
            float[] branch = ws.buffer(Workspace.Slot.BRANCH, n * width);
            multiply(last, from, n, branch, Activation.NONE, false, ws.work());
            add(branch, n, x, after);
        }

        /** Adds what a half made to x, as the residual says; the branch is overwritten. */
        private void add(float[] branch, int n, float[] x, Norm after) {
            if (after != null) normalise(after, branch, n, width, branch);
            if (n == 1) kernels.addScaled(x, 0, branch, 0, width, layer.residual().scale());
            else eachRow(n, width, i -> kernels.addScaled(x, i * width, branch, i * width, width, layer.residual().scale()));
        }

        private void attendDensely(Scoring scores, float[] q, int n, int[] positions, KeyValues kv, float[] attended, Workspace ws) {
            TiledAttention.attend(kernels, workers, q, queryWidth, n, attention.heads(), positions, kv, scores, attended, queryWidth);
            ws.work().attention(pairs(scores, n, kv), attention.heads(), attention.headDim());
        }

        /** Window by window: a short dense attention each. */
        private void attendInWindows(int[] bounds, float[] q, float[] k, float[] v, float[] bias, List<Probe> probes, float[] attended,
                                     Workspace ws) {
            if (!probes.isEmpty()) throw new UnsupportedOperationException("attention in windows cannot be observed");
            for (int w = 0; w + 1 < bounds.length; w++) {
                int from = bounds[w];
                int to = bounds[w + 1];
                int n = to - from;
                int[] places = IntStream.range(0, n).toArray();
                KeyValues own = new KeyValues(attention.kvHeads(), attention.headDim(), n);
                own.append(Arrays.copyOfRange(k, from * keyWidth, to * keyWidth), Arrays.copyOfRange(v, from * keyWidth, to * keyWidth),
                        keyWidth, n, places, bias == null ? null : Arrays.copyOfRange(bias, from, to));
                float[] results = new float[n * queryWidth];
                attendDensely(scoring, Arrays.copyOfRange(q, from * queryWidth, to * queryWidth), n, places, own, results, ws);
                System.arraycopy(results, 0, attended, from * queryWidth, results.length);
            }
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
                TiledAttention.attend(kernels, workers, queries, dim, set.length, 1, places, own, scoring, results, dim);
                ws.work().attention(pairs(scoring, set.length, own), 1, dim);
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
            attendDensely(scoring, queries, all, copies.positions(), kv, results, ws);
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
            Mlp.Dense mlp = separateMlp();
            float[] normed = normed(layer.mlpNorm(), x, n, ws);
            int inner = mlp.down().in();
            float[] hidden = ws.buffer(Workspace.Slot.HIDDEN, n * inner);
            multiply(mlp.first(), normed, n, hidden, mlp.activation(), false, ws.work());
            for (int i = 0; i < n * inner; i++) if (Math.abs(hidden[i]) <= threshold) hidden[i] = 0;
            if (n == 1 && !mlp.down().weight().dtype().isBlocked()) {
                finishSparsely(normed, hidden, x, ws);
                return;
            }
            gate(mlp, normed, hidden, n, ws);
            add(mlp.down(), hidden, n, x, layer.residual().afterMlp(), ws);
        }

        private void finishSparsely(float[] normed, float[] hidden, float[] x, Workspace ws) {
            if (layer.residual().equals(Residual.PLAIN)) {
                sparse().finish(normed, hidden, x, ws.work());
                return;
            }
            float[] branch = ws.buffer(Workspace.Slot.BRANCH, width);
            Arrays.fill(branch, 0, width, 0f);
            sparse().finish(normed, hidden, branch, ws.work());
            add(branch, 1, x, layer.residual().afterMlp());
        }

        private synchronized SparseMlp sparse() {
            if (sparse == null) sparse = new SparseMlp(kernels, workers, separateMlp());
            return sparse;
        }

        /** The one MLP that all tokens run after the attention. */
        private Mlp.Dense separateMlp() {
            if (layer.separateMlp()) return (Mlp.Dense) layer.mlp();
            throw new UnsupportedOperationException("this layer has no one MLP that all tokens run after its attention");
        }

        @Override
        public void mlp(float[] x, int n, Workspace ws) {
            if (!layer.residual().parallel()) mlp(x, x, n, ws);
        }

        /** {@code x += mlp(norm(entered))}. */
        private void mlp(float[] entered, float[] x, int n, Workspace ws) {
            float[] normed = normed(layer.mlpNorm(), entered, n, ws);
            switch (layer.mlp()) {
                case Mlp.Dense m -> add(m.down(), hidden(m, normed, n, ws), n, x, layer.residual().afterMlp(), ws);
                case Mlp.MixtureOfExperts m -> add(mixed(m, normed, n, ws), n, x, layer.residual().afterMlp());
            }
        }

        /** What the down projection of an MLP reads. */
        private float[] hidden(Mlp.Dense mlp, float[] normed, int n, Workspace ws) {
            float[] hidden = ws.buffer(Workspace.Slot.HIDDEN, n * mlp.down().in());
            if (mlp instanceof Mlp.Gated g && Gemm.alike(g.gate(), g.up())) {
                ws.work().product(n, 2 * g.gate().out(), g.gate().in());
                float[] room = Gemm.few(n, g.gate()) ? null : ws.buffer(Workspace.Slot.GATED, n * g.up().out());
                Gemm.multiplyGated(kernels, workers, packed, g, normed, n, hidden, room);
                return hidden;
            }
            multiply(mlp.first(), normed, n, hidden, mlp.activation(), false, ws.work());
            gate(mlp, normed, hidden, n, ws);
            return hidden;
        }

        /** hidden *= up(normed) in an MLP that has a gate. */
        private void gate(Mlp.Dense mlp, float[] normed, float[] hidden, int n, Workspace ws) {
            if (!(mlp instanceof Mlp.Gated g)) return;
            int inner = mlp.down().in();
            float[] gated = ws.buffer(Workspace.Slot.GATED, n * inner);
            multiply(g.up(), normed, n, gated, Activation.NONE, false, ws.work());
            if (n == 1) kernels.multiply(hidden, 0, gated, 0, inner);
            else eachRow(n, inner, i -> kernels.multiply(hidden, i * inner, gated, i * inner, inner));
        }

        /** The weighted sums of the tokens' experts; each expert runs once, over all its tokens. */
        private float[] mixed(Mlp.MixtureOfExperts mixture, float[] normed, int n, Workspace ws) {
            float[] logits = ws.buffer(Workspace.Slot.ROUTED, n * mixture.experts().size());
            multiply(mixture.router(), normed, n, logits, Activation.NONE, false, ws.work());
            ExpertChoice choice = ExpertChoice.of(kernels, mixture, logits, n);
            float[] sums = ws.buffer(Workspace.Slot.BRANCH, n * width);
            Arrays.fill(sums, 0, n * width, 0f);
            for (int e = 0; e < mixture.experts().size(); e++) {
                int[] tokens = choice.tokens()[e];
                float[] own = ws.buffer(Workspace.Slot.EXPERT, tokens.length * width);
                for (int i = 0; i < tokens.length; i++) System.arraycopy(normed, tokens[i] * width, own, i * width, width);
                Mlp.Dense expert = mixture.experts().get(e);
                multiply(expert.down(), hidden(expert, own, tokens.length, ws), tokens.length, own, Activation.NONE, false, ws.work());
                for (int i = 0; i < tokens.length; i++) {
                    kernels.addScaled(sums, tokens[i] * width, own, i * width, width, choice.weights()[e][i]);
                }
            }
            return sums;
        }

        @Override
        public float[] project(Projection projection, float[] x, int n, int[] positions, Workspace ws) {
            float[] normed = normed(layer.attentionNorm(), x, n, ws);
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
            float[] normed = normed(layer.attentionNorm(), x, n, ws);
            float[] k = keys(normed, n, positions, ws);
            int[] places = positions == null ? IntStream.range(0, n).toArray() : positions;
            KeyValues fresh = new KeyValues(attention.kvHeads(), attention.headDim(), n);
            fresh.append(k, k, keyWidth, n, places, null);
            int first = probe.firstOf(n);
            int count = probe.countOf(n);
            // queries only of the tokens that look; they are the last entries up to the last of them
            float[] looking = Arrays.copyOfRange(normed, first * width, (first + count) * width);
            float[] q = queries(looking, count, positions == null ? null : Arrays.copyOfRange(positions, first, first + count), ws);
            float[] all = new float[n * queryWidth];
            System.arraycopy(q, 0, all, first * queryWidth, count * queryWidth);
            return observe(all, n, places, fresh, positions == null ? scoring.withoutPositions() : scoring, probe, ws);
        }

        @Override
        public float[] normed(Half half, float[] x, int n, Workspace ws) {
            return Arrays.copyOf(normed(half == Half.ATTENTION ? layer.attentionNorm() : layer.mlpNorm(), x, n, ws), n * width);
        }

        @Override
        public float[] neurons(float[] x, int n, Workspace ws) {
            Mlp.Dense mlp = separateMlp();
            float[] hidden = new float[n * mlp.down().in()];
            multiply(mlp.first(), normed(layer.mlpNorm(), x, n, ws), n, hidden, mlp.activation(), false, ws.work());
            return hidden;
        }

        private float[] observe(float[] q, int n, int[] positions, KeyValues kv, Scoring scoring, Probe p, Workspace ws) {
            ws.work().product((long) p.countOf(n) * attention.heads(), kv.length(), attention.headDim());
            if (p.summed()) {
                return TiledAttention.received(kernels, workers, q, queryWidth, n, attention.heads(), positions, kv, scoring, p.firstOf(n),
                        p.countOf(n), p.change());
            }
            return TiledAttention.probabilities(kernels, workers, q, queryWidth, n, attention.heads(), positions, kv, scoring, p.firstOf(n),
                    p.countOf(n));
        }

        private float[] queries(float[] normed, int n, int[] positions, Workspace ws) {
            float[] q = ws.buffer(Workspace.Slot.QUERIES, n * queryWidth);
            multiply(attention.query(), normed, n, q, Activation.NONE, false, ws.work());
            finishQueries(q, n, positions, ws);
            return q;
        }

        private void finishQueries(float[] q, int n, int[] positions, Workspace ws) {
            normaliseHeads(attention.queryNorm(), q, n * queryWidth);
            rotate(q, n, attention.heads(), positions, ws);
        }

        private float[] keys(float[] normed, int n, int[] positions, Workspace ws) {
            float[] k = ws.buffer(Workspace.Slot.KEYS, n * keyWidth);
            multiply(attention.key(), normed, n, k, Activation.NONE, false, ws.work());
            finishKeys(k, n, positions, ws);
            return k;
        }

        private void finishKeys(float[] k, int n, int[] positions, Workspace ws) {
            normaliseHeads(attention.keyNorm(), k, n * keyWidth);
            rotate(k, n, attention.kvHeads(), positions, ws);
        }

        private void normaliseHeads(Norm norm, float[] x, int length) {
            if (norm != null) normalise(norm, x, length / norm.width(), norm.width(), x);
        }

        private void rotate(float[] x, int n, int heads, int[] positions, Workspace ws) {
            RotaryEmbedding rotary = attention.rotary();
            if (rotary == null || positions == null) return;
            rotate(x, n, heads, ws.rotation(rotary, positions, n));
        }

        private void rotate(float[] x, int n, int heads, RotaryEmbedding.Table table) {
            if (n == 1) rotateRow(x, 0, heads, table);
            else eachRow(n, heads * attention.headDim(), i -> rotateRow(x, i, heads, table));
        }

        private void rotateRow(float[] x, int i, int heads, RotaryEmbedding.Table table) {
            int half = attention.rotary().half();
            for (int h = 0; h < heads; h++) {
                kernels.rotate(x, (i * heads + h) * attention.headDim(), table.cos(), table.sin(), i * half, half);
            }
        }

        /** (query, key) pairs that the mask lets through, averaged over the key heads. */
        private long pairs(Scoring scores, int n, KeyValues kv) {
            if (scores.ends() == null) return attention.mask().pairs(n, kv);
            long pairs = 0;
            for (int h = 0; h < kv.heads(); h++) {
                for (int end : scores.ends()) pairs += Math.min(attention.mask().window(), (long) kv.length(h) - n + end);
            }
            return pairs / kv.heads();
        }
    }
}
