package dev.winnow.reduction;

import dev.winnow.layers.CompiledLayer;
import dev.winnow.layers.KeyValues;
import dev.winnow.layers.KvCache;
import dev.winnow.layers.Probe;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.layers.Workspace;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Walks a stack of layers, lets the plan act at its sites, and is the only place that knows the order of things. One for vision and
 * language alike.
 */
public final class StackRunner {
    /** Entries that a compacted cache may grow by before it is copied. */
    private static final int DECODING_ROOM = 64;

    private final Stage stage;
    private final List<CompiledLayer> layers;

    public StackRunner(Stage stage, List<CompiledLayer> layers) {
        this.stage = stage;
        this.layers = List.copyOf(layers);
    }

    public int layers() {
        return layers.size();
    }

    /** Descriptions of the layers, for a cache that fits them. */
    public List<TransformerLayer> descriptions() {
        return layers.stream().map(CompiledLayer::description).toList();
    }

    /**
     * Runs layers 0 .. until - 1 over the tokens, in place.
     *
     * @param cache    of the sequence, or null when nothing will come after these tokens
     * @param schedule reductions to do; for a decoding step, one without events
     * @param listener told of every layer and reduction
     */
    public void run(Tokens tokens, int until, KvCache cache, Schedule schedule, Workspace workspace, StackListener listener) {
        Pass pass = new Pass(tokens, cache, schedule, workspace, listener);
        for (int l = 0; l < until; l++) pass.layer(l);
        if (cache != null) cache.advance(pass.arrived);
    }

    /** One token of a sequence through all layers; the plan's skipped layers stay skipped. */
    public void step(Tokens token, KvCache cache, Schedule schedule, Workspace workspace) {
        int[] position = token.ledger().positions();
        int[] shifted = new int[1];
        for (int l = 0; l < layers.size(); l++) {
            if (schedule.skips(stage, l)) continue;
            shifted[0] = position[0] + cache.shift(l);
            layers.get(l).attend(token.hidden(), 1, shifted, null, cache.layer(l), List.of(), workspace);
            layers.get(l).mlp(token.hidden(), 1, workspace);
        }
        cache.advance(1);
    }

    /** The state of one walk. */
    private final class Pass {
        final Tokens tokens;
        final KvCache cache;
        final Schedule schedule;
        final Workspace workspace;
        final StackListener listener;
        final int arrived;
        final int lastPosition;
        final KeyValues own;
        /** Tokens that keys skip from now on, or null. */
        boolean[] hidden;
        /** Attention watched in the layer last run, brought along to the tokens now alive. */
        final Map<ReductionEvent, Watched> watched = new HashMap<>();

        Pass(Tokens tokens, KvCache cache, Schedule schedule, Workspace workspace, StackListener listener) {
            this.tokens = tokens;
            this.cache = cache;
            this.schedule = schedule;
            this.workspace = workspace;
            this.listener = listener;
            this.arrived = tokens.count();
            this.lastPosition = tokens.ledger().positions()[arrived - 1];
            var first = layers.getFirst().description().attention();
            this.own = cache == null ? new KeyValues(first.kvHeads(), first.headDim(), arrived) : null;
        }

        void layer(int l) {
            act(l, Site.Moment.BEFORE_LAYER);
            watched.clear();
            if (!schedule.skips(stage, l)) {
                attend(l);
                act(l, Site.Moment.CACHE);
                act(l, Site.Moment.AFTER_ATTENTION);
                layers.get(l).mlp(tokens.hidden(), tokens.count(), workspace);
            }
            listener.layer(stage, l, tokens);
            act(l, Site.Moment.AFTER_LAYER);
        }

        void attend(int l) {
            KeyValues kv = cache == null ? own : cache.layer(l);
            if (cache == null) own.clear();
            int slots = kv.length() + tokens.count();
            List<ReductionEvent> watchers = schedule.watching(stage, l).stream().filter(e -> slots > e.idleUpTo()).toList();
            List<Probe> probes = new ArrayList<>();
            for (ReductionEvent e : watchers) if (e.probe() != null) probes.add(e.probe());

            int n = tokens.count();
            int[] positions = tokens.ledger().positions();
            if (cache != null) {
                int shift = cache.shift(l);
                if (shift != 0) positions = Arrays.stream(positions).map(p -> p + shift).toArray();
                cache.shift(l, positions[n - 1] - lastPosition);
            }
            CompiledLayer layer = layers.get(l);
            List<float[]> rows = layer.attend(tokens.hidden(), n, positions, keyBias(), kv, probes, workspace);

            int next = 0;
            for (ReductionEvent e : watchers) {
                Watched w = new Watched(layer.description().attention().heads(), kv, n);
                if (e.probe() != null) w.rows(rows.get(next++), e.probe().countOf(n), e.site().moment() == Site.Moment.CACHE);
                if (e.keys()) w.meanKeys(n);
                watched.put(e, w);
            }
        }

        /** Log of sizes where merged tokens must count as many; -inf for hidden tokens; null when there is neither. */
        float[] keyBias() {
            boolean weigh = schedule.weighsSizes(stage) && tokens.ledger().merged();
            if (!weigh && hidden == null) return null;
            float[] bias = new float[tokens.count()];
            for (int i = 0; i < bias.length; i++) {
                if (weigh) bias[i] = (float) Math.log(tokens.ledger().size(i));
                if (hidden != null && hidden[i]) bias[i] = Float.NEGATIVE_INFINITY;
            }
            return bias;
        }

        void act(int l, Site.Moment moment) {
            for (ReductionEvent e : schedule.at(stage, moment, l)) {
                if (moment == Site.Moment.CACHE && cache.layer(l).length() <= e.idleUpTo()) continue;
                long began = System.nanoTime();
                Outcome outcome = e.decide().apply(new View(e, l));
                switch (outcome) {
                    case Outcome.Unchanged() -> { }
                    case Outcome.Compact(int[][] keep) -> compact(l, keep);
                    case Outcome.Hide(boolean[] h) -> hide(h);
                    case Outcome.Reduce r -> reduce(e, r);
                }
                listener.acted(e, outcome, tokens, System.nanoTime() - began);
            }
        }

        void compact(int l, int[][] keep) {
            KeyValues kv = cache.layer(l);
            for (int h = 0; h < keep.length; h++) kv.keep(h, keep[h]);
            // layer by layer, so that a prompt's cache is never whole in memory
            if (kv.allocatedBytes() > 2 * kv.bytes()) kv.trim(DECODING_ROOM);
        }

        /** Tokens that an earlier event hid stay hidden. */
        void hide(boolean[] more) {
            boolean[] both = more.clone();
            for (int i = 0; hidden != null && i < both.length; i++) both[i] |= hidden[i];
            hidden = both;
        }

        void reduce(ReductionEvent e, Outcome.Reduce r) {
            if (r.map().rows() == 0) throw new PlanException(e.method() + ": no token would be left");
            TokenLedger after = tokens.ledger().after(r.map(), r.positions());
            if (r.classStandsForImage()) {
                for (int i : after.ofKind(TokenKind.CLASS)) after = after.withKind(i, TokenKind.VISUAL);
            }
            if (hidden != null) {
                boolean[] moved = new boolean[after.count()];
                for (int i = 0; i < moved.length; i++) moved[i] = hidden[r.map().anchor(i)];
                hidden = moved;
            }
            tokens.reduce(r.map(), after);
            for (Watched w : watched.values()) w.follow(r.map());
        }

        /** What one event sees. */
        final class View implements Observation {
            final ReductionEvent event;
            final int layer;

            View(ReductionEvent event, int layer) {
                this.event = event;
                this.layer = layer;
            }

            @Override
            public Tokens tokens() {
                return tokens;
            }

            @Override
            public int heads() {
                return layers.get(event.watches() < 0 ? layer : event.watches()).description().attention().heads();
            }

            @Override
            public float[] rows() {
                return watched.get(event).rows;
            }

            @Override
            public int rowCount() {
                return watched.get(event).rowCount;
            }

            @Override
            public float[] meanKeys() {
                return watched.get(event).meanKeys;
            }

            @Override
            public KeyValues cache() {
                if (cache == null) throw new IllegalStateException(event.method() + " acts on a cache where there is none");
                return cache.layer(layer);
            }

            @Override
            public float[] lastRowAhead() {
                return layers.get(layer).lastRowAhead(tokens.hidden(), tokens.count(), tokens.ledger().positions(), workspace);
            }
        }
    }

    /** Attention of one layer as one event asked for it. */
    private static final class Watched {
        final int heads;
        final KeyValues kv;
        int columns;
        int rowCount;
        float[] rows;
        float[] meanKeys;

        Watched(int heads, KeyValues kv, int columns) {
            this.heads = heads;
            this.kv = kv;
            this.columns = columns;
        }

        /** Takes [heads, count, kv.length()]; unless all slots are wanted, only the columns of the tokens that just arrived. */
        void rows(float[] all, int count, boolean allSlots) {
            rowCount = count;
            int slots = kv.length();
            if (allSlots || slots == columns) {
                rows = all;
                return;
            }
            rows = new float[heads * count * columns];
            for (int r = 0; r < heads * count; r++) System.arraycopy(all, (r + 1) * slots - columns, rows, r * columns, columns);
        }

        void meanKeys(int n) {
            int dim = kv.headDim();
            meanKeys = new float[n * dim];
            for (int h = 0; h < kv.heads(); h++) {
                int from = kv.offset(h) + (kv.length(h) - n) * dim;
                for (int i = 0; i < meanKeys.length; i++) meanKeys[i] += kv.keys()[from + i];
            }
            for (int i = 0; i < meanKeys.length; i++) meanKeys[i] /= kv.heads();
        }

        void follow(TokenMap map) {
            if (rows != null && map.sources() == columns) {
                float[] moved = new float[heads * rowCount * map.rows()];
                for (int r = 0; r < heads * rowCount; r++) {
                    System.arraycopy(map.total(rows, r * columns), 0, moved, r * map.rows(), map.rows());
                }
                rows = moved;
            }
            if (meanKeys != null) {
                float[] moved = new float[map.rows() * kv.headDim()];
                map.apply(meanKeys, kv.headDim(), moved);
                meanKeys = moved;
            }
            columns = map.rows();
        }
    }
}
