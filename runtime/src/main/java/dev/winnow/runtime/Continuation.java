package dev.winnow.runtime;

import dev.winnow.layers.CompiledVocabulary.Highest;
import dev.winnow.layers.KvCache;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.Schedule;
import dev.winnow.runtime.models.LanguageModel;
import dev.winnow.runtime.sampling.TokenChooser;

/** What may come next in a sequence, token by token: all logits, or the highest alone where a device has them and they are enough. */
final class Continuation {
    private final LanguageModel model;
    private final KvCache cache;
    private final Schedule schedule;
    private final Workspace workspace;
    private final TokenChooser chooser;
    private final SelfSpeculation speculation;
    /** After the last token, unless there are the highest. */
    private float[] logits;
    private Highest highest;

    /** @param logits after the prompt */
    Continuation(LanguageModel model, KvCache cache, Schedule schedule, Workspace workspace, TokenChooser chooser, float[] logits) {
        this.model = model;
        this.cache = cache;
        this.schedule = schedule;
        this.workspace = workspace;
        this.chooser = chooser;
        this.logits = logits;
        this.speculation = schedule.drafting().map(d -> new SelfSpeculation(model, cache, schedule, d, workspace)).orElse(null);
    }

    /** The next token's id. */
    int choose(int[] history, int length) {
        return highest == null ? chooser.next(logits, history, length) : chooser.among(highest.ids(), highest.values());
    }

    /**
     * Goes on behind a token.
     *
     * @param most how many tokens will be chosen at most from here on
     */
    void follow(int id, int most) {
        if (speculation != null) {
            logits = speculation.next(id, most);
            return;
        }
        highest = model.stepHighest(id, chooser.enough(), cache, schedule, workspace).orElse(null);
        if (highest == null) logits = model.step(id, cache, schedule, workspace);
    }

    int drafted() {
        return speculation == null ? 0 : speculation.drafted();
    }

    int accepted() {
        return speculation == null ? 0 : speculation.accepted();
    }
}
