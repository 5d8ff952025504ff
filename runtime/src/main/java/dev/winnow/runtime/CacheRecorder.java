package dev.winnow.runtime;

import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.TokenMap;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/** Follows which prompt tokens every layer and key head of a cache holds. Keeps references while the model runs, and counts afterwards. */
final class CacheRecorder {
    /**
     * What an event did to a layer's entries.
     *
     * @param ledger of the tokens alive then
     */
    private record Act(String method, Outcome outcome, TokenLedger ledger) {}

    /** One layer: whose entries it made, and what became of them. */
    private static final class Layer {
        /** Tokens that ran it; null for a layer that has made no entries. */
        TokenLedger ledger;
        /** Which of them, or null for all. */
        int[] run;
        /** The layer whose entries it reads, or -1 for its own. */
        int keeper = -1;
        String made = "";
        final List<Act> acts = new ArrayList<>();
    }

    private final int[] heads;
    private final Layer[] layers;
    private final Map<TokenMap, int[]> anchors = new IdentityHashMap<>();

    /** @param heads key heads of each layer */
    CacheRecorder(int[] heads) {
        this.heads = heads;
        this.layers = IntStream.range(0, heads.length).mapToObj(l -> new Layer()).toArray(Layer[]::new);
    }

    /** Tokens run a layer; told again, it is the first time that counts. */
    void attended(int layer, TokenLedger ledger, int[] run) {
        Layer l = layers[layer];
        if (l.ledger != null || l.keeper >= 0) return;
        l.ledger = ledger;
        l.run = run;
    }

    /** An event has acted on the entries of a layer; what it did to tokens is none of this. */
    void acted(ReductionEvent event, Outcome outcome, TokenLedger before) {
        switch (outcome) {
            case Outcome.All(List<Outcome> outcomes) -> outcomes.forEach(o -> acted(event, o, before));
            case Outcome.Compact c -> layers[event.site().layer()].acts.add(new Act(event.method(), c, before));
            case Outcome.MergeCache m -> layers[event.site().layer()].acts.add(new Act(event.method(), m, before));
            case Outcome.Reposition r -> layers[event.site().layer()].acts.add(new Act(event.method(), r, before));
            case Outcome.Narrow n -> layers[n.layer()].acts.add(new Act(event.method(), n, before));
            case Outcome.Supply(List<Outcome.Supplied> supplied) -> supplied.forEach(s -> {
                Layer l = layers[s.layer()];
                String ahead = event.method() + ": made ahead, " + event.site();
                l.made = s.keeper() == s.layer() ? ahead : event.method() + ": reads the entries of layer " + s.keeper();
                if (s.keeper() == s.layer()) l.ledger = before;
                else l.keeper = s.keeper();
            });
            default -> { }
        }
    }

    /** Layers that an event has acted on. */
    boolean[] changed() {
        boolean[] changed = new boolean[layers.length];
        for (int l = 0; l < changed.length; l++) changed[l] = layers[l].acts.stream().anyMatch(a -> !(a.outcome instanceof Outcome.Narrow));
        return changed;
    }

    /** Methods that have acted on entries. */
    String methods() {
        return Arrays.stream(layers).flatMap(l -> l.acts.stream()).filter(a -> !(a.outcome instanceof Outcome.Narrow))
                .map(Act::method).distinct().reduce((a, b) -> a + " + " + b).orElse("");
    }

    List<Explanation.Layer> entries() {
        List<Explanation.Layer> entries = new ArrayList<>();
        for (int l = 0; l < layers.length; l++) entries.add(entries(layers[l], heads[l]));
        return entries;
    }

    private Explanation.Layer entries(Layer layer, int kvHeads) {
        List<String> deeds = new ArrayList<>();
        if (!layer.made.isEmpty()) deeds.add(layer.made);
        if (layer.ledger == null) {
            if (layer.keeper < 0) deeds.add("no token ran it");
            return new Explanation.Layer(deeds, List.of());
        }
        int[] anchored = anchors.computeIfAbsent(layer.ledger.origin(), CacheRecorder::anchorsOf);
        int[] first = layer.run == null ? anchored : Arrays.stream(layer.run).map(i -> anchored[i]).toArray();
        int[][] tokens = new int[kvHeads][];
        Arrays.fill(tokens, first);
        List<Set<Integer>> merged = new ArrayList<>();
        Set<Integer> before = mergedBefore(layer);
        for (int h = 0; h < kvHeads; h++) merged.add(before);
        for (Act act : layer.acts) apply(act, tokens, merged, deeds);
        List<Explanation.Entries> held = new ArrayList<>();
        for (int h = 0; h < kvHeads; h++) held.add(new Explanation.Entries(tokens[h], merged(tokens[h], merged.get(h))));
        return new Explanation.Layer(deeds, held);
    }

    private static int[] anchorsOf(TokenMap origin) {
        return IntStream.range(0, origin.rows()).map(origin::anchor).toArray();
    }

    /** Prompt tokens that had been merged into others when they ran the layer. */
    private static Set<Integer> mergedBefore(Layer layer) {
        Set<Integer> merged = new HashSet<>();
        if (!layer.ledger.merged()) return merged;
        TokenMap origin = layer.ledger.origin();
        IntStream rows = layer.run == null ? IntStream.range(0, origin.rows()) : Arrays.stream(layer.run);
        rows.mapToObj(origin::sourcesOf).filter(s -> s.length > 1).flatMapToInt(Arrays::stream).forEach(merged::add);
        return merged;
    }

    private static int[] merged(int[] kept, Set<Integer> sources) {
        if (sources.isEmpty()) return new int[0];
        Set<Integer> others = new HashSet<>(sources);
        for (int token : kept) others.remove(token);
        return others.stream().mapToInt(i -> i).sorted().toArray();
    }

    private static void apply(Act act, int[][] tokens, List<Set<Integer>> merged, List<String> deeds) {
        int[] before = lengths(tokens);
        switch (act.outcome) {
            case Outcome.Compact(int[][] keep) -> {
                for (int h = 0; h < keep.length; h++) pick(tokens, h, keep[h]);
                deeds.add(act.method + ": keeps " + range(lengths(tokens)) + " of " + range(before) + " entries" + each(tokens));
            }
            case Outcome.MergeCache(List<TokenMap> maps) -> {
                for (int h = 0; h < maps.size(); h++) {
                    TokenMap map = maps.get(h);
                    Set<Integer> all = new HashSet<>(merged.get(h));
                    for (int i = 0; i < map.rows(); i++) {
                        int[] sources = map.sourcesOf(i);
                        for (int s : sources) if (sources.length > 1) all.add(tokens[h][s]);
                    }
                    merged.set(h, all);
                    pick(tokens, h, anchorsOf(map));
                }
                deeds.add(act.method + ": merges " + range(before) + " entries into " + range(lengths(tokens)) + each(tokens));
            }
            case Outcome.Narrow n -> {
                int[] alive = anchorsOf(act.ledger.origin());
                Set<Integer> survive = new HashSet<>(Arrays.stream(alive).boxed().toList());
                int first = Arrays.stream(alive).min().orElse(0);
                for (int h = 0; h < tokens.length; h++) {
                    int[] own = tokens[h];
                    pick(tokens, h, IntStream.range(0, own.length).filter(i -> own[i] < first || survive.contains(own[i])).toArray());
                }
                deeds.add(act.method + ": narrowed to " + range(lengths(tokens)) + " of " + range(before) + " entries");
            }
            default -> deeds.add(act.method + ": entries take other positions");
        }
    }

    private static void pick(int[][] tokens, int head, int[] keep) {
        int[] from = tokens[head];
        tokens[head] = Arrays.stream(keep).map(s -> from[s]).toArray();
    }

    private static int[] lengths(int[][] tokens) {
        return Arrays.stream(tokens).mapToInt(t -> t.length).toArray();
    }

    private static String range(int[] counts) {
        int least = Arrays.stream(counts).min().orElse(0);
        int most = Arrays.stream(counts).max().orElse(0);
        return least == most ? Integer.toString(least) : least + " to " + most;
    }

    private static String each(int[][] tokens) {
        return tokens.length > 1 ? " in each head" : "";
    }
}
