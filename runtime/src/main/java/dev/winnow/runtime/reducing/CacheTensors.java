package dev.winnow.runtime.reducing;

import dev.winnow.layers.AttentionMask;
import dev.winnow.layers.KeyValues;
import dev.winnow.layers.Kernels;
import dev.winnow.layers.Probe;
import dev.winnow.layers.TiledAttention;
import dev.winnow.layers.Workers;
import dev.winnow.reduction.MethodType;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.Options;
import dev.winnow.reduction.Options.Option;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.ReductionMethod;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.methods.cache.AdaKv;
import dev.winnow.reduction.methods.cache.H2o;
import dev.winnow.reduction.methods.cache.KNorm;
import dev.winnow.reduction.methods.cache.KeyDiff;
import dev.winnow.reduction.methods.cache.LagKv;
import dev.winnow.reduction.methods.cache.PyramidKv;
import dev.winnow.reduction.methods.cache.SnapKv;
import dev.winnow.reduction.methods.cache.StreamingLlm;
import dev.winnow.reduction.methods.cache.Tova;
import dev.winnow.runtime.RequestException;
import dev.winnow.runtime.reducing.TensorInputs.Batch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Cache methods on {@code in.query} [batch, heads, n, dim], {@code in.key} and {@code in.value} [batch, key heads, n, dim], rotated
 * already: which entries each key head keeps of a prompt. Streams come step by step, with {@code in.attn<step>} instead of queries.
 */
final class CacheTensors {
    /** Options of a case that say where in a model its tensors come from. */
    private static final Option LAYER = new Option("layer", "0", "layer that the tensors come from", "layer_idx");
    private static final Option LAYERS = new Option("layers", "1", "layers of the model", "num_hidden_layers");
    private static final Option COMING = new Option("coming", "0", "entries that room is made for", "num_coming");
    /** Only what the prompt pass does shows; nothing is to be said of steps. */
    private static final Map<String, String> ORIGINAL = Map.of("positions", "original");

    static final List<TensorMethod> ALL = List.of(
            prompt("snapkv", SnapKv.TYPE, Map.of()), prompt("h2o-prefill", H2o.TYPE, Map.of()),
            prompt("knorm", KNorm.TYPE, Map.of()), prompt("keydiff", KeyDiff.TYPE, Map.of()), prompt("lagkv", LagKv.TYPE, Map.of()),
            prompt("streamingllm-prefill", StreamingLlm.TYPE, ORIGINAL),
            new TensorMethod("streamingllm-cache", with(StreamingLlm.TYPE, COMING), CacheTensors::evict),
            new TensorMethod("pyramidkv", with(PyramidKv.TYPE, LAYERS), CacheTensors::pyramid),
            new TensorMethod("adakv", with(AdaKv.TYPE, LAYER, LAYERS), CacheTensors::ragged),
            new TensorMethod("tova", with(Tova.TYPE), (o, in) -> stream(Tova.TYPE, o, in, false)),
            new TensorMethod("h2o-streaming", with(H2o.TYPE), (o, in) -> stream(H2o.TYPE, o, in, true)));

    private CacheTensors() {}

    private static List<Option> with(MethodType type, Option... more) {
        List<Option> options = new ArrayList<>(type.options());
        options.addAll(Arrays.asList(more));
        return options;
    }

    private static TensorMethod prompt(String name, MethodType type, Map<String, String> implied) {
        return new TensorMethod(name, type.options(), (o, in) -> {
            NamedOutputs out = new NamedOutputs(true);
            ReductionEvent event = events(type, o, implied, 1).getFirst();
            for (KeyValues kv : compacted(event, in, "")) kept(kv, out, "", true);
            return out;
        });
    }

    private static NamedOutputs pyramid(Options o, TensorInputs in) {
        List<ReductionEvent> events = events(PyramidKv.TYPE, o, Map.of(), o.integer("layers", 1, 4096));
        NamedOutputs out = new NamedOutputs(true);
        int[] lengths = new int[events.size()];
        for (int l = 0; l < lengths.length; l++) {
            for (KeyValues kv : compacted(events.get(l), in, "." + l)) {
                kept(kv, out, "." + l, false);
                lengths[l] = kv.length();
            }
        }
        return out.longs("out.kept_per_layer", lengths, lengths.length);
    }

    private static NamedOutputs ragged(Options o, TensorInputs in) {
        int layer = o.integer("layer", 0, 4096);
        ReductionEvent event = events(AdaKv.TYPE, o, Map.of(), Math.max(layer + 1, o.integer("layers", 1, 4096))).get(layer);
        NamedOutputs out = new NamedOutputs(true);
        for (KeyValues kv : compacted(event, in, "")) {
            int[] lengths = IntStream.range(0, kv.heads()).map(kv::length).toArray();
            int all = Arrays.stream(lengths).sum();
            out.longs("out.head_lens", lengths, lengths.length).longs("out.positions", positions(kv), all)
                    .floats("out.key", entries(kv, kv.keys()), all, kv.headDim());
        }
        return out;
    }

    /** What stays of a full cache, and what stays when room is made for tokens to come. */
    private static NamedOutputs evict(Options o, TensorInputs in) {
        int sinks = o.integer("sinks", 0, Integer.MAX_VALUE / 2);
        int window = o.integer("window", 0, Integer.MAX_VALUE / 2);
        int coming = o.integer("coming", 0, window);
        Batch key = in.floats("in.key", "key heads", "tokens", "dim");
        Batch value = in.floats("in.value", "key heads", "tokens", "dim");
        requireAlike(in, value, key, 0);
        NamedOutputs out = new NamedOutputs(false);
        for (int b = 0; b < key.batch(); b++) {
            window(cache(key, value, b), sinks, window, out, "out.");
            window(cache(key, value, b), sinks, window - coming, out, "out.evict_");
        }
        return out;
    }

    private static void window(KeyValues kv, int sinks, int window, NamedOutputs out, String prefix) {
        ReductionEvent event = StreamingLlm.TYPE.create(Map.of("sinks", String.valueOf(sinks), "window", String.valueOf(window),
                "positions", "original")).events(new ModelShape(Optional.empty(), 1)).getFirst();
        act(event, kv, null, kv.heads(), 0, 0, kv.length());
        out.floats(prefix + "key", entries(kv, kv.keys()), kv.heads(), kv.length(), kv.headDim());
        out.floats(prefix + "value", entries(kv, kv.values()), kv.heads(), kv.length(), kv.headDim());
    }

    /** A prompt, then tokens one by one, each with the attention that it gave. */
    private static NamedOutputs stream(MethodType type, Options o, TensorInputs in, boolean tallied) {
        ReductionEvent event = events(type, o, Map.of(), 1).getFirst();
        NamedOutputs out = new NamedOutputs(true);
        KeyValues kv = null;
        for (int step = 0; step == 0 || in.has("in.key" + step); step++) {
            Batch key = in.floats("in.key" + step, "key heads", "tokens", "dim");
            Batch value = in.floats("in.value" + step, "key heads", "tokens", "dim");
            Batch attention = in.floats("in.attn" + step, "heads", "queries", "entries");
            requireAlike(in, value, key, 0);
            if (key.batch() != 1) {
                throw new RequestException(type.name() + ": a stream is of one item, but " + key.name() + " has " + key.batch());
            }
            if (kv == null) kv = new KeyValues(key.dim(0), key.dim(2), key.dim(1));
            if (key.dim(0) != kv.heads() || key.dim(2) != kv.headDim()) {
                throw new RequestException(type.name() + ": " + key.name() + " has other heads than in.key0");
            }
            requireGroups(type.name(), attention, key);
            append(kv, key, value, 0, step == 0 ? 0 : kv.positions(0)[kv.length() - 1] + 1);
            if (attention.dim(2) != kv.length() || attention.dim(1) != key.dim(1)) {
                throw new RequestException(type.name() + ": " + attention.name() + " has " + attention.dim(1) + " queries over "
                        + attention.dim(2) + " entries, but there are " + key.dim(1) + " over " + kv.length());
            }
            Probe probe = event.probe().apply(TokenLedger.uniform(key.dim(1), 0, TokenKind.TEXT));
            act(event, kv, observed(attention, probe), attention.dim(0), 1, step, key.dim(1));
            out.floats("out.key" + step, entries(kv, kv.keys()), 1, kv.heads(), kv.length(), kv.headDim());
            out.floats("out.value" + step, entries(kv, kv.values()), 1, kv.heads(), kv.length(), kv.headDim());
            if (tallied) out.floats("out.score" + step, tallies(kv), kv.heads(), kv.length());
        }
        return out;
    }

    /** The last row of each head's attention, or the sum of all: [heads, entries]. */
    private static float[] observed(Batch attention, Probe probe) {
        int queries = attention.dim(1);
        int entries = attention.dim(2);
        float[] rows = new float[attention.dim(0) * entries];
        for (int h = 0; h < attention.dim(0); h++) {
            for (int q = probe.summed() ? 0 : queries - 1; q < queries; q++) {
                for (int i = 0; i < entries; i++) rows[h * entries + i] += attention.values()[(h * queries + q) * entries + i];
            }
        }
        return rows;
    }

    private static float[] tallies(KeyValues kv) {
        float[] all = new float[kv.heads() * kv.length()];
        for (int h = 0; h < kv.heads(); h++) System.arraycopy(kv.tally(h), 0, all, h * kv.length(), kv.length());
        return all;
    }

    private static List<ReductionEvent> events(MethodType type, Options o, Map<String, String> implied, int layers) {
        return method(type, o, implied).events(new ModelShape(Optional.empty(), layers));
    }

    /** The method with those of the options that are its own. */
    private static ReductionMethod method(MethodType type, Options o, Map<String, String> implied) {
        Map<String, String> values = new HashMap<>(implied);
        for (Option option : type.options()) if (o.isGiven(option.name())) values.put(option.name(), o.text(option.name()));
        return type.create(values);
    }

    /** The caches of a batch after an event at the end of their prompts. */
    private static List<KeyValues> compacted(ReductionEvent event, TensorInputs in, String suffix) {
        Batch query = in.floats("in.query" + suffix, "heads", "tokens", "dim");
        Batch key = in.floats("in.key" + suffix, "key heads", "tokens", "dim");
        Batch value = in.floats("in.value" + suffix, "key heads", "tokens", "dim");
        requireAlike(in, query, key, 1);
        requireAlike(in, value, key, 0);
        requireGroups(in.method(), query, key);
        List<KeyValues> caches = new ArrayList<>();
        int n = key.dim(1);
        for (int b = 0; b < key.batch(); b++) {
            KeyValues kv = cache(key, value, b);
            Probe probe = event.probe() == null ? null : event.probe().apply(TokenLedger.uniform(n, 0, TokenKind.TEXT));
            float[] rows = probe == null ? null : rows(query, b, kv, probe);
            act(event, kv, rows, query.dim(0), probe == null ? 0 : probe.rowsOf(n), 0, n);
            caches.add(kv);
        }
        return caches;
    }

    private static void act(ReductionEvent event, KeyValues kv, float[] rows, int heads, int rowCount, int step, int arrived) {
        if (kv.length() <= event.idleUpTo()) return;
        Outcome outcome = event.decide().apply(new CacheView(kv, rows, heads, rowCount, step, arrived));
        if (outcome instanceof Outcome.Compact(int[][] keep)) kv.keep(keep);
    }

    private static float[] rows(Batch query, int b, KeyValues kv, Probe probe) {
        int heads = query.dim(0);
        int n = query.dim(1);
        float[] q = byToken(query.item(b), heads, n, query.dim(2));
        int[] positions = IntStream.range(0, n).toArray();
        float scale = (float) (1 / Math.sqrt(query.dim(2)));
        if (probe.summed()) {
            return TiledAttention.received(Kernels.best(), Workers.shared(), q, heads * query.dim(2), n, heads, positions, kv, scale,
                    AttentionMask.CAUSAL, probe.firstOf(n), probe.countOf(n), probe.change());
        }
        return TiledAttention.probabilities(Kernels.best(), Workers.shared(), q, heads * query.dim(2), n, heads, positions, kv, scale,
                AttentionMask.CAUSAL, probe.firstOf(n), probe.countOf(n));
    }

    private static KeyValues cache(Batch key, Batch value, int b) {
        KeyValues kv = new KeyValues(key.dim(0), key.dim(2), key.dim(1));
        append(kv, key, value, b, 0);
        return kv;
    }

    private static void append(KeyValues kv, Batch key, Batch value, int b, int position) {
        int n = key.dim(1);
        kv.append(byToken(key.item(b), kv.heads(), n, kv.headDim()), byToken(value.item(b), kv.heads(), n, kv.headDim()),
                kv.heads() * kv.headDim(), n, IntStream.range(position, position + n).toArray(), null);
    }

    /** [heads, n, dim] as [n, heads * dim]. */
    private static float[] byToken(float[] x, int heads, int n, int dim) {
        float[] y = new float[x.length];
        for (int h = 0; h < heads; h++) for (int i = 0; i < n; i++) System.arraycopy(x, (h * n + i) * dim, y, (i * heads + h) * dim, dim);
        return y;
    }

    /** @param from first dimension that must be equal */
    private static void requireAlike(TensorInputs in, Batch a, Batch key, int from) {
        in.requireEqual("items", a.name(), a.batch(), key.name(), key.batch());
        String[] what = {"heads", "tokens", "channels per head"};
        for (int i = from; i < what.length; i++) in.requireEqual(what[i], a.name(), a.dim(i), key.name(), key.dim(i));
    }

    private static void requireGroups(String method, Batch heads, Batch key) {
        if (heads.dim(0) % key.dim(0) != 0) {
            throw new RequestException(method + ": the " + heads.dim(0) + " heads of " + heads.name() + " cannot share the " + key.dim(0)
                    + " of " + key.name() + " evenly");
        }
    }

    private static void kept(KeyValues kv, NamedOutputs out, String suffix, boolean tensors) {
        int n = kv.length();
        out.longs("out.positions" + suffix, positions(kv), kv.heads(), n);
        if (!tensors) return;
        out.floats("out.key" + suffix, entries(kv, kv.keys()), kv.heads(), n, kv.headDim());
        out.floats("out.value" + suffix, entries(kv, kv.values()), kv.heads(), n, kv.headDim());
    }

    private static int[] positions(KeyValues kv) {
        return IntStream.range(0, kv.heads()).flatMap(h -> Arrays.stream(kv.positions(h), 0, kv.length(h))).toArray();
    }

    /** The entries of all heads, one head after another. */
    private static float[] entries(KeyValues kv, float[] x) {
        float[] all = new float[IntStream.range(0, kv.heads()).map(kv::length).sum() * kv.headDim()];
        int at = 0;
        for (int h = 0; h < kv.heads(); h++) {
            int size = kv.length(h) * kv.headDim();
            System.arraycopy(x, kv.offset(h), all, at, size);
            at += size;
        }
        return all;
    }
}
