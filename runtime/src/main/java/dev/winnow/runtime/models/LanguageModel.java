package dev.winnow.runtime.models;

import dev.winnow.layers.Backend;
import dev.winnow.layers.CompiledVocabulary;
import dev.winnow.layers.CompiledVocabulary.Highest;
import dev.winnow.layers.KvCache;
import dev.winnow.layers.Norm;
import dev.winnow.layers.RopeScaling;
import dev.winnow.layers.TransformerLayer;
import dev.winnow.layers.Workspace;
import dev.winnow.reduction.LearnedParts;
import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.ReductionMethod;
import dev.winnow.reduction.Schedule;
import dev.winnow.reduction.Sight;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.StackRunner;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.Tokens;
import dev.winnow.runtime.RequestException;
import java.util.List;
import java.util.Optional;

/**
 * A decoder: embeddings, blocks, final norm and vocabulary projection. The families that differ in names and layers build one.
 *
 * @param family  the Hugging Face {@code model_type}
 * @param context longest sequence the model was made for
 * @param deviceVocabulary embedding and head where a device runs them beside the layers, or null
 * @param learned what the checkpoint has for reduction methods
 */
public record LanguageModel(String family, Backend backend, Embedding embedding, StackRunner stack, Norm finalNorm, Head head,
                            CompiledVocabulary deviceVocabulary, int context, LearnedParts learned) implements Model {
    /** Beyond so many contexts, dynamic scaling makes no sense of positions any more. */
    private static final int STRETCH = 16;

    /**
     * Makes layers ready to run, with all that goes around them.
     *
     * @param model where methods look for learned parts
     */
    static LanguageModel of(String family, Embedding embedding, List<TransformerLayer> layers, Norm finalNorm, Head head, int context,
                            WeightScope model, Backend backend) {
        int width = embedding.words().dim(1);
        StackRunner stack = new StackRunner(Stage.LANGUAGE, layers.stream().map(backend::compile).toList())
                .before((hidden, n, workspace) -> {
                    float[] normed = new float[n * width];
                    backend.normalise(finalNorm, hidden, n, width, normed);
                    return normed;
                });
        CompiledVocabulary onDevice = backend.compile(head.vocabulary(embedding, finalNorm)).orElse(null);
        return new LanguageModel(family, backend, embedding, stack, finalNorm, head, onDevice, context,
                new LearnedParts(backend, stack.descriptions(), model::find));
    }

    /** The same model, the tokens of whose prompts see each other in another way. */
    LanguageModel seeing(Sight sight) {
        return new LanguageModel(family, backend, embedding, stack.seeing(sight), finalNorm, head, deviceVocabulary, context, learned);
    }

    /** The same model, with a method that its checkpoint was trained with. */
    LanguageModel trainedWith(ReductionMethod method) {
        return new LanguageModel(family, backend, embedding, stack, finalNorm, head, deviceVocabulary, context,
                new LearnedParts(learned.backend(), learned.layers(), learned.lookup(), List.of(method)));
    }

    @Override
    public ModelShape shape() {
        return new ModelShape(Optional.empty(), stack.layers(), learned);
    }

    public int width() {
        return embedding.words().dim(1);
    }

    public int vocabulary() {
        return embedding.words().dim(0);
    }

    /** A text that begins a sequence: its tokens, embedded. */
    public Tokens embed(int[] ids) {
        Tokens tokens = new Tokens(new float[ids.length * width()], width(), TokenLedger.uniform(ids.length, 0, TokenKind.TEXT));
        embed(ids, tokens.hidden(), 0);
        return tokens;
    }

    /** Embeddings of ids into rows of target, from row on; rows are positions of the sequence. */
    public void embed(int[] ids, float[] target, int row) {
        embedding.lookUp(ids, row, target, row);
    }

    /**
     * Tokens that a sequence may have: the context, or well beyond it where positions are scaled by the length of the sequence, which is
     * there to go beyond.
     */
    public int longest() {
        boolean stretches = stack.descriptions().stream().map(l -> l.attention().rotary())
                .anyMatch(r -> r != null && r.scaling() instanceof RopeScaling.Dynamic);
        return stretches ? (int) Math.min(Integer.MAX_VALUE, (long) STRETCH * context) : context;
    }

    /** @throws RequestException when a prompt of so many tokens leaves no room for so many new ones */
    public void requireRoom(int promptTokens, int newTokens) {
        if (promptTokens <= longest() - newTokens) return;
        throw new RequestException("the prompt has " + promptTokens + " tokens, but the model's context is " + context);
    }

    public KvCache newCache(int room) {
        return new KvCache(stack.descriptions(), room);
    }

    /** The final norm of rows of hidden states, in a new array. */
    public float[] finalNorm(float[] hidden, int firstRow, int rows) {
        float[] normed = new float[rows * width()];
        System.arraycopy(hidden, firstRow * width(), normed, 0, normed.length);
        backend.normalise(finalNorm, normed, rows, width(), normed);
        return normed;
    }

    /** Logits [rows, vocabulary] of normed hidden states. */
    public float[] logits(float[] normed, int rows, Workspace workspace) {
        float[] logits = new float[rows * vocabulary()];
        head.logits(backend, normed, rows, logits, workspace.work());
        return logits;
    }

    /**
     * Runs a prompt through all blocks, reducing as scheduled; of the last block, only what the last token needs. The prompt's states are
     * not to be looked at any more.
     *
     * @return logits [vocabulary] after the last token
     */
    public float[] prefill(Tokens prompt, KvCache cache, Schedule schedule, Workspace workspace, StackListener listener) {
        stack.prompt(prompt, cache, schedule, workspace, listener);
        float[] last = prompt.last();
        prompt.forget();
        return logits(finalNorm(last, 0, 1), 1, workspace);
    }

    /** Embeds one word of a sequence as the first row of target. */
    public void embed(int id, int position, float[] target) {
        embedding.lookUp(id, position, target, 0);
    }

    /** One more token of a sequence: logits [vocabulary] after it, in an array that the workspace keeps for the next step. */
    public float[] step(int id, KvCache cache, Schedule schedule, Workspace workspace) {
        float[] hidden = workspace.exactly(Workspace.Slot.STEP, width());
        embed(id, cache.nextPosition(), hidden);
        hidden = stack.step(hidden, cache, schedule, workspace);
        backend.normalise(finalNorm, hidden, 1, width(), hidden);
        float[] logits = workspace.exactly(Workspace.Slot.LOGITS, vocabulary());
        head.logits(backend, hidden, 1, logits, workspace.work());
        return logits;
    }

    /**
     * {@link #step} where a device can tell the highest logits, so that no others cross.
     *
     * @param k how many, or 0 for all
     * @return empty where all logits are to be had by {@link #step} only
     */
    public Optional<Highest> stepHighest(int id, int k, KvCache cache, Schedule schedule, Workspace workspace) {
        boolean told = deviceVocabulary != null && k > 0 && k <= Math.min(CompiledVocabulary.MOST, vocabulary());
        if (!told || !stack.stays(schedule)) return Optional.empty();
        float[] hidden = workspace.exactly(Workspace.Slot.STEP, width());
        if (deviceVocabulary.embeds()) deviceVocabulary.embed(id, hidden);
        else embed(id, cache.nextPosition(), hidden);
        stack.stepStaying(hidden, cache, schedule, workspace);
        Highest highest = deviceVocabulary.highest(hidden, k, workspace.work());
        head.finish(highest.values());
        return Optional.of(highest);
    }
}
