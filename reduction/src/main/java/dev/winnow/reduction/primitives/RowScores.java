package dev.winnow.reduction.primitives;

import dev.winnow.layers.Probe;
import dev.winnow.reduction.AttentionRows;
import dev.winnow.reduction.Observation;
import java.util.Arrays;

/**
 * What some tokens receive from one row of attention, mean over heads: their scores, which stay where the row is when they are ranked
 * there.
 *
 * @param rows   one of which it is
 * @param tokens columns of it
 */
public record RowScores(AttentionRows rows, int row, int[] tokens) {
    /** By the first of the rows that were watched. */
    public static RowScores watched(Observation o, int[] tokens) {
        return new RowScores(o.watched(), 0, tokens);
    }

    /** By the row, or the sum of rows, of a probe in the coming layer. */
    public static RowScores ahead(Observation o, Probe probe, int[] tokens) {
        return new RowScores(o.ahead(probe), 0, tokens);
    }

    /** One for each of the tokens. */
    public float[] values() {
        return rows.headMean(row, tokens);
    }

    /** Places among the tokens of the k highest, highest first, equal ones by rising place. */
    public int[] highest(int k) {
        return rows.highest(row, tokens, k);
    }

    /** The same in ascending order. */
    public int[] highestInOrder(int k) {
        int[] top = highest(k);
        Arrays.sort(top);
        return top;
    }
}
