package dev.winnow.reduction.primitives;

import dev.winnow.layers.Probe;
import dev.winnow.reduction.Observation;
import dev.winnow.reduction.TokenLedger;
import java.util.stream.IntStream;

/** Attention rows turned into one score per token. Rows are [heads, rows, columns] throughout. */
public final class AttentionScores {
    private AttentionScores() {}

    /** Mean over heads of one row: [columns]. */
    public static float[] headMean(float[] rows, int heads, int rowCount, int row, int columns) {
        float[] mean = new float[columns];
        for (int h = 0; h < heads; h++) {
            int at = (h * rowCount + row) * columns;
            for (int j = 0; j < columns; j++) mean[j] += rows[at + j];
        }
        for (int j = 0; j < columns; j++) mean[j] /= heads;
        return mean;
    }

    /** What every live token receives from the first of the rows that were watched, mean over heads: [tokens]. */
    public static float[] watchedRow(Observation o) {
        return o.watched().headMean(0, all(o));
    }

    /** What every live token would receive from the row or the sum of rows of a probe in the coming layer, mean over heads: [tokens]. */
    public static float[] ahead(Observation o, Probe probe) {
        return o.ahead(probe).headMean(0, all(o));
    }

    private static int[] all(Observation o) {
        return IntStream.range(0, o.tokens().count()).toArray();
    }

    /**
     * What each column receives from all rows, per key head: the sum over rows, then the mean over the query heads that share the key
     * head.
     *
     * @return [kvHeads][columns]
     */
    public static float[][] received(float[] rows, int heads, int kvHeads, int rowCount, int columns) {
        int group = heads / kvHeads;
        float[][] sums = new float[kvHeads][columns];
        for (int h = 0; h < heads; h++) {
            float[] sum = sums[h / group];
            for (int r = 0; r < rowCount; r++) {
                int at = (h * rowCount + r) * columns;
                for (int j = 0; j < columns; j++) sum[j] += rows[at + j];
            }
        }
        for (float[] sum : sums) {
            for (int j = 0; j < columns; j++) sum[j] /= group;
        }
        return sums;
    }

    /**
     * What each live token would receive in the coming layer, mean over heads and queries.
     *
     * @param weighingSizes whether the layer will weigh merged tokens by their sizes
     */
    public static float[] receivedAhead(Observation o, boolean weighingSizes) {
        TokenLedger ledger = o.tokens().ledger();
        int n = ledger.count();
        boolean weigh = weighingSizes && ledger.merged();
        return mean(o.attentionAhead(weigh ? Probe.ALL_ROWS : Probe.RECEIVED, true), n, o.heads(), weigh ? ledger.sizes() : null);
    }

    /** What each live token received in the layer watched with {@link Probe#RECEIVED}, mean over heads and queries. */
    public static float[] receivedMean(Observation o) {
        return mean(o.rows(), o.tokens().count(), o.heads(), null);
    }

    /**
     * The sum of rows of n columns over heads and n queries.
     *
     * @param sizes to be weighed yet, or null: adding log(size) to logits is multiplying probabilities by sizes and normalising again
     */
    private static float[] mean(float[] rows, int n, int heads, float[] sizes) {
        float[] mean = new float[n];
        for (int at = 0; at < rows.length; at += n) {
            float sum = 0;
            for (int j = 0; sizes != null && j < n; j++) sum += rows[at + j] * sizes[j];
            for (int j = 0; j < n; j++) mean[j] += sizes == null ? rows[at + j] : rows[at + j] * sizes[j] / sum;
        }
        for (int j = 0; j < n; j++) mean[j] /= heads * n;
        return mean;
    }
}
