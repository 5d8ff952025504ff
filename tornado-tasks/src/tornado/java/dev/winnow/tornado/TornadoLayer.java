package dev.winnow.tornado;

import dev.winnow.layers.Activation;
import dev.winnow.layers.Attention;
import dev.winnow.layers.AttentionMask;
import dev.winnow.layers.CompiledLayer;
import dev.winnow.layers.CosineChoice;
import dev.winnow.layers.KeyValues;
import dev.winnow.layers.Linear;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.Probe;
import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.layers.Work;
import dev.winnow.layers.Workspace;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A layer on a device. What has no kernel there stays on the processor, with the same weights and the same cache: attention in another
 * way than the dense one, packed caches, and what methods ask for ahead of a layer.
 */
final class TornadoLayer extends ProcessorLayer {
    /** Rows of attention that stay take at most so many floats: 16 MiB. */
    private static final int STAYING = 1 << 22;

    /** Outputs of a map that goes there whenever it is asked for; a larger one is worth a place of its own. */
    private static final int MAPPED = 16;

    private final Bank bank;
    private final LayerWeights weights;
    private final boolean stays;
    private final CompiledLayer staying;

    TornadoLayer(TornadoBackend backend, CompiledLayer cpu, Bank bank, LayerWeights weights) {
        this(backend, cpu, bank, weights, false);
    }

    private TornadoLayer(TornadoBackend backend, CompiledLayer cpu, Bank bank, LayerWeights weights, boolean stays) {
        super(backend, cpu);
        this.bank = bank;
        this.weights = weights;
        this.stays = stays;
        this.staying = stays ? this : new TornadoLayer(backend, cpu, bank, weights, true);
    }

    @Override
    public CompiledLayer staying() {
        return staying;
    }

    private Attention attention() {
        return description().attention();
    }

    @Override
    public List<float[]> attend(float[] x, int n, int[] positions, float[] bias, KeyValues kv, List<Probe> probes, Workspace ws) {
        if (kv.packed()) return super.attend(x, n, positions, bias, kv, probes, ws);
        return run(x, n, positions, bias, kv, probes, ws, false);
    }

    @Override
    public List<float[]> run(float[] x, int n, int[] positions, float[] bias, KeyValues kv, List<Probe> probes, Workspace ws) {
        if (kv.packed()) return super.run(x, n, positions, bias, kv, probes, ws);
        return run(x, n, positions, bias, kv, probes, ws, true);
    }

    /** @param whole whether the MLP follows */
    private List<float[]> run(float[] x, int n, int[] positions, float[] bias, KeyValues kv, List<Probe> probes, Workspace ws,
                              boolean whole) {
        synchronized (bank.lock()) {
            backend.homeUnlessIn(bank, x);
            RotaryEmbedding rotary = attention().rotary();
            if (rotary != null) kv.follow(rotary, RotaryEmbedding.length(positions, n));
            RotaryEmbedding.Table table = rotary == null ? null : ws.rotation(rotary, positions, n);
            List<float[]> rows = bank.reserving(() -> {
                bank.makeRoom(n);
                CacheRegion region = bank.region(kv, n);
                return run(x, n, positions, bias, kv, probes, table, ws.pass(), region, whole);
            });
            count(n, kv, probes, ws.work());
            if (whole) countMlp(n, ws.work());
            leave(x, n);
            return rows;
        }
    }

    /** With all that the attention needs in place but what depends on its tokens' bias and sight. */
    private List<float[]> run(float[] x, int n, int[] positions, float[] bias, KeyValues kv, List<Probe> probes,
                              RotaryEmbedding.Table table, long pass, CacheRegion region, boolean whole) {
        AttentionMask mask = attention().mask();
        int kvHeads = kv.heads();
        int columns = kv.length() + n;
        boolean biased = bias != null || kv.bias(0) != null;
        long scratch = (biased ? (long) kvHeads * columns : 0) + (mask.slides() ? (long) kvHeads * n : 0) + observed(n, columns, probes);
        int at = bank.take(scratch);
        try {
            int[] kept = places(columns, probes, n);
            if (table != null) bank.turn(table, pass, n);
            bank.enter(x, n);
            int[] lengths = new int[kvHeads];
            Arrays.setAll(lengths, kv::length);
            kv.appended(n, positions, bias);
            int next = at;
            int biases = -1;
            if (biased) {
                biases = next;
                next += kvHeads * columns;
                for (int h = 0; h < kvHeads; h++) bank.plan().upload(biases + h * columns, kv.bias(h), 0, kv.length(h));
            }
            int starts = -1;
            if (mask.slides()) {
                starts = next;
                next += kvHeads * n;
                bank.plan().upload(starts, starts(kv, n, positions, mask.window()), 0, kvHeads * n);
            }
            LayerPrograms.Sight sight = new LayerPrograms.Sight(region.entries(), biases, columns, starts, mask.causal(), lengths);
            if (whole) bank.programs().layer(bank.plan(), weights, bank.activations(), n, sight);
            else bank.programs().attend(bank.plan(), weights, bank.activations(), n, sight);
            List<float[]> rows = new ArrayList<>(probes.size());
            for (int p = 0; p < kept.length; p++) rows.add(observe(n, probes.get(p), sight, columns, next, kept[p]));
            return rows;
        } finally {
            bank.give(at);
        }
    }

    /** Where the rows of probes are to stay, or {@link Heap#NONE} for those that go home. */
    private int[] places(int columns, List<Probe> probes, int n) {
        int[] places = new int[probes.size()];
        Arrays.fill(places, Heap.NONE);
        try {
            for (int p = 0; p < places.length; p++) {
                if (stays(probes.get(p), n, columns)) places[p] = bank.take(floats(probes.get(p).rowsOf(n), columns));
            }
        } catch (Bank.Full full) {
            for (int place : places) if (place != Heap.NONE) bank.give(place);
            throw full;
        }
        return places;
    }

    private long floats(int rows, int columns) {
        return (long) attention().heads() * rows * columns;
    }

    /** Whether what a probe asks for stays here until someone looks at it. */
    private boolean stays(Probe p, int n, int columns) {
        return stays && p.change() == null && floats(p.rowsOf(n), columns) <= STAYING;
    }

    /** Floats that rows take besides those that stay, for one probe at a time: rows that are summed, and what goes home. */
    private long observed(int n, int columns, List<Probe> probes) {
        long most = 0;
        for (Probe p : probes) {
            int rows = (p.summed() ? block(n, columns, p) : 0) + (stays(p, n, columns) ? 0 : p.rowsOf(n));
            most = Math.max(most, floats(rows, columns));
        }
        return most;
    }

    /** Rows that are computed at a time: all that are wanted, or of a sum as many as take a few megabytes. */
    private int block(int n, int columns, Probe p) {
        int count = p.countOf(n);
        return p.summed() ? Math.clamp((1 << 20) / ((long) attention().heads() * columns), 1, count) : count;
    }

    /** For each key head and query the first slot that it sees: positions ascend. */
    private static float[] starts(KeyValues kv, int n, int[] positions, int window) {
        float[] starts = new float[kv.heads() * n];
        for (int h = 0; h < kv.heads(); h++) {
            int slot = 0;
            for (int i = 0; i < n; i++) {
                while (slot < kv.length(h) && kv.positions(h)[slot] <= (long) positions[i] - window) slot++;
                starts[h * n + i] = slot;
            }
        }
        return starts;
    }

    /**
     * The rows of a probe, or an array for those that stay.
     *
     * @param at   scratch
     * @param kept where they stay, or {@link Heap#NONE}
     */
    private float[] observe(int n, Probe p, LayerPrograms.Sight sight, int columns, int at, int kept) {
        int heads = attention().heads();
        int first = p.firstOf(n);
        int count = p.countOf(n);
        if (!p.summed()) {
            float[] rows = new float[Math.toIntExact((long) heads * count * columns)];
            int target = kept == Heap.NONE ? at : kept;
            bank.programs().probabilities(bank.plan(), bank.activations(), n, sight, first, count, columns, target);
            if (kept == Heap.NONE) bank.plan().download(at, rows, 0, rows.length);
            else bank.observe(rows, kept, heads, count, columns);
            return rows;
        }
        float[] sums = new float[heads * columns];
        int block = block(n, columns, p);
        float[] rows = p.change() == null ? null : new float[heads * block * columns];
        int total = kept == Heap.NONE ? at + heads * block * columns : kept;
        for (int i = 0; i < count; i += block) {
            int some = Math.min(block, count - i);
            bank.programs().probabilities(bank.plan(), bank.activations(), n, sight, first + i, some, columns, at);
            if (rows == null) {
                bank.programs().sum(bank.plan(), at, total, some, columns, i > 0);
                continue;
            }
            bank.plan().download(at, rows, 0, heads * some * columns);
            for (int r = 0; r < heads * some; r++) {
                int head = r / some;
                p.change().apply(head, first + i + r % some, rows, r * columns, columns);
                for (int c = 0; c < columns; c++) sums[head * columns + c] += rows[r * columns + c];
            }
        }
        if (kept != Heap.NONE) bank.observe(sums, kept, heads, 1, columns);
        else if (rows == null) bank.plan().download(total, sums, 0, sums.length);
        return sums;
    }

    @Override
    public float[] attentionAhead(float[] x, int n, int[] positions, Probe probe, Workspace ws) {
        RotaryEmbedding rotary = attention().rotary();
        if (positions == null) return super.attentionAhead(x, n, null, probe, ws);
        synchronized (bank.lock()) {
            backend.homeUnlessIn(bank, x);
            RotaryEmbedding.Table table = rotary == null ? null : ws.rotation(rotary, positions, n);
            float[] rows = bank.reserving(() -> {
                bank.makeRoom(n);
                return ahead(x, n, positions, probe, table, ws.pass());
            });
            Attention a = attention();
            ws.work().product(n, a.key().out(), a.key().in());
            ws.work().product(probe.countOf(n), a.query().out(), a.query().in());
            ws.work().product((long) probe.countOf(n) * a.heads(), n, a.headDim());
            return rows;
        }
    }

    private float[] ahead(float[] x, int n, int[] positions, Probe probe, RotaryEmbedding.Table table, long pass) {
        AttentionMask mask = attention().mask();
        int kvHeads = attention().kvHeads();
        int floats = n * attention().key().out();
        // of entries that no cache will have; their book of positions is one
        KeyValues fresh = new KeyValues(kvHeads, attention().headDim(), n);
        int at = bank.take(2L * floats + (mask.slides() ? (long) kvHeads * n : 0) + observed(n, n, List.of(probe)));
        try {
            int kept = places(n, List.of(probe), n)[0];
            if (table != null) bank.turn(table, pass, n);
            bank.enter(x, n);
            fresh.appended(n, positions, null);
            int next = at + 2 * floats;
            int starts = -1;
            if (mask.slides()) {
                starts = next;
                next += kvHeads * n;
                bank.plan().upload(starts, starts(fresh, n, positions, mask.window()), 0, kvHeads * n);
            }
            LayerPrograms.Sight sight = new LayerPrograms.Sight(new LayerPrograms.Entries(at, at + floats, n), -1, n, starts, mask.causal(),
                    new int[kvHeads]);
            bank.programs().entries(bank.plan(), weights, bank.activations(), n, sight);
            return observe(n, probe, sight, n, next, kept);
        } finally {
            bank.give(at);
        }
    }

    @Override
    public float[] headMean(float[] rows, int row, int[] columns) {
        synchronized (bank.lock()) {
            try {
                return bank.headMean(rows, row, columns);
            } catch (Bank.Full full) {
                return null;
            }
        }
    }

    @Override
    public float[] received(float[] rows) {
        synchronized (bank.lock()) {
            try {
                return bank.received(rows);
            } catch (Bank.Full full) {
                return null;
            }
        }
    }

    @Override
    public int[] highest(float[] rows, int row, int[] columns, int k) {
        synchronized (bank.lock()) {
            try {
                return bank.highest(rows, row, columns, k);
            } catch (Bank.Full full) {
                return null;
            }
        }
    }

    @Override
    public float[] product(Linear map, Activation f, float[] x, int n) {
        if (map.out() > MAPPED) return null;
        synchronized (bank.lock()) {
            try {
                return bank.product(map, f, x, n);
            } catch (Bank.Full full) {
                return null;
            }
        }
    }

    @Override
    public int[] choose(CosineChoice choice, float[] x, int n, int[] tokens, int k) {
        choice.requireAmong(n, tokens, k);
        synchronized (bank.lock()) {
            backend.homeUnlessIn(bank, x);
            bank.reserving(() -> {
                bank.makeRoom(n);
                return null;
            });
            try {
                return bank.choose(choice, x, n, tokens, k);
            } catch (Bank.Full full) {
                return null;
            }
        }
    }

    /** What {@link dev.winnow.layers.CpuBackend} counts for the same work. */
    private void count(int n, KeyValues kv, List<Probe> probes, Work work) {
        Attention a = attention();
        work.product(n, a.query().out() + 2L * a.key().out(), a.query().in());
        work.attention(a.mask().pairs(n, kv), a.heads(), a.headDim());
        for (Probe p : probes) work.product((long) p.countOf(n) * a.heads(), kv.length(), a.headDim());
        work.product(n, a.output().out(), a.output().in());
    }

    /** Leaves x here, or brings it home. */
    private void leave(float[] x, int n) {
        bank.stay(x, n);
        if (!stays) bank.home();
    }

    @Override
    public void mlp(float[] x, int n, Workspace ws) {
        synchronized (bank.lock()) {
            backend.homeUnlessIn(bank, x);
            bank.reserving(() -> {
                bank.makeRoom(n);
                return null;
            });
            bank.enter(x, n);
            bank.programs().mlp(bank.plan(), weights, bank.activations(), n);
            countMlp(n, ws.work());
            leave(x, n);
        }
    }

    private void countMlp(int n, Work work) {
        Mlp.Dense mlp = (Mlp.Dense) description().mlp();
        work.product(n, mlp.first().out(), mlp.first().in());
        if (mlp instanceof Mlp.Gated g) work.product(n, g.up().out(), g.up().in());
        work.product(n, mlp.down().out(), mlp.down().in());
    }

    @Override
    public boolean combine(float[] x, int n, int[] start, int[] index, float[] weight, float[] y) {
        synchronized (bank.lock()) {
            if (!bank.holds(x, n, start.length - 1)) return false;
            try {
                bank.combine(start, index, weight, y);
            } catch (Bank.Full full) {
                return false;
            }
            return true;
        }
    }

    @Override
    public boolean part(float[] x, int n, int[] chosen, float[] y) {
        synchronized (bank.lock()) {
            try {
                return bank.part(x, n, chosen, y);
            } catch (Bank.Full full) {
                return false;
            }
        }
    }

    @Override
    public boolean join(float[] x, int n, int[] chosen, float[] factor, float[] y) {
        synchronized (bank.lock()) {
            backend.homeUnlessIn(bank, y);
            try {
                return bank.join(x, n, chosen, factor, y);
            } catch (Bank.Full full) {
                return false;
            }
        }
    }
}
