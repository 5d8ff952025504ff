package dev.winnow.reduction;

import dev.winnow.layers.CompiledLayer;
import java.util.Arrays;

/** Rows that a layer observed, and may have let stay where it runs. */
final class ObservedRows implements AttentionRows {
    private final CompiledLayer where;
    private final int heads;
    private final int count;
    private final int slots;
    private final int columns;
    /** As the layer returned them: [heads, count, slots]. */
    private float[] observed;
    private float[] values;

    /** @param columns the last of the slots, which are those of the tokens that just arrived, or all of them */
    ObservedRows(CompiledLayer where, float[] observed, int heads, int count, int slots, int columns) {
        this.where = where;
        this.observed = observed;
        this.heads = heads;
        this.count = count;
        this.slots = slots;
        this.columns = columns;
    }

    @Override
    public int heads() {
        return heads;
    }

    @Override
    public int count() {
        return count;
    }

    @Override
    public int columns() {
        return columns;
    }

    @Override
    public float[] values() {
        if (values != null) return values;
        where.home(observed, heads * count);
        values = observed;
        if (slots > columns) {
            values = new float[heads * count * columns];
            for (int r = 0; r < heads * count; r++) System.arraycopy(observed, (r + 1) * slots - columns, values, r * columns, columns);
        }
        observed = null;
        return values;
    }

    @Override
    public float[] headMean(int row, int[] chosen) {
        float[] mean = observed == null ? null : where.headMean(observed, row, slots(chosen));
        return mean == null ? AttentionRows.super.headMean(row, chosen) : mean;
    }

    @Override
    public int[] highest(int row, int[] chosen, int k) {
        int[] highest = observed == null ? null : where.highest(observed, row, slots(chosen), Math.min(k, chosen.length));
        return highest == null ? AttentionRows.super.highest(row, chosen, k) : highest;
    }

    @Override
    public float[][] received() {
        float[] sums = observed == null ? null : where.received(observed);
        if (sums == null) return AttentionRows.super.received();
        float[][] received = new float[heads][];
        Arrays.setAll(received, h -> Arrays.copyOfRange(sums, (h + 1) * slots - columns, (h + 1) * slots));
        return received;
    }

    private int[] slots(int[] chosen) {
        return slots == columns ? chosen : Arrays.stream(chosen).map(c -> c + slots - columns).toArray();
    }

    /** Nobody will ask for more. */
    void forget() {
        if (observed != null) where.forget(observed);
        observed = null;
    }
}
