package dev.winnow.reduction.methods.projector;

import static dev.winnow.reduction.Features.gaussian;

import dev.winnow.layers.Attention;
import dev.winnow.layers.CompiledLayer.Projection;
import dev.winnow.layers.KeyValues;
import dev.winnow.layers.Probe;
import dev.winnow.layers.Work;
import dev.winnow.reduction.Grid;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.Observation;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.ReductionMethod;
import dev.winnow.reduction.Site;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.TokenMap;
import dev.winnow.reduction.Tokens;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.UnaryOperator;

/** Tokens in front of a language model, or behind a tower, and what methods do with them there. */
final class Prompt implements Observation {
    static final ModelShape SHAPE = new ModelShape(Optional.of(new ModelShape.Vision(3, 2, true, 36)), 4);

    final Map<String, float[]> reported = new HashMap<>();
    private final UnaryOperator<float[]> beyond;
    private final Work work = new Work();
    private Tokens tokens;

    private Prompt(Tokens tokens, UnaryOperator<float[]> beyond) {
        this.tokens = tokens;
        this.beyond = beyond;
    }

    /** Random tokens: text, square pictures with a separator after each, text. */
    static Prompt random(long seed, int width, int before, int after, int... images) {
        int n = before + Arrays.stream(images).map(i -> i + 1).sum() + after;
        TokenKind[] kinds = new TokenKind[n];
        int[] imageOf = new int[n];
        int[] cells = new int[n];
        Arrays.fill(kinds, TokenKind.TEXT);
        Arrays.fill(imageOf, -1);
        Arrays.fill(cells, -1);
        int at = before;
        for (int i = 0; i < images.length; i++) {
            for (int c = 0; c < images[i]; c++) {
                kinds[at] = TokenKind.VISUAL;
                imageOf[at] = i;
                cells[at++] = c;
            }
            kinds[at++] = TokenKind.NEWLINE;
        }
        int[] positions = new int[n];
        Arrays.setAll(positions, i -> i);
        List<Grid> grids = Arrays.stream(images).mapToObj(Grid::square).toList();
        return new Prompt(new Tokens(gaussian(seed, n * width), width, TokenLedger.of(positions, kinds, imageOf, cells, grids)), null);
    }

    /** A class token and patches behind a tower, with a projector. */
    static Prompt behindTower(float[] hidden, int width, UnaryOperator<float[]> projector) {
        return new Prompt(new Tokens(hidden, width, TokenLedger.patches(hidden.length / width - 1, true, 0)), projector);
    }

    /** Sets the hidden state of a token. */
    Prompt set(int token, float... state) {
        System.arraycopy(state, 0, tokens.hidden(), token * tokens.width(), state.length);
        return this;
    }

    float[] state(int token) {
        return Arrays.copyOfRange(tokens.hidden(), token * tokens.width(), (token + 1) * tokens.width());
    }

    Prompt note(String name, int width, float[] values) {
        tokens.reduce(TokenMap.identity(tokens.count()), tokens.ledger().with(name, new TokenLedger.Note(width, values)));
        return this;
    }

    /** What a method decides here, done. */
    Outcome act(ReductionMethod method) {
        Outcome last = Outcome.UNCHANGED;
        for (ReductionEvent e : method.events(SHAPE)) {
            boolean prompt = e.site().equals(new Site(Stage.LANGUAGE, Site.Moment.BEFORE_LAYER, 0));
            if (prompt == (beyond != null) || !prompt && e.site().stage() == Stage.LANGUAGE) continue;
            last = e.decide().apply(this);
            if (last instanceof Outcome.Reduce r) tokens.reduce(r.map(), tokens.ledger().after(r.map(), r.positions()));
        }
        return last;
    }

    /** The original tokens whose places are left. */
    int[] kept() {
        int[] kept = new int[tokens.count()];
        Arrays.setAll(kept, tokens.ledger().origin()::anchor);
        return kept;
    }

    @Override
    public Tokens tokens() {
        return tokens;
    }

    @Override
    public float[] normedAhead() {
        throw new UnsupportedOperationException();
    }

    @Override
    public Attention attention() {
        throw new UnsupportedOperationException();
    }

    @Override
    public int step() {
        return 0;
    }

    @Override
    public float[] queries() {
        throw new UnsupportedOperationException();
    }

    @Override
    public Work work() {
        return work;
    }

    @Override
    public float[] beyond(float[] hidden, int n) {
        return beyond.apply(hidden);
    }

    @Override
    public void report(String name, float[] values, int... shape) {
        reported.put(name, values);
    }

    @Override
    public float[] rows() {
        throw new UnsupportedOperationException();
    }

    @Override
    public int rowCount() {
        throw new UnsupportedOperationException();
    }

    @Override
    public float[] meanKeys() {
        throw new UnsupportedOperationException();
    }

    @Override
    public float[] keys() {
        throw new UnsupportedOperationException();
    }

    @Override
    public float[] values() {
        throw new UnsupportedOperationException();
    }

    @Override
    public KeyValues cache() {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean hasAhead() {
        return true;
    }

    @Override
    public float[] attentionAhead(Probe probe, boolean rotated) {
        throw new UnsupportedOperationException();
    }

    @Override
    public float[] projectionAhead(Projection projection, boolean rotated) {
        throw new UnsupportedOperationException();
    }

    @Override
    public float[] neurons(int first, int count) {
        throw new UnsupportedOperationException();
    }
}
