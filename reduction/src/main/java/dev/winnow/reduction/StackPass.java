package dev.winnow.reduction;

import dev.winnow.layers.Attention;
import dev.winnow.layers.AttentionMode;
import dev.winnow.layers.CacheFormat;
import dev.winnow.layers.CompiledLayer;
import dev.winnow.layers.CompiledLayer.Projection;
import dev.winnow.layers.CosineChoice;
import dev.winnow.layers.KeyValues;
import dev.winnow.layers.KvCache;
import dev.winnow.layers.Mlp;
import dev.winnow.layers.Probe;
import dev.winnow.layers.Residual;
import dev.winnow.layers.RotaryEmbedding;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.layers.Work;
import dev.winnow.layers.Workspace;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** One walk through a stack: its state, and what outcomes do to it. */
final class StackPass {
    /** Entries that a compacted cache may grow by before it is copied. */
    private static final int DECODING_ROOM = 64;
    /** Tokens that a prompt's last layer runs for at least: more than are multiplied in another way than many. */
    private static final int CLOSING = 24;

    private final Stage stage;
    private final List<CompiledLayer> layers;
    private final StackRunner.Beyond beyond;
    private final Sight sight;
    private final Tokens tokens;
    private final KvCache cache;
    private final Schedule schedule;
    private final Workspace workspace;
    private final StackListener listener;
    private final boolean stepping;
    final int lastPosition;
    private final KeyValues own;
    /** Tokens that keys skip from now on, or null. */
    private boolean[] hidden;
    /** Which tokens run the layer at hand, or null for all. */
    private Routing routing;
    /** Those of them that are by themselves on a device, or null. */
    private float[] parted;
    /** Layers whose cache entries were made ahead, and what runs in their place. */
    private final Map<Integer, CompiledLayer> askers = new HashMap<>();
    /** How attention of the layer at hand runs, or null for densely. */
    private AttentionMode mode;
    /** What the layer at hand adds in place of its MLP to the tokens alive, [tokens, width], or null for its MLP. */
    float[] added;
    /** Attention watched in the layer last run, brought along to the tokens now alive. */
    final Map<ReductionEvent, Watched> watched = new HashMap<>();

    StackPass(Stage stage, List<CompiledLayer> layers, StackRunner.Beyond beyond, Sight sight, Tokens tokens, KvCache cache,
              Schedule schedule, Workspace workspace, StackListener listener, boolean stepping) {
        this.stage = stage;
        this.layers = layers;
        this.beyond = beyond;
        this.sight = sight;
        this.tokens = tokens;
        this.cache = cache;
        this.schedule = schedule;
        this.workspace = workspace;
        this.listener = listener;
        this.stepping = stepping;
        int arrived = tokens.count();
        this.lastPosition = tokens.ledger().positions()[arrived - 1];
        var first = layers.getFirst().description().attention();
        this.own = cache == null ? new KeyValues(first.kvHeads(), first.headDim(), arrived) : null;
    }

    /**
     * The last layer of a prompt of which nobody looks at more than the last token. The others are asked for their keys and values only,
     * but for a few: so many that products sum in the order in which they would for all tokens, to the same bits. (Experts would still
     * get other numbers of tokens.)
     */
    void closing(int l) {
        enter(l);
        int n = tokens.count();
        CompiledLayer layer = layers.get(l);
        // a layer elsewhere runs whole, for its states would have to come home in parts
        boolean plain = layer.staying() == layer && sight == Sight.MASKED && hidden == null && routing == null && mode == null
                && !askers.containsKey(l) && !schedule.skips(stage, l) && !schedule.actsInside(stage, l)
                && layer.description().mlp() instanceof Mlp.Dense;
        if (!plain || n <= 2 * CLOSING) {
            run(l);
            return;
        }
        int from = n - CLOSING;
        int width = tokens.width();
        int[] positions = positions(l, tokens.ledger());
        shiftOn(l);
        layer.remember(tokens.hidden(), n, positions, keyBias(tokens.ledger(), null), cache.layer(l), workspace);
        float[] last = Arrays.copyOfRange(tokens.hidden(), from * width, n * width);
        layer.ask(last, CLOSING, Arrays.copyOfRange(positions, from, n), cache.layer(l), List.of(), workspace);
        StackRunner.mlp(layer, last, CLOSING, cache.threshold(l), workspace);
        System.arraycopy(last, 0, tokens.writable(), from * width, last.length);
        listener.ran(stage, l, n);
        listener.layer(stage, l, tokens);
        pack(l);
    }

    /** Decoding goes on behind the last of the tokens alive, as this layer counts. */
    private void shiftOn(int l) {
        int[] all = tokens.ledger().positions();
        cache.shift(l, cache.shift(l) + all[all.length - 1] - lastPosition);
    }

    /** Once all layers that run have run. */
    void end() {
        forgetWatched();
        if (own != null) own.drop();
    }

    void layer(int l) {
        enter(l);
        run(l);
    }

    private void enter(int l) {
        routing = null;
        mode = null;
        added = null;
        act(l, Site.Moment.BEFORE_LAYER);
        forgetWatched();
    }

    private void forgetWatched() {
        watched.values().forEach(Watched::forget);
        watched.clear();
    }

    private void run(int l) {
        if (!schedule.skips(stage, l)) {
            if (!undivided(l)) halves(l);
            else if (routing == null) attend(l, tokens.array(), tokens.ledger(), true);
            else routing.whole(l);
            listener.ran(stage, l, routing == null ? tokens.count() : routing.run.length);
        }
        listener.layer(stage, l, tokens);
        act(l, Site.Moment.AFTER_LAYER);
        pack(l);
    }

    /** Whether tokens run a layer in the plain way, and nothing happens between its halves. */
    private boolean undivided(int l) {
        return (routing == null || routing.mlpWeight == null) && mode == null && sight == Sight.MASKED && !askers.containsKey(l)
                && schedule.at(stage, Site.Moment.CACHE, l).isEmpty() && schedule.at(stage, Site.Moment.AFTER_ATTENTION, l).isEmpty()
                && (cache == null || cache.threshold(l) < 0);
    }

    private void halves(int l) {
        if (routing == null) attend(l, tokens.array(), tokens.ledger(), false);
        else routing.attend(l);
        mode = null;
        act(l, Site.Moment.CACHE);
        act(l, Site.Moment.AFTER_ATTENTION);
        if (routing == null) mlp(l, added == null ? tokens.array() : tokens.writable(), tokens.count(), null);
        else routing.mlp(l);
    }

    /** @param run which of the tokens alive the n are, or null for the first n */
    void mlp(int l, float[] x, int n, int[] run) {
        if (added == null) {
            StackRunner.mlp(staying(l, x), x, n, cache == null ? -1 : cache.threshold(l), workspace);
            stay(l, x);
            return;
        }
        int width = tokens.width();
        for (int i = 0; i < n; i++) {
            int from = (run == null ? i : run[i]) * width;
            for (int c = 0; c < width; c++) x[i * width + c] += added[from + c];
        }
    }

    /** A layer that may let x stay on its device, if x are all tokens or some of them there, and not some that were gathered here. */
    private CompiledLayer staying(int l, float[] x) {
        return x == tokens.array() || x == parted ? layers.get(l).staying() : layers.get(l);
    }

    private void stay(int l, float[] x) {
        if (x == tokens.array()) tokens.stay(layers.get(l));
    }

    /** Once all that acts on a layer's cache has acted. */
    void pack(int l) {
        if (cache != null) cache.ran(l, lastPosition + 1);
        CacheFormat format = schedule.cacheFormat(stage, l);
        if (format == null || cache == null || cache.layer(l).packed()) return;
        watched.values().forEach(Watched::settle);
        cache.layer(l).pack(format);
    }

    /**
     * The attention half, or all of a layer.
     *
     * @param x hidden states of the tokens that run the layer, [ledger.count(), width]
     */
    void attend(int l, float[] x, TokenLedger ledger, boolean whole) {
        KeyValues kv = cache == null ? own : cache.layer(l);
        if (cache == null) own.clear();
        int n = ledger.count();
        CompiledLayer asker = askers.get(l);
        int slots = kv.length() + (asker == null ? n : 0);
        List<ReductionEvent> watchers = schedule.watching(stage, l).stream()
                .filter(e -> acts(e) && slots > e.idleUpTo()).toList();
        List<Probe> probes = new ArrayList<>();
        Map<ReductionEvent, Probe> asked = new HashMap<>();
        for (ReductionEvent e : watchers) {
            Probe p = e.probe() == null ? null : e.probe().apply(ledger);
            if (p == null) continue;
            probes.add(p);
            asked.put(e, p);
        }
        int shift = cache == null ? 0 : cache.shift(l);
        int[] positions = positions(l, ledger);
        if (cache != null) shiftOn(l);
        CompiledLayer layer = staying(l, x);
        boolean queried = watchers.stream().anyMatch(ReductionEvent::queries);
        float[] queries = queried ? layer.project(Projection.QUERY, x, n, null, workspace) : null;
        float[] bias = keyBias(ledger, routing == null ? null : routing.run);
        List<float[]> rows;
        if (asker != null) rows = asker.ask(x, n, positions, kv, probes, workspace);
        else if (whole) rows = layer.run(x, n, positions, bias, kv, probes, workspace);
        else if (mode != null) rows = attendInMode(l, x, positions, shift, ledger, kv, watchers, probes);
        else {
            AttentionMode seen = sight.in(l, ledger);
            rows = seen == null ? layer.attend(x, n, positions, bias, kv, probes, workspace)
                    : layer.attend(seen, x, n, positions, bias, kv, probes, workspace);
        }
        stay(l, x);

        int next = 0;
        for (ReductionEvent e : watchers) {
            Watched w = new Watched(layer.description().attention().heads(), kv, n, e.keys(), e.queries() ? queries : null);
            Probe p = asked.get(e);
            if (p != null) w.observe(layer, rows.get(next++), p.rowsOf(n), e.site().moment() == Site.Moment.CACHE);
            watched.put(e, w);
        }
    }

    /** Positions of tokens as a layer counts them. */
    int[] positions(int l, TokenLedger ledger) {
        int shift = cache == null ? 0 : cache.shift(l);
        return shift == 0 ? ledger.positions() : moved(ledger.positions(), shift);
    }

    private static int[] moved(int[] positions, int shift) {
        return Arrays.stream(positions).map(p -> p + shift).toArray();
    }

    List<float[]> attendInMode(int l, float[] x, int[] positions, int shift, TokenLedger ledger, KeyValues kv,
                               List<ReductionEvent> watchers, List<Probe> probes) {
        if (mode instanceof AttentionMode.Copies(int[] owner, int[] places)) {
            if (!watchers.isEmpty()) {
                throw new PlanException(watchers.getFirst().method() + ": cannot watch layer " + l + ", where tokens attend as copies");
            }
            mode = new AttentionMode.Copies(owner, moved(places, shift));
            if (cache != null) cache.shift(l, shift + places[owner.length - 1] - lastPosition);
        }
        if (mode instanceof AttentionMode.Sections(int[][] places)) {
            mode = new AttentionMode.Sections(Arrays.stream(places).map(token -> moved(token, shift)).toArray(int[][]::new));
            int highest = Arrays.stream(places).flatMapToInt(Arrays::stream).max().orElseThrow();
            if (cache != null) cache.shift(l, shift + highest - lastPosition);
        }
        return layers.get(l).attend(mode, x, ledger.count(), positions, keyBias(ledger, null), kv, probes, workspace);
    }

    void attendBy(ReductionEvent e, AttentionMode asked) {
        if (e.site().moment() != Site.Moment.BEFORE_LAYER) {
            throw new IllegalArgumentException(e.method() + " chooses a layer's attention after it ran");
        }
        if (schedule.skips(stage, e.site().layer())) return;
        requireMasked(e);
        if (mode != null || routing != null) {
            throw new PlanException(e.method() + ": another method of the plan changes the attention of layer " + e.site().layer());
        }
        mode = asked;
    }

    /** For events that take it that tokens see what the masks of the layers say. */
    private void requireMasked(ReductionEvent e) {
        if (sight == Sight.MASKED) return;
        throw new PlanException(e.method()
                + ": cannot change or foresee attention in a model whose prompts or pictures are seen as a whole");
    }

    /**
     * Log of sizes where merged tokens must count as many; -inf for hidden tokens; null when there is neither.
     *
     * @param places of the ledger's tokens among all that are alive, or null for all of them
     */
    float[] keyBias(TokenLedger ledger, int[] places) {
        boolean weigh = schedule.weighsSizes(stage) && ledger.merged() && !(mode instanceof AttentionMode.Copies);
        if (!weigh && hidden == null) return null;
        float[] bias = new float[ledger.count()];
        for (int i = 0; i < bias.length; i++) {
            if (weigh) bias[i] = (float) Math.log(ledger.size(i));
            if (hidden != null && hidden[places == null ? i : places[i]]) bias[i] = Float.NEGATIVE_INFINITY;
        }
        return bias;
    }

    boolean acts(ReductionEvent e) {
        return !stepping || e.steps();
    }

    void act(int l, Site.Moment moment) {
        for (ReductionEvent e : schedule.at(stage, moment, l)) {
            if (!acts(e)) continue;
            if (moment == Site.Moment.CACHE && (cache.shares(l) || cache.layer(l).length() <= e.idleUpTo())) continue;
            long began = System.nanoTime();
            View view = new View(e, l);
            Outcome outcome = e.decide().apply(view);
            view.forget();
            realise(e, l, outcome);
            listener.acted(e, outcome, tokens, System.nanoTime() - began);
        }
    }

    void realise(ReductionEvent e, int l, Outcome outcome) {
        switch (outcome) {
            case Outcome.Unchanged() -> { }
            case Outcome.Compact(int[][] keep) -> compact(l, keep);
            case Outcome.MergeCache(List<TokenMap> maps) -> mergeCache(l, maps);
            case Outcome.Reposition(int[][] positions) -> reposition(e, l, positions);
            case Outcome.Narrow(int layer, int from, int[] positions) -> narrow(layer, from, positions);
            case Outcome.Hide(boolean[] h) -> hide(h);
            case Outcome.Annotate(String name, int width, float[] values) ->
                    tokens.annotate(name, new TokenLedger.Note(width, values));
            case Outcome.Rewrite(float[] states) -> System.arraycopy(states, 0, tokens.writable(), 0, tokens.count() * tokens.width());
            case Outcome.Supply(List<Outcome.Supplied> supplied) -> supplied.forEach(s -> supply(e, s));
            case Outcome.Route r -> route(e, r);
            case Outcome.Attend(AttentionMode asked) -> attendBy(e, asked);
            case Outcome.Threshold(float threshold) -> {
                ReductionMethod.requireNeurons(e.method(), l, layers.get(l).description());
                sequence(e).threshold(l, threshold);
            }
            case Outcome.ReplaceMlp(float[] a) -> replaceMlp(e, a);
            case Outcome.Reduce r -> reduce(e, r);
            case Outcome.All(List<Outcome> outcomes) -> outcomes.forEach(o -> realise(e, l, o));
        }
    }

    void supply(ReductionEvent e, Outcome.Supplied s) {
        if (cache == null) throw new PlanException(e.method() + ": fills a cache, but this pass has none");
        askers.put(s.layer(), s.asker());
        if (s.keeper() != s.layer()) {
            cache.share(s.layer(), s.keeper());
            return;
        }
        int n = tokens.count();
        int[] positions = positions(s.layer(), tokens.ledger());
        s.maker().remember(tokens.hidden(), n, positions, keyBias(tokens.ledger(), null), cache.layer(s.layer()), workspace);
    }

    void route(ReductionEvent e, Outcome.Route r) {
        if (mode != null) {
            throw new PlanException(e.method() + ": another method of the plan changes the attention of layer " + e.site().layer());
        }
        routing = new Routing(r);
    }

    void replaceMlp(ReductionEvent e, float[] instead) {
        if (e.site().moment() != Site.Moment.AFTER_ATTENTION) {
            throw new IllegalArgumentException(e.method() + " replaces an MLP that is not the next to run");
        }
        if (added != null) {
            throw new PlanException(e.method() + ": another method of the plan replaces the MLP of layer " + e.site().layer());
        }
        if (!layers.get(e.site().layer()).description().residual().equals(Residual.PLAIN)) {
            throw new PlanException(e.method() + ": layer " + e.site().layer() + " does not simply add what its MLP makes");
        }
        added = instead;
    }

    KvCache sequence(ReductionEvent e) {
        if (cache == null) throw new IllegalStateException(e.method() + " acts on a cache where there is none");
        return cache;
    }

    void compact(int l, int[][] keep) {
        watched.values().forEach(Watched::settle);
        KeyValues kv = cache.layer(l);
        kv.keep(keep);
        followCache(kv, (head, row) -> gather(row, keep[head]));
        // layer by layer, so that a prompt's cache is never whole in memory
        kv.trim(DECODING_ROOM);
    }

    void narrow(int l, int from, int[] positions) {
        KeyValues kv = cache.layer(l);
        Set<Integer> survive = Arrays.stream(positions).boxed().collect(Collectors.toSet());
        int[][] keep = new int[kv.heads()][];
        for (int h = 0; h < keep.length; h++) {
            int[] at = kv.positions(h);
            keep[h] = IntStream.range(0, kv.length(h)).filter(i -> at[i] < from || survive.contains(at[i])).toArray();
        }
        compact(l, keep);
    }

    /** What was watched for later events at this cache has its columns moved. */
    void followCache(KeyValues kv, BiFunction<Integer, float[], float[]> moved) {
        for (Watched w : watched.values()) if (w.kv == kv) w.followCache(moved);
    }

    private static float[] gather(float[] row, int[] slots) {
        float[] kept = new float[slots.length];
        for (int i = 0; i < kept.length; i++) kept[i] = row[slots[i]];
        return kept;
    }

    void mergeCache(int l, List<TokenMap> maps) {
        watched.values().forEach(Watched::settle);
        KeyValues kv = cache.layer(l);
        int dim = kv.headDim();
        for (int h = 0; h < maps.size(); h++) {
            TokenMap map = maps.get(h);
            int[] anchors = new int[map.rows()];
            Arrays.setAll(anchors, map::anchor);
            for (float[] entries : List.of(kv.keys(), kv.values())) {
                float[] merged = new float[map.rows() * dim];
                map.apply(Arrays.copyOfRange(entries, kv.offset(h), kv.offset(h) + map.sources() * dim), dim, merged);
                // in the anchors' places, from where keep moves them with their positions
                for (int i = 0; i < anchors.length; i++) System.arraycopy(merged, i * dim, entries, kv.offset(h) + anchors[i] * dim, dim);
            }
            kv.changed(h);
            kv.keep(h, anchors);
        }
        followCache(kv, (head, row) -> maps.get(head).total(row, 0));
        kv.trim(DECODING_ROOM);
    }

    void reposition(ReductionEvent e, int l, int[][] positions) {
        watched.values().forEach(Watched::settle);
        KeyValues kv = cache.layer(l);
        if (alongAxes()) throw new PlanException(e.method() + ": cannot turn keys to other positions where these lie along several axes");
        kv.reposition(positions, layers.get(l).description().attention().rotary());
        int highest = Arrays.stream(positions).mapToInt(p -> p.length == 0 ? -1 : p[p.length - 1]).max().orElse(-1);
        cache.shift(l, highest - lastPosition);
    }

    private boolean alongAxes() {
        RotaryEmbedding rotary = layers.getFirst().description().attention().rotary();
        return rotary != null && rotary.axes() != null;
    }

    /** Tokens that an earlier event hid stay hidden. */
    void hide(boolean[] more) {
        boolean[] both = more.clone();
        for (int i = 0; hidden != null && i < both.length; i++) both[i] |= hidden[i];
        hidden = both;
    }

    void reduce(ReductionEvent e, Outcome.Reduce r) {
        if (r.map().rows() == 0) throw new PlanException(e.method() + ": no token would be left");
        if (mode != null) {
            throw new PlanException(e.method() + ": has to come earlier in the plan than the method that changes the attention of layer "
                    + e.site().layer());
        }
        // positions along several axes are places in a picture, which no other token can take
        TokenLedger after = alongAxes() ? r.after(tokens.ledger(), PositionPolicy.PRESERVE) : r.after(tokens.ledger());
        if (r.classStandsForImage()) {
            for (int i : after.ofKind(TokenKind.CLASS)) after = after.withKind(i, TokenKind.VISUAL);
        }
        if (hidden != null) {
            boolean[] moved = new boolean[after.count()];
            for (int i = 0; i < moved.length; i++) moved[i] = hidden[r.map().anchor(i)];
            hidden = moved;
        }
        tokens.reduce(r.map(), after);
        if (added != null) {
            float[] moved = new float[r.map().rows() * tokens.width()];
            r.map().apply(added, tokens.width(), moved);
            added = moved;
        }
        if (routing != null) routing.follow(r.map());
        for (Watched w : watched.values()) w.follow(r.map());
    }

    /** A layer that only some tokens run. */
    final class Routing {
        int[] run;
        float[] blockWeight;
        float[] mlpWeight;
        /** Hidden states in front of the layer, where what it adds is weighed as a whole. */
        float[] entered;

        Routing(Outcome.Route r) {
            this.run = r.run();
            this.blockWeight = r.blockWeight();
            this.mlpWeight = r.mlpWeight();
            if (r.bypass() != null && run.length < tokens.count()) scaleOthers(r.bypass());
        }

        private void scaleOthers(float[] bypass) {
            boolean[] runs = new boolean[tokens.count()];
            for (int i : run) runs[i] = true;
            float[] factors = new float[runs.length];
            for (int i = 0; i < runs.length; i++) factors[i] = runs[i] ? 1 : bypass[i];
            tokens.scale(factors);
        }

        /** Both halves. */
        void whole(int l) {
            if (run.length == 0) return;
            float[] x = part();
            attend(l, x, true);
            putBack(l, x, blockWeight);
        }

        /** The tokens that run, by themselves: where they are, if they can be. */
        private float[] part() {
            parted = tokens.part(run);
            return parted == null ? gather() : parted;
        }

        /** @param weight of what has been added to each of them, or null for 1 */
        private void putBack(int l, float[] x, float[] weight) {
            boolean joined = parted != null && tokens.join(run, weight, x);
            if (parted != null && !joined) layers.get(l).home(x, run.length);
            parted = null;
            if (joined) return;
            if (weight != null) weigh(x, gather(), weight);
            scatter(x);
        }

        private void attend(int l, float[] x, boolean whole) {
            TokenLedger all = tokens.ledger();
            StackPass.this.attend(l, x, all.after(TokenMap.select(run, all.count()), PositionPolicy.PRESERVE), whole);
            for (Watched w : watched.values()) w.spread(run, all.count());
        }

        void attend(int l) {
            if (run.length == 0) return;
            // what comes in is weighed against what goes out of both halves, and others may act between them
            if (blockWeight != null) entered = gather();
            float[] x = blockWeight == null ? part() : entered.clone();
            attend(l, x, false);
            putBack(l, x, null);
        }

        void mlp(int l) {
            if (run.length == 0) return;
            float[] x = entered == null && added == null ? part() : gather();
            StackPass.this.mlp(l, x, run.length, run);
            if (entered == null) {
                putBack(l, x, mlpWeight);
                return;
            }
            if (mlpWeight != null) weigh(x, gather(), mlpWeight);
            weigh(x, entered, blockWeight);
            scatter(x);
        }

        /** x = before + weight * (x - before), row by row. */
        private void weigh(float[] x, float[] before, float[] weight) {
            int width = tokens.width();
            for (int i = 0; i < run.length; i++) {
                for (int c = i * width; c < (i + 1) * width; c++) x[c] = before[c] + weight[i] * (x[c] - before[c]);
            }
        }

        private float[] gather() {
            int width = tokens.width();
            float[] all = tokens.hidden();
            float[] x = new float[run.length * width];
            for (int i = 0; i < run.length; i++) System.arraycopy(all, run[i] * width, x, i * width, width);
            return x;
        }

        private void scatter(float[] x) {
            int width = tokens.width();
            float[] all = tokens.writable();
            for (int i = 0; i < run.length; i++) System.arraycopy(x, i * width, all, run[i] * width, width);
        }

        /** New tokens go on as their anchors did. */
        void follow(TokenMap map) {
            int[] place = new int[map.sources()];
            Arrays.fill(place, -1);
            for (int i = 0; i < run.length; i++) place[run[i]] = i;
            int[] alive = IntStream.range(0, map.rows()).filter(i -> place[map.anchor(i)] >= 0).toArray();
            int[] from = Arrays.stream(alive).map(i -> place[map.anchor(i)]).toArray();
            int width = tokens.width();
            if (entered != null) {
                float[] moved = new float[from.length * width];
                for (int i = 0; i < from.length; i++) System.arraycopy(entered, from[i] * width, moved, i * width, width);
                entered = moved;
            }
            blockWeight = picked(blockWeight, from);
            mlpWeight = picked(mlpWeight, from);
            run = alive;
        }

        private static float[] picked(float[] weights, int[] from) {
            if (weights == null) return null;
            float[] kept = new float[from.length];
            for (int i = 0; i < from.length; i++) kept[i] = weights[from[i]];
            return kept;
        }
    }

    /** What one event sees. */
    final class View implements Observation {
        final ReductionEvent event;
        final int layer;
        private final List<ObservedRows> ahead = new ArrayList<>();

        View(ReductionEvent event, int layer) {
            this.event = event;
            this.layer = layer;
        }

        /** The event has decided. */
        void forget() {
            Watched w = watched.remove(event);
            if (w != null) w.forget();
            ahead.forEach(ObservedRows::forget);
        }

        private TransformerLayer observed() {
            return layers.get(event.watches() < 0 ? layer : event.watches()).description();
        }

        @Override
        public Tokens tokens() {
            return tokens;
        }

        @Override
        public Attention attention() {
            return observed().attention();
        }

        @Override
        public int step() {
            return stepping ? cache.nextStep() : 0;
        }

        private Watched seen() {
            Watched w = watched.get(event);
            if (w == null) throw new PlanException(event.method() + ": layer " + event.watches() + " did not run for any token");
            return w;
        }

        @Override
        public float[] rows() {
            AttentionRows rows = watched();
            return rows == null ? null : rows.values();
        }

        @Override
        public AttentionRows watched() {
            return seen().rows;
        }

        @Override
        public int rowCount() {
            AttentionRows rows = watched();
            return rows == null ? 0 : rows.count();
        }

        @Override
        public float[] meanKeys() {
            return seen().meanKeys();
        }

        @Override
        public boolean partners(boolean[] guarded, int[] partner, float[] similarity) {
            return seen().partners(guarded, partner, similarity);
        }

        @Override
        public float[] keys() {
            return seen().keys();
        }

        @Override
        public float[] values() {
            return seen().values();
        }

        @Override
        public float[] queries() {
            return seen().queries;
        }

        @Override
        public KeyValues cache() {
            return sequence(event).layer(layer);
        }

        private int ahead() {
            return event.site().moment() == Site.Moment.BEFORE_LAYER ? layer : layer + 1;
        }

        @Override
        public boolean hasAhead() {
            return ahead() < layers.size();
        }

        private CompiledLayer layerAhead() {
            if (!hasAhead()) throw new PlanException(event.method() + ": there is no layer after " + layer);
            return layers.get(ahead());
        }

        private int[] positions(boolean rotated) {
            return rotated ? tokens.ledger().positions() : null;
        }

        @Override
        public float[] attentionAhead(Probe probe, boolean rotated) {
            requireMasked(event);
            return layerAhead().attentionAhead(tokens.hidden(), tokens.count(), positions(rotated), probe, workspace);
        }

        @Override
        public AttentionRows ahead(Probe probe) {
            requireMasked(event);
            CompiledLayer where = layerAhead().staying();
            int n = tokens.count();
            float[] rows = where.attentionAhead(tokens.array(), n, positions(true), probe, workspace);
            ObservedRows observed = new ObservedRows(where, rows, where.description().attention().heads(), probe.rowsOf(n), n, n);
            ahead.add(observed);
            return observed;
        }

        @Override
        public float[] projectionAhead(Projection projection, boolean rotated) {
            return layerAhead().project(projection, tokens.hidden(), tokens.count(), positions(rotated), workspace);
        }

        @Override
        public float[] normedAhead() {
            boolean between = event.site().moment() == Site.Moment.AFTER_ATTENTION;
            if (between) ReductionMethod.requireSequence(event.method(), layer, layers.get(layer).description());
            return (between ? layers.get(layer) : layerAhead()).normed(between ? CompiledLayer.Half.MLP : CompiledLayer.Half.ATTENTION,
                    tokens.hidden(), tokens.count(), workspace);
        }

        @Override
        public float[] neurons(int first, int count) {
            ReductionMethod.requireNeurons(event.method(), layer, layers.get(layer).description());
            float[] hidden = tokens.hidden();
            if (first > 0) hidden = Arrays.copyOfRange(hidden, first * tokens.width(), (first + count) * tokens.width());
            return layers.get(layer).neurons(hidden, count, workspace);
        }

        @Override
        public int[] choose(CosineChoice choice, int[] among, int k) {
            if (!hasAhead()) return Observation.super.choose(choice, among, k);
            int[] places = layerAhead().choose(choice, tokens.array(), tokens.count(), among, k);
            if (places != null) tokens.stay(layerAhead());
            return places;
        }

        @Override
        public float[] beyond(float[] hidden, int n) {
            if (beyond == null) throw new PlanException(event.method() + ": nothing follows this stack");
            return beyond.apply(hidden, n, workspace);
        }

        @Override
        public Work work() {
            return workspace.work();
        }

        @Override
        public void report(String name, float[] values, int... shape) {
            listener.reported(event, name, values, shape.length == 0 ? new int[] {values.length} : shape);
        }

        @Override
        public void report(String name, Supplier<float[]> values, int... shape) {
            if (listener.hears()) report(name, values.get(), shape);
        }
    }
}
