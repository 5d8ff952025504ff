package dev.winnow.reduction;

import dev.winnow.layers.Activation;
import dev.winnow.layers.CompiledLayer;
import dev.winnow.layers.Linear;
import java.util.Arrays;
import java.util.stream.IntStream;

/** The unit that flows through a stack: hidden states [count, width] and their ledger. */
public final class Tokens {
    private final int width;
    private float[] hidden;
    private float[] spare = {};
    private TokenLedger ledger;
    /** Which layer let the states stay elsewhere, or null. */
    private CompiledLayer where;

    /** @param hidden at least [ledger.count(), width]; owned from now on */
    public Tokens(float[] hidden, int width, TokenLedger ledger) {
        if (hidden.length < ledger.count() * width) throw new IllegalArgumentException("fewer hidden states than tokens");
        this.hidden = hidden;
        this.width = width;
        this.ledger = ledger;
    }

    public int count() {
        return ledger.count();
    }

    public int width() {
        return width;
    }

    /** Hidden states for reading, row-major; rows beyond {@link #count} are undefined. */
    public float[] hidden() {
        if (where != null) where.look(hidden, 0, count());
        return hidden;
    }

    /** The hidden states of the last token alone, [width], in a new array. */
    public float[] last() {
        int last = count() - 1;
        if (where != null) where.look(hidden, last, last + 1);
        return Arrays.copyOfRange(hidden, last * width, (last + 1) * width);
    }

    /** Says that nobody will look at the hidden states again. */
    public void forget() {
        if (where != null) where.forget(hidden);
        where = null;
    }

    /** Hidden states to write. */
    float[] writable() {
        if (where != null) {
            where.home(hidden, count());
            where = null;
        }
        return hidden;
    }

    /** Some of the tokens by themselves, where a layer has them all; null where none has. */
    float[] part(int[] chosen) {
        if (where == null) return null;
        float[] y = new float[chosen.length * width];
        return where.part(hidden, count(), chosen, y) ? y : null;
    }

    /** Puts tokens back that were parted; whether that was done. */
    boolean join(int[] chosen, float[] factor, float[] y) {
        return where.join(hidden, count(), chosen, factor, y);
    }

    /** Multiplies the states of each token by a factor. */
    void scale(float[] factors) {
        int[] places = IntStream.rangeClosed(0, count()).toArray();
        if (where != null) {
            float[] scaled = spare(count());
            if (where.combine(hidden, count(), places, Arrays.copyOf(places, count()), factors, scaled)) {
                swap();
                return;
            }
        }
        float[] x = writable();
        for (int i = 0; i < count() * width; i++) x[i] *= factors[i / width];
    }

    /** {@code f(W x + b)} of all tokens where a layer has them, [count, map.out()]; null where none has. */
    float[] product(Linear map, Activation f) {
        return where == null ? null : where.product(map, f, hidden, count());
    }

    /** The array of the states, whatever it holds: for a layer that finds them where they are. */
    float[] array() {
        return hidden;
    }

    /** Lets the states stay where a layer has them, until someone looks at them. */
    void stay(CompiledLayer layer) {
        where = layer;
    }

    public TokenLedger ledger() {
        return ledger;
    }

    /** Gives the tokens a note; nothing else changes. */
    public void annotate(String name, TokenLedger.Note note) {
        ledger = ledger.with(name, note);
    }

    /** Replaces the tokens by what the map makes of them. */
    public void reduce(TokenMap map, TokenLedger after) {
        if (!map.isIdentity()) {
            float[] reduced = spare(map.rows());
            if (where == null || !map.apply(where, hidden, reduced)) map.apply(writable(), width, reduced);
            swap();
        }
        ledger = after;
    }

    private float[] spare(int rows) {
        if (spare.length < rows * width) spare = new float[rows * width];
        return spare;
    }

    private void swap() {
        float[] swapped = hidden;
        hidden = spare;
        spare = swapped;
    }
}
