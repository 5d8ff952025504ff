package dev.winnow.reduction.methods.cache;

import dev.winnow.layers.KeyValues;
import dev.winnow.layers.Probe;
import dev.winnow.reduction.Observation;
import dev.winnow.reduction.Options;
import dev.winnow.reduction.Options.Option;
import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.primitives.GroupScore;
import dev.winnow.reduction.primitives.ScorePooling;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * SnapKV's judgement of cache entries: what the last queries of the prompt give each, on average, put together over the query heads
 * of a key head and smoothed along the sequence. The window of those queries itself always stays.
 *
 * @param window  queries that look
 * @param kernel  width of the smoothing
 * @param pooling how scores are smoothed
 * @param group   how query heads that share a key head are put together
 */
public record ObservationWindow(int window, int kernel, ScorePooling pooling, GroupScore group) {

    /** The options for it, with a family member's defaults. */
    static List<Option> options(int window, int kernel, String pooling, Option... more) {
        List<Option> options = new ArrayList<>(Arrays.asList(more));
        options.add(new Option("window", String.valueOf(window), "last queries of the prompt that judge, always kept", "window_size"));
        options.add(new Option("kernel", String.valueOf(kernel), "width of the pooling along the sequence", "kernel_size"));
        options.add(new Option("pooling", pooling, "avgpool or maxpool"));
        options.add(new Option("group", "mean", "how query heads of a key head count: mean, max or sum", "gqa_score_agg", "gqa_func"));
        return options;
    }

    /**
     * Reads the options. A window that was not asked for shrinks to half of a small budget.
     *
     * @throws PlanException for a budget smaller than the window that was asked for, and for an even kernel
     */
    static ObservationWindow of(Options o, EntryBudget budget) {
        int window = o.integer("window", 1, Integer.MAX_VALUE);
        int count = budget.budget().count();
        if (count >= 0 && count < window) {
            if (o.isGiven("window")) throw new PlanException(o.method() + ": keep " + count + " is smaller than the window of " + window);
            window = Math.max(1, count / 2);
        }
        int kernel = o.integer("kernel", 1, 1023);
        if (kernel % 2 == 0) throw new PlanException(o.method() + ": kernel should be odd but is " + kernel);
        ScorePooling pooling = o.word("pooling", "avgpool", "maxpool").equals("avgpool") ? ScorePooling.AVERAGE : ScorePooling.MAXIMUM;
        return new ObservationWindow(window, kernel, pooling, GroupScore.valueOf(o.word("group", "mean", "max", "sum").toUpperCase()));
    }

    Probe probe() {
        return Probe.lastRows(window);
    }

    /** Queries that looked: fewer than the window in a shorter prompt. */
    int looking(Observation o) {
        return Math.min(window, o.rowCount());
    }

    /** Scores per key head of the entries in front of the window: [kvHeads][entries - window]. */
    float[][] before(Observation o) {
        KeyValues kv = o.cache();
        int rows = o.rowCount();
        float[][] received = group.over(o.watched().received(), kv.heads());
        float[][] scores = new float[received.length][];
        for (int h = 0; h < scores.length; h++) {
            scores[h] = pooling.pool(received[h], Math.max(0, kv.length(h) - looking(o)), kernel);
            for (int i = 0; i < scores[h].length; i++) scores[h][i] /= rows;
        }
        return scores;
    }

    /** Scores per key head, the window's above all others. */
    float[][] scores(Observation o) {
        float[][] scores = before(o);
        for (int h = 0; h < scores.length; h++) scores[h] = Arrays.copyOf(scores[h], o.cache().length(h));
        CacheEviction.protectLast(scores, looking(o));
        return scores;
    }
}
