package dev.winnow.reduction;

import dev.winnow.reduction.primitives.AttentionScores;
import dev.winnow.reduction.primitives.TopK;
import dev.winnow.reduction.primitives.VisualScope;

/**
 * Rows of an attention map as an event sees them. They may be on a device, which then averages and ranks them: only who asks for
 * {@link #values} brings them home. Ranks are the same in either place, equal scores by rising place.
 */
public interface AttentionRows {
    int heads();

    /** Rows of a head. */
    int count();

    int columns();

    /** The probabilities: [heads, count, columns]. */
    float[] values();

    /** What some columns receive from one row, mean over heads: [columns.length]. */
    default float[] headMean(int row, int[] columns) {
        return VisualScope.pick(AttentionScores.headMean(values(), heads(), count(), row, columns()), columns);
    }

    /** Places among some columns of the k that receive most from one row, mean over heads; all if there are fewer. Highest first. */
    default int[] highest(int row, int[] columns, int k) {
        return TopK.highest(headMean(row, columns), k);
    }

    /** What each column receives from all rows of a head: [heads][columns]. */
    default float[][] received() {
        return AttentionScores.received(values(), heads(), heads(), count(), columns());
    }

    /** Rows that are at hand. */
    static AttentionRows of(float[] values, int heads, int count) {
        return new AtHand(values, heads, count);
    }

    /** @param values [heads, count, columns] */
    record AtHand(float[] values, int heads, int count) implements AttentionRows {
        @Override
        public int columns() {
            return values.length / (heads * count);
        }
    }
}
