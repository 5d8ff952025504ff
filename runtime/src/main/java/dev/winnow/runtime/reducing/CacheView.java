package dev.winnow.runtime.reducing;

import dev.winnow.layers.Work;
import dev.winnow.layers.Attention;
import dev.winnow.layers.CompiledLayer.Projection;
import dev.winnow.layers.KeyValues;
import dev.winnow.layers.Probe;
import dev.winnow.reduction.Observation;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.Tokens;

/**
 * What a cache method sees of tensors without a model: a cache, and rows of attention over it.
 *
 * @param rows     [heads, rowCount, cache.length()]
 * @param step     0 for the prompt
 * @param arrived  tokens that came last
 */
record CacheView(KeyValues cache, float[] rows, int heads, int rowCount, int step, int arrived) implements Observation {

    @Override
    public Tokens tokens() {
        int newest = cache.positions(0)[cache.length(0) - 1];
        return new Tokens(new float[0], 0, TokenLedger.uniform(arrived, newest - arrived + 1, TokenKind.TEXT));
    }

    private static IllegalStateException modelless(String what) {
        return new IllegalStateException("tensors alone have no " + what);
    }

    @Override
    public Attention attention() {
        throw modelless("attention layer");
    }

    @Override
    public float[] queries() {
        throw modelless("queries before rotation");
    }

    @Override
    public float[] meanKeys() {
        throw modelless("live tokens");
    }

    @Override
    public float[] keys() {
        throw modelless("live tokens");
    }

    @Override
    public float[] values() {
        throw modelless("live tokens");
    }

    @Override
    public boolean hasAhead() {
        return false;
    }

    @Override
    public float[] attentionAhead(Probe probe, boolean rotated) {
        throw modelless("layer ahead");
    }

    @Override
    public float[] projectionAhead(Projection projection, boolean rotated) {
        throw modelless("layer ahead");
    }

    @Override
    public float[] neurons(int first, int count) {
        throw modelless("neurons");
    }

    @Override
    public float[] normedAhead() {
        throw modelless("layer ahead");
    }

    @Override
    public Work work() {
        throw modelless("pass");
    }

    @Override
    public float[] beyond(float[] hidden, int n) {
        throw modelless("stack");
    }

    @Override
    public void report(String name, float[] values, int... shape) {}
}
