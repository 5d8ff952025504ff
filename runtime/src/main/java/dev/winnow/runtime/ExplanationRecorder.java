package dev.winnow.runtime;

import dev.winnow.reduction.Grid;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.Site;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.TokenMap;
import dev.winnow.reduction.Tokens;
import dev.winnow.runtime.Explanation.Alive;
import dev.winnow.runtime.Explanation.Panel;
import dev.winnow.runtime.Explanation.Piece;
import dev.winnow.runtime.Explanation.Scores;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Follows the live tokens of every picture through the maps of all events, back to patches, and those of the prompt into the cache. While
 * the model runs it only keeps references to books that are made anyway; where nothing is reduced there are none.
 */
final class ExplanationRecorder implements StackListener {
    /** An event told what it goes by. */
    private record Report(String name, float[] values) {}

    /**
     * An event has changed which tokens are alive.
     *
     * @param before books in front of it, null for those of an untouched tower
     * @param hidden of the tokens after it, those that nothing sees any more; null for none
     */
    private record Act(ReductionEvent event, Outcome outcome, TokenLedger before, TokenLedger after, boolean[] hidden,
                       List<Report> reports) {
        String title() {
            return event.method() + ", " + event.site();
        }
    }

    private final List<Piece> seen;
    private final int special;
    private final TokenLedger[] tower;
    private final Map<String, Act[]> vision = new LinkedHashMap<>();
    private final List<Act> language = new ArrayList<>();
    private final List<Report> reports = new ArrayList<>();
    private TokenLedger prompt;
    private int[] ids;
    private TokenLedger sequence;
    private boolean[] hidden;
    private int[] run;
    private CacheRecorder cache;
    private boolean touched;

    /**
     * @param pieces  of the pictures, with the patches that the tower sees
     * @param special tokens in front of the patches
     */
    ExplanationRecorder(List<Piece> pieces, int special) {
        this.seen = pieces;
        this.special = special;
        this.tower = new TokenLedger[pieces.size()];
    }

    /**
     * The language model starts with these tokens.
     *
     * @param textIds of the tokens that are text, in order
     * @param heads   key heads of its layers
     */
    void prompt(TokenLedger ledger, int[] textIds, int[] heads) {
        prompt = ledger;
        sequence = ledger;
        ids = textIds;
        cache = new CacheRecorder(heads);
    }

    @Override
    public void reported(ReductionEvent event, String name, float[] values, int[] shape) {
        if (!seen.isEmpty() && event.site().moment() != Site.Moment.CACHE) reports.add(new Report(name, values.clone()));
    }

    @Override
    public void ran(Stage stage, int layer, int count) {
        if (stage == Stage.VISION) return;
        cache.attended(layer, sequence, run);
        run = null;
    }

    @Override
    public void layer(Stage stage, int layer, Tokens tokens) {
        run = null;
    }

    @Override
    public void acted(ReductionEvent event, Outcome outcome, Tokens tokens, long nanos) {
        List<Report> told = List.copyOf(reports);
        reports.clear();
        if (event.site().stage() == Stage.VISION) vision(event, outcome, tokens.ledger(), told);
        else language(event, outcome, tokens.ledger(), told);
    }

    private void vision(ReductionEvent event, Outcome outcome, TokenLedger after, List<Report> told) {
        int piece = after.image(0);
        Act act = new Act(event, outcome, tower[piece], after, null, told);
        tower[piece] = after;
        if (changesTokens(outcome)) vision.computeIfAbsent(act.title(), t -> new Act[seen.size()])[piece] = act;
    }

    private void language(ReductionEvent event, Outcome outcome, TokenLedger after, List<Report> told) {
        touched |= !(outcome instanceof Outcome.Unchanged);
        Site.Moment moment = event.site().moment();
        if (moment == Site.Moment.CACHE || moment == Site.Moment.AFTER_ATTENTION) cache.attended(event.site().layer(), sequence, run);
        cache.acted(event, outcome, sequence);
        TokenLedger before = sequence;
        follow(outcome);
        sequence = after;
        if (moment != Site.Moment.CACHE && changesTokens(outcome)) language.add(new Act(event, outcome, before, after, hidden, told));
    }

    /** Which tokens are hidden, and which run the layer at hand, after an outcome. */
    private void follow(Outcome outcome) {
        switch (outcome) {
            case Outcome.All(List<Outcome> outcomes) -> outcomes.forEach(this::follow);
            case Outcome.Hide(boolean[] more) -> {
                boolean[] both = more.clone();
                for (int i = 0; hidden != null && i < both.length; i++) both[i] |= hidden[i];
                hidden = both;
            }
            case Outcome.Route r -> run = r.run();
            case Outcome.Reduce r -> {
                if (hidden != null) hidden = marked(r.map(), hidden);
                if (run == null) return;
                boolean[] runs = new boolean[r.map().sources()];
                for (int i : run) runs[i] = true;
                boolean[] still = marked(r.map(), runs);
                run = IntStream.range(0, still.length).filter(i -> still[i]).toArray();
            }
            default -> { }
        }
    }

    /** New tokens are as their anchors were. */
    private static boolean[] marked(TokenMap map, boolean[] marks) {
        boolean[] moved = new boolean[map.rows()];
        for (int i = 0; i < moved.length; i++) moved[i] = marks[map.anchor(i)];
        return moved;
    }

    private static boolean changesTokens(Outcome outcome) {
        return switch (outcome) {
            // some methods put tokens back in their order in the end
            case Outcome.Reduce r -> !isOrder(r.map());
            case Outcome.Hide h -> true;
            case Outcome.Route r -> true;
            case Outcome.All(List<Outcome> outcomes) -> outcomes.stream().anyMatch(ExplanationRecorder::changesTokens);
            default -> false;
        };
    }

    private static boolean isOrder(TokenMap map) {
        return map.rows() == map.sources() && IntStream.range(0, map.rows()).allMatch(i -> map.sourcesOf(i).length == 1)
                && Arrays.stream(map.owners()).allMatch(o -> o >= 0);
    }

    // ---- afterwards ----

    Explanation explanation() {
        if (seen.isEmpty() && !touched) return Explanation.NONE;
        Sources sources = new Sources();
        List<Panel> panels = new ArrayList<>();
        List<Alive> whole = IntStream.range(0, sources.pieces.size()).mapToObj(sources::input).toList();
        int all = prompt != null && seen.isEmpty() ? prompt.count() : whole.stream().mapToInt(Alive::tokens).sum();
        panels.add(new Panel("input", "", "", false, all, all, whole));
        visionPanels(panels, sources);
        if (!touched) return new Explanation(sources.pieces, panels, Explanation.Prompt.NONE, List.of(), pictureTokens());
        if (!sources.pieces.isEmpty()) packed(panels, sources);
        for (Act act : language) {
            panels.add(new Panel(act.event.method(), act.event.site().toString(), Deed.of(act.outcome, act.before.count()), false,
                    act.before.count(), act.after.count(), sources.languageAlive(act)));
        }
        List<Explanation.Layer> layers = cache.entries();
        if (!cache.methods().isEmpty()) panels.add(compacted(layers, sources));
        return new Explanation(sources.pieces, panels, sources.prompt(), layers, pictureTokens());
    }

    private int pictureTokens() {
        if (sequence != null) {
            return (int) IntStream.range(0, sequence.count())
                    .filter(t -> sequence.kind(t) == TokenKind.VISUAL && (hidden == null || !hidden[t])).count();
        }
        return IntStream.range(0, tower.length)
                .map(i -> tower[i] == null ? seen.get(i).grid().cells() : tower[i].ofKind(TokenKind.VISUAL).length).sum();
    }

    private void visionPanels(List<Panel> panels, Sources sources) {
        // a piece that an early event left alone is not heard of before a later one
        List<Act[]> ordered = new ArrayList<>(vision.values());
        Comparator<Act[]> bySite = Comparator.comparingInt((Act[] acts) -> any(acts).event.site().layer())
                .thenComparing(acts -> any(acts).event.site().moment());
        ordered.sort(bySite);
        for (Act[] acts : ordered) {
            List<Alive> last = panels.getLast().pieces();
            List<Alive> now = new ArrayList<>();
            int before = 0;
            int after = 0;
            for (int i = 0; i < acts.length; i++) {
                now.add(acts[i] == null ? last.get(i) : sources.towerAlive(i, acts[i]));
                // so many as the panel before has: tokens of a piece that an event left alone are still there
                before += last.get(i).tokens();
                after += now.getLast().tokens();
            }
            Act one = any(acts);
            panels.add(new Panel(one.event.method(), one.event.site().toString(), Deed.of(outcomes(acts), before), false, before, after,
                    now));
        }
    }

    private static Act any(Act[] acts) {
        return Arrays.stream(acts).filter(a -> a != null).findFirst().orElseThrow();
    }

    private static Outcome outcomes(Act[] acts) {
        return new Outcome.All(Arrays.stream(acts).filter(a -> a != null).map(Act::outcome).toList());
    }

    /** What the model itself leaves out on the way into the prompt, such as margins of pictures in pieces. */
    private void packed(List<Panel> panels, Sources sources) {
        List<Alive> last = panels.getLast().pieces();
        List<Alive> now = sources.alive(TokenMap.identity(prompt.count()), prompt.sizes(), null, List.of());
        int before = last.stream().mapToInt(ExplanationRecorder::patches).sum();
        int after = now.stream().mapToInt(ExplanationRecorder::patches).sum();
        if (before == after) return;
        panels.add(new Panel("model", "on the way into the prompt", "margins and overlaps of the pieces are left out", false, before, after,
                now));
    }

    private static int patches(Alive alive) {
        int n = 0;
        for (float s : alive.strength()) if (s > 0) n++;
        return n;
    }

    private Panel compacted(List<Explanation.Layer> layers, Sources sources) {
        boolean[] changed = cache.changed();
        float[] held = new float[prompt.count()];
        int heads = 0;
        for (int l = 0; l < changed.length; l++) {
            if (!changed[l]) continue;
            for (Explanation.Entries e : layers.get(l).heads()) {
                heads++;
                for (int token : e.kept()) held[token]++;
            }
        }
        for (int t = 0; t < held.length; t++) held[t] /= Math.max(1, heads);
        int left = (int) IntStream.range(0, held.length).filter(t -> held[t] > 0).count();
        return new Panel(cache.methods(), "share of layers and heads that keep an entry",
                "an entry of " + left + " of " + prompt.count() + " prompt tokens is kept somewhere", true, prompt.count(), left,
                sources.held(held));
    }

    /** Tokens back to patches. */
    private final class Sources {
        final List<Piece> pieces = new ArrayList<>();
        /** For each prompt token its place in the list of pieces, -1 for none. */
        final int[] piece;
        /** For each prompt token the patches it is made of. */
        final int[][] patches;

        Sources() {
            int n = prompt == null ? 0 : prompt.count();
            int[] place = new int[seen.size()];
            for (int i = 0; i < place.length; i++) {
                place[i] = pieces.size();
                if (!isPartOfLarger(i)) pieces.add(asPrompted(i));
            }
            piece = new int[n];
            patches = new int[n][];
            int[] next = new int[seen.size()];
            for (int t = 0; t < n; t++) {
                int image = prompt.kind(t) == TokenKind.VISUAL ? prompt.image(t) : -1;
                piece[t] = image < 0 ? -1 : place[image];
                if (image < 0) patches[t] = new int[0];
                else patches[t] = prompt.cell(t) >= 0 ? patchesAt(image, prompt.cell(t)) : patchesOfLoose(image, next[image]++);
            }
        }

        private Grid prompted(int i) {
            return prompt == null ? Grid.NONE : prompt.grid(i);
        }

        /** Whether the model has made one large picture of this piece and others, which goes by the number of the first of them. */
        private boolean isPartOfLarger(int i) {
            int larger = firstOf(i) + 1;
            return i > larger && isLarger(larger);
        }

        private int firstOf(int i) {
            return i > 0 && seen.get(i - 1).image() == seen.get(i).image() ? firstOf(i - 1) : i;
        }

        /** Behind the picture as a whole: its patches have been resampled, or no later piece has any left. */
        private boolean isLarger(int i) {
            int first = firstOf(i);
            boolean squares = !prompted(first).equals(seen.get(first).grid());
            if (i != first + 1 || squares || prompted(i).equals(Grid.NONE)) return false;
            boolean alone = i + 1 < seen.size() && firstOf(i + 1) == first && prompted(i + 1).equals(Grid.NONE);
            return alone || !prompted(i).equals(seen.get(i).grid());
        }

        /** Squares of patches may have become one token each, and several pieces one large picture. */
        private Piece asPrompted(int i) {
            Piece own = seen.get(i);
            if (prompted(i).equals(Grid.NONE)) return own;
            return new Piece(own.image(), prompted(i), isLarger(i) ? seen.get(firstOf(i)).region() : own.region());
        }

        private boolean joined(int i) {
            return !pieces.get(i).grid().equals(seen.get(i).grid());
        }

        TokenMap untouched(int i) {
            return TokenMap.identity(pieces.get(i).grid().cells() + (joined(i) ? 0 : special));
        }

        /** The patches of the token at a place in a piece. */
        private int[] patchesAt(int image, int cell) {
            // where squares of patches became one token, the piece is a grid of these
            boolean squares = !prompted(image).equals(Grid.NONE) && !prompted(image).equals(seen.get(image).grid());
            TokenLedger ledger = squares ? null : tower[image];
            for (int t = 0; ledger != null && t < ledger.count(); t++) {
                if (ledger.cell(t) == cell) return towerPatches(ledger.origin(), t);
            }
            return new int[] {cell};
        }

        /** The patches of a piece's n-th token without a place of its own, such as a class token or one made by a method. */
        private int[] patchesOfLoose(int image, int n) {
            TokenLedger ledger = tower[image];
            if (ledger == null) return new int[0];
            int[] loose = IntStream.range(0, ledger.count()).filter(t -> ledger.cell(t) < 0).toArray();
            int prompted = (int) IntStream.range(0, prompt.count()).filter(t -> prompt.image(t) == image && prompt.cell(t) < 0).count();
            if (prompted != loose.length) loose = Arrays.stream(loose).filter(t -> ledger.kind(t) == TokenKind.VISUAL).toArray();
            return n < loose.length ? towerPatches(ledger.origin(), loose[n]) : new int[0];
        }

        private int[] towerPatches(TokenMap origin, int token) {
            return Arrays.stream(origin.sourcesOf(token)).filter(s -> s >= special).map(s -> s - special).toArray();
        }

        Alive input(int i) {
            TokenMap all = untouched(i);
            int front = joined(i) ? 0 : special;
            List<int[]> groups = IntStream.range(0, all.rows()).mapToObj(t -> t < front ? new int[0] : new int[] {t - front}).toList();
            return new Alive(groups, Explanation.strengths(groups, pieces.get(i).grid().cells()));
        }

        Alive towerAlive(int i, Act act) {
            TokenMap before = act.before == null ? untouched(i) : act.before.origin();
            int[] visual = act.before == null ? IntStream.range(special, before.rows()).toArray() : act.before.ofKind(TokenKind.VISUAL);
            float[] scores = new float[pieces.get(i).grid().cells()];
            Arrays.fill(scores, Float.NaN);
            Report report = fitting(act.reports, before.rows(), visual);
            for (int t = 0; report != null && t < before.rows(); t++) for (int p : towerPatches(before, t)) scores[p] = report.values[t];
            TokenMap origin = act.after.origin();
            List<int[]> groups = IntStream.range(0, origin.rows()).mapToObj(t -> towerPatches(origin, t)).toList();
            return new Alive(groups, Explanation.strengths(groups, scores.length), act.after.sizes().clone(),
                    report == null ? Scores.NONE : new Scores(report.name, scores));
        }

        List<Alive> languageAlive(Act act) {
            return alive(act.after.origin(), act.after.sizes(), act.hidden, scores(act));
        }

        /** Live prompt tokens of each piece, traced through the prompt to the tower. */
        List<Alive> alive(TokenMap toPrompt, float[] sizes, boolean[] gone, List<Scores> scores) {
            List<List<int[]>> groups = lists();
            List<List<Float>> own = lists();
            for (int t = 0; t < toPrompt.rows(); t++) {
                int at = piece[toPrompt.anchor(t)];
                if (at < 0 || gone != null && gone[t]) continue;
                groups.get(at).add(patchesIn(toPrompt, t, at));
                own.get(at).add(sizes[t]);
            }
            List<Alive> alive = new ArrayList<>();
            for (int i = 0; i < pieces.size(); i++) {
                float[] counted = new float[own.get(i).size()];
                for (int t = 0; t < counted.length; t++) counted[t] = own.get(i).get(t);
                alive.add(new Alive(groups.get(i), Explanation.strengths(groups.get(i), pieces.get(i).grid().cells()), counted,
                        scores.isEmpty() ? Scores.NONE : scores.get(i)));
            }
            return alive;
        }

        private <T> List<List<T>> lists() {
            return IntStream.range(0, pieces.size()).<List<T>>mapToObj(i -> new ArrayList<>()).toList();
        }

        /** Patches of a piece that a token is made of. */
        private int[] patchesIn(TokenMap toPrompt, int token, int of) {
            return Arrays.stream(toPrompt.sourcesOf(token)).filter(s -> piece[s] == of).flatMap(s -> Arrays.stream(patches[s])).toArray();
        }

        private List<Scores> scores(Act act) {
            TokenMap before = act.before.origin();
            Report report = fitting(act.reports, before.rows(), act.before.ofKind(TokenKind.VISUAL));
            if (report == null) return List.of();
            List<float[]> values = pieces.stream().map(p -> new float[p.grid().cells()]).toList();
            values.forEach(v -> Arrays.fill(v, Float.NaN));
            for (int t = 0; t < before.rows(); t++) {
                int at = piece[before.anchor(t)];
                if (at >= 0) for (int p : patchesIn(before, t, at)) values.get(at)[p] = report.values[t];
            }
            return values.stream().map(v -> new Scores(report.name, v)).toList();
        }

        /** The last report that has a value for every token, or for every token of a picture, spread over all tokens; null for none. */
        private Report fitting(List<Report> told, int tokens, int[] visual) {
            for (int r = told.size() - 1; r >= 0; r--) {
                String name = told.get(r).name;
                float[] values = told.get(r).values;
                if (values.length == tokens) return told.get(r);
                // pictures may be scored one by one
                for (int first = r; first > 0 && values.length < visual.length && told.get(first - 1).name.equals(name); first--) {
                    float[] earlier = told.get(first - 1).values;
                    float[] both = Arrays.copyOf(earlier, earlier.length + values.length);
                    System.arraycopy(values, 0, both, earlier.length, values.length);
                    values = both;
                }
                if (values.length != visual.length || values.length == 0) continue;
                float[] spread = new float[tokens];
                Arrays.fill(spread, Float.NaN);
                for (int i = 0; i < visual.length; i++) spread[visual[i]] = values[i];
                return new Report(name, spread);
            }
            return null;
        }

        /** @param share of layers and heads that hold each prompt token */
        List<Alive> held(float[] share) {
            List<List<int[]>> groups = lists();
            List<float[]> strengths = pieces.stream().map(p -> new float[p.grid().cells()]).toList();
            for (int t = 0; t < share.length; t++) {
                if (piece[t] < 0 || share[t] == 0) continue;
                groups.get(piece[t]).add(patches[t]);
                float[] strength = strengths.get(piece[t]);
                for (int p : patches[t]) strength[p] = Math.max(strength[p], share[t]);
            }
            return IntStream.range(0, pieces.size()).mapToObj(i -> new Alive(groups.get(i), strengths.get(i))).toList();
        }

        Explanation.Prompt prompt() {
            int[] tokens = new int[piece.length];
            int next = 0;
            for (int t = 0; t < tokens.length; t++) tokens[t] = prompt.kind(t) == TokenKind.TEXT ? ids[next++] : -1;
            return new Explanation.Prompt(tokens, piece, List.of(patches));
        }
    }
}
