package dev.winnow.reduction;

import dev.winnow.layers.CompiledLayer;
import dev.winnow.layers.KeyValues;
import java.util.Arrays;
import java.util.function.BiFunction;

/** Attention of one layer as one event asked for it. */
final class Watched {
    final int heads;
    final KeyValues kv;
    /** Whether keys and values were asked for; only then are they worth taking out of a cache that changes. */
    private final boolean keyed;
    int columns;
    /** Null for none. */
    AttentionRows rows;
    /** Whether columns of the rows are the slots of the cache, not only the tokens that just arrived. */
    boolean bySlot;
    final float[] queries;
    private float[] keys;
    private float[] values;
    private float[] meanKeys;

    Watched(int heads, KeyValues kv, int columns, boolean keyed, float[] queries) {
        this.keyed = keyed;
        this.queries = queries;
        this.heads = heads;
        this.kv = kv;
        this.columns = columns;
    }

    /**
     * Takes [heads, count, kv.length()]; unless all slots are wanted, only the columns of the tokens that just arrived.
     *
     * @param layer which may have let them stay where it runs
     */
    void observe(CompiledLayer layer, float[] all, int count, boolean allSlots) {
        bySlot = allSlots;
        rows = new ObservedRows(layer, all, heads, count, kv.length(), allSlots ? kv.length() : columns);
    }

    /** Nobody will ask for the rows any more. */
    void forget() {
        if (rows instanceof ObservedRows o) o.forget();
    }

    /** Rows that others follow from. */
    private void rows(float[] values) {
        rows = AttentionRows.of(values, heads, rows.count());
    }

    float[] keys() {
        requireKeyed();
        if (keys == null) keys = byToken(kv.keys());
        return keys;
    }

    float[] values() {
        requireKeyed();
        if (values == null) values = byToken(kv.values());
        return values;
    }

    private void requireKeyed() {
        if (!keyed) throw new IllegalStateException("an event reads keys or values that it did not ask for");
    }

    /** The entries of the tokens that just arrived, [columns, heads * dim]. */
    private float[] byToken(float[] entries) {
        int dim = kv.headDim();
        float[] rows = new float[columns * kv.heads() * dim];
        for (int h = 0; h < kv.heads(); h++) {
            int from = kv.offset(h) + (kv.length(h) - columns) * dim;
            for (int i = 0; i < columns; i++) System.arraycopy(entries, from + i * dim, rows, (i * kv.heads() + h) * dim, dim);
        }
        return rows;
    }

    /** See {@link Observation#partners}; keys that were taken out of the cache are matched by the host. */
    boolean partners(boolean[] guarded, int[] partner, float[] similarity) {
        requireKeyed();
        return keys == null && meanKeys == null && kv.partners(columns, guarded, partner, similarity);
    }

    float[] meanKeys() {
        requireKeyed();
        if (meanKeys != null) return meanKeys;
        int dim = kv.headDim();
        meanKeys = new float[columns * dim];
        if (keys == null) {
            for (int h = 0; h < kv.heads(); h++) {
                int from = kv.offset(h) + (kv.length(h) - columns) * dim;
                for (int i = 0; i < meanKeys.length; i++) meanKeys[i] += kv.keys()[from + i];
            }
        } else {
            for (int i = 0; i < keys.length; i++) meanKeys[i / (kv.heads() * dim) * dim + i % dim] += keys[i];
        }
        for (int i = 0; i < meanKeys.length; i++) meanKeys[i] /= kv.heads();
        return meanKeys;
    }

    /**
     * Rows of cache events follow the slots of a cache that has changed.
     *
     * @param moved for a key head and a row over its old slots the row over its new ones
     */
    void followCache(BiFunction<Integer, float[], float[]> moved) {
        if (rows == null || !bySlot) return;
        int before = rows.columns();
        int after = kv.length();
        float[] values = rows.values();
        float[] followed = new float[heads * rows.count() * after];
        for (int r = 0; r < heads * rows.count(); r++) {
            int head = r / rows.count() / (heads / kv.heads());
            float[] row = moved.apply(head, Arrays.copyOfRange(values, r * before, (r + 1) * before));
            System.arraycopy(row, 0, followed, r * after, row.length);
        }
        rows(followed);
    }

    /** Takes what may be asked for later out of a cache that is about to change. */
    void settle() {
        if (!keyed) return;
        keys();
        values();
    }

    void follow(TokenMap map) {
        settle();
        if (rows != null && map.sources() == columns) {
            float[] values = rows.values();
            float[] moved = new float[heads * rows.count() * map.rows()];
            for (int r = 0; r < heads * rows.count(); r++) {
                System.arraycopy(map.total(values, r * columns), 0, moved, r * map.rows(), map.rows());
            }
            rows(moved);
        }
        columns = map.rows();
        if (!keyed) return;
        int width = kv.heads() * kv.headDim();
        float[] movedKeys = new float[columns * width];
        float[] movedValues = new float[movedKeys.length];
        map.apply(keys, width, movedKeys);
        map.apply(values, width, movedValues);
        keys = movedKeys;
        values = movedValues;
        meanKeys = null;
    }

    /** Tokens that did not run the layer received nothing and have zeros for keys. */
    void spread(int[] run, int count) {
        settle();
        if (rows != null && rows.columns() == columns) {
            float[] values = rows.values();
            float[] wide = new float[heads * rows.count() * count];
            for (int r = 0; r < heads * rows.count(); r++) {
                for (int i = 0; i < columns; i++) wide[r * count + run[i]] = values[r * columns + i];
            }
            rows(wide);
        }
        columns = count;
        if (!keyed) return;
        int width = kv.heads() * kv.headDim();
        float[] wideKeys = new float[count * width];
        float[] wideValues = new float[count * width];
        for (int i = 0; i < run.length; i++) {
            System.arraycopy(keys, i * width, wideKeys, run[i] * width, width);
            System.arraycopy(values, i * width, wideValues, run[i] * width, width);
        }
        keys = wideKeys;
        values = wideValues;
    }
}
