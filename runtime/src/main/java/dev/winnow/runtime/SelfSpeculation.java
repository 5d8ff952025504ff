package dev.winnow.runtime;

import dev.winnow.layers.KvCache;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.Drafting;
import dev.winnow.reduction.Schedule;
import dev.winnow.runtime.models.LanguageModel;

/**
 * Decoding that drafts some tokens with the model's first layers, runs the other layers over all of them in one pass, and hands out the
 * logits one by one as long as the tokens chosen from them are those that were drafted. What was drafted wrongly is taken back.
 */
final class SelfSpeculation {
    private final LanguageModel model;
    private final KvCache cache;
    private final Schedule schedule;
    private final Drafting drafting;
    private final Workspace workspace;
    private int[] drafts = {};
    /** Logits after the last token that was not drafted, then after each draft. */
    private float[] logits;
    private int accepted;
    private int allDrafted;
    private int allAccepted;

    SelfSpeculation(LanguageModel model, KvCache cache, Schedule schedule, Drafting drafting, Workspace workspace) {
        this.model = model;
        this.cache = cache;
        this.schedule = schedule;
        this.drafting = drafting;
        this.workspace = workspace;
    }

    /**
     * One more token of the sequence: logits [vocabulary] after it.
     *
     * @param most how many logits will be asked for at most, these included
     */
    float[] next(int id, int most) {
        if (accepted < drafts.length && drafts[accepted] == id) {
            accepted++;
            allAccepted++;
        } else {
            cache.rewind(drafts.length - accepted);
            speculate(id, Math.min(drafting.tokens(), most - 1));
        }
        int vocabulary = model.vocabulary();
        float[] row = new float[vocabulary];
        System.arraycopy(logits, accepted * vocabulary, row, 0, vocabulary);
        return row;
    }

    private void speculate(int id, int count) {
        int width = model.width();
        int depth = model.stack().layers();
        int position = cache.nextPosition();
        drafts = new int[count];
        float[] hidden = new float[(count + 1) * width];
        float[] token = new float[width];
        for (int i = 0; i <= count; i++) {
            model.embed(i == 0 ? id : drafts[i - 1], position + i, token);
            model.stack().extend(token, 1, position + i, 0, drafting.layers(), cache, schedule, workspace);
            System.arraycopy(token, 0, hidden, i * width, width);
            if (i < count) drafts[i] = highest(model.logits(model.finalNorm(token, 0, 1), 1, workspace));
        }
        model.stack().extend(hidden, count + 1, position, drafting.layers(), depth, cache, schedule, workspace);
        cache.advance(count + 1);
        logits = model.logits(model.finalNorm(hidden, 0, count + 1), count + 1, workspace);
        accepted = 0;
        allDrafted += count;
    }

    private static int highest(float[] values) {
        int best = 0;
        for (int i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
        return best;
    }

    int drafted() {
        return allDrafted;
    }

    int accepted() {
        return allAccepted;
    }
}
