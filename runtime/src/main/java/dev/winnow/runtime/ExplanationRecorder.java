package dev.winnow.runtime;

import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.Site;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.TokenMap;
import dev.winnow.reduction.Tokens;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Follows the live tokens of every image through the maps of all events, back to patches. */
final class ExplanationRecorder implements StackListener {
    private final int grid;
    private final int classTokens;
    private final int images;
    private final Map<String, Explanation.Alive[]> vision = new LinkedHashMap<>();
    private final List<Explanation.Panel> language = new ArrayList<>();
    /** Per image, vision tokens that went into the prompt, traced to the tower's input. */
    private final List<TokenMap> prompted = new ArrayList<>();
    private int image;
    private TokenLedger prompt;
    private Compaction compaction;

    ExplanationRecorder(int grid, boolean classToken, int images) {
        this.grid = grid;
        this.classTokens = classToken ? 1 : 0;
        this.images = images;
    }

    /** The walk through the tower is about this image now. */
    void image(int index) {
        image = index;
    }

    /** What the projector passed on of the current image. */
    void projected(TokenLedger ledger) {
        prompted.add(ledger.origin());
    }

    /** The language model starts with these tokens. */
    void prompt(TokenLedger ledger) {
        prompt = ledger;
    }

    @Override
    public void acted(ReductionEvent event, Outcome outcome, Tokens tokens, long nanos) {
        if (images == 0 || !changesTokens(outcome)) return;
        String title = event.method() + ", " + event.site();
        if (event.site().stage() == Stage.VISION) {
            vision.computeIfAbsent(title, t -> new Explanation.Alive[images])[image] = alive(tokens.ledger().origin());
        } else if (event.site().moment() == Site.Moment.CACHE) {
            compacted(event, outcome, tokens.ledger());
        } else {
            TokenLedger ledger = tokens.ledger();
            boolean[] hidden = outcome instanceof Outcome.Hide(boolean[] h) ? h : new boolean[ledger.count()];
            language.add(new Explanation.Panel(title, languageAlive(ledger.origin(), hidden)));
        }
    }

    private static boolean changesTokens(Outcome outcome) {
        return switch (outcome) {
            case Outcome.Unchanged u -> false;
            case Outcome.Annotate a -> false;
            case Outcome.Rewrite r -> false;
            case Outcome.Narrow n -> false;
            case Outcome.Attend a -> false;
            case Outcome.Threshold t -> false;
            case Outcome.ReplaceMlp m -> false;
            case Outcome.All(List<Outcome> outcomes) -> outcomes.stream().anyMatch(ExplanationRecorder::changesTokens);
            default -> true;
        };
    }

    private void compacted(ReductionEvent event, Outcome outcome, TokenLedger ledger) {
        switch (outcome) {
            case Outcome.Compact(int[][] keep) -> compaction(event).keep(event.site().layer(), keep, ledger);
            case Outcome.MergeCache(List<TokenMap> maps) -> compaction(event).keep(event.site().layer(),
                    maps.stream().map(m -> IntStream.range(0, m.rows()).map(m::anchor).toArray()).toArray(int[][]::new), ledger);
            case Outcome.All(List<Outcome> outcomes) -> outcomes.forEach(o -> compacted(event, o, ledger));
            default -> { }
        }
    }

    private Compaction compaction(ReductionEvent event) {
        if (compaction == null) compaction = new Compaction(event.method());
        return compaction;
    }

    Explanation explanation() {
        if (images == 0) return Explanation.NONE;
        List<Explanation.Panel> panels = new ArrayList<>();
        Explanation.Alive whole = alive(TokenMap.identity(grid * grid + classTokens));
        panels.add(new Explanation.Panel("input", Collections.nCopies(images, whole)));
        vision.forEach((title, alive) -> {
            // an event that left an image unchanged did not say so
            List<Explanation.Alive> before = panels.getLast().images();
            for (int i = 0; i < images; i++) if (alive[i] == null) alive[i] = before.get(i);
            panels.add(new Explanation.Panel(title, List.of(alive)));
        });
        panels.addAll(language);
        if (compaction != null) panels.add(compaction.panel());
        return new Explanation(grid, panels);
    }

    private Explanation.Alive alive(TokenMap toTower) {
        List<int[]> groups = new ArrayList<>();
        float[] strength = new float[grid * grid];
        for (int i = 0; i < toTower.rows(); i++) {
            int[] patches = Arrays.stream(toTower.sourcesOf(i)).filter(s -> s >= classTokens).map(s -> s - classTokens).toArray();
            for (int p : patches) strength[p] = 1f;
            groups.add(patches);
        }
        return new Explanation.Alive(groups, strength);
    }

    /** Live prompt tokens of each image, traced through the prompt to the tower. */
    private List<Explanation.Alive> languageAlive(TokenMap toPrompt, boolean[] hidden) {
        List<List<int[]>> groups = new ArrayList<>();
        for (int i = 0; i < images; i++) groups.add(new ArrayList<>());
        int[] row = rowsInImages();
        for (int i = 0; i < toPrompt.rows(); i++) {
            if (hidden[i]) continue;
            int original = toPrompt.anchor(i);
            if (prompt.kind(original) != TokenKind.VISUAL) continue;
            int of = prompt.image(original);
            int[] patches = Arrays.stream(toPrompt.sourcesOf(i)).filter(s -> prompt.kind(s) == TokenKind.VISUAL)
                    .flatMap(s -> Arrays.stream(patchesOf(of, row[s]))).toArray();
            groups.get(of).add(patches);
        }
        List<Explanation.Alive> alive = new ArrayList<>();
        for (List<int[]> g : groups) {
            float[] strength = new float[grid * grid];
            for (int[] patches : g) for (int p : patches) strength[p] = 1f;
            alive.add(new Explanation.Alive(g, strength));
        }
        return alive;
    }

    /** For each prompt token its number among the tokens of its image. */
    private int[] rowsInImages() {
        int[] next = new int[images];
        int[] row = new int[prompt.count()];
        for (int i = 0; i < row.length; i++) if (prompt.kind(i) == TokenKind.VISUAL) row[i] = next[prompt.image(i)]++;
        return row;
    }

    private int[] patchesOf(int of, int row) {
        return Arrays.stream(prompted.get(of).sourcesOf(row)).filter(s -> s >= classTokens).map(s -> s - classTokens).toArray();
    }

    /** Collects which prompt tokens the cache still holds, over layers and heads. */
    private final class Compaction {
        private final String method;
        /** Prompt tokens at the slots of each layer's key heads. */
        private final Map<Integer, int[][]> tokens = new LinkedHashMap<>();

        Compaction(String method) {
            this.method = method;
        }

        void keep(int layer, int[][] slots, TokenLedger ledger) {
            int[][] before = tokens.get(layer);
            int[][] left = new int[slots.length][];
            Arrays.setAll(left, h -> Arrays.stream(slots[h]).map(s -> before == null ? ledger.origin().anchor(s) : before[h][s]).toArray());
            tokens.put(layer, left);
        }

        Explanation.Panel panel() {
            float[] held = new float[prompt.count()];
            int caches = 0;
            for (int[][] heads : tokens.values()) {
                caches += heads.length;
                for (int[] head : heads) for (int token : head) held[token]++;
            }
            int[] row = rowsInImages();
            List<List<int[]>> groups = new ArrayList<>();
            List<float[]> strengths = new ArrayList<>();
            for (int i = 0; i < images; i++) {
                groups.add(new ArrayList<>());
                strengths.add(new float[grid * grid]);
            }
            for (int t = 0; t < held.length; t++) {
                if (prompt.kind(t) != TokenKind.VISUAL || held[t] == 0) continue;
                int[] patches = patchesOf(prompt.image(t), row[t]);
                groups.get(prompt.image(t)).add(patches);
                for (int p : patches) strengths.get(prompt.image(t))[p] = Math.max(strengths.get(prompt.image(t))[p], held[t] / caches);
            }
            List<Explanation.Alive> alive = new ArrayList<>();
            for (int i = 0; i < images; i++) alive.add(new Explanation.Alive(groups.get(i), strengths.get(i)));
            return new Explanation.Panel(method + ", share of layers and heads that keep an entry", alive);
        }
    }
}
