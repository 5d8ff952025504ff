package dev.winnow.runtime.sampling;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Chooses tokens as {@code generate} of Hugging Face does: repetition penalty, temperature, top-k, top-p, min-p, in this
 * order, then a draw from the softmax of what is left. With temperature 0 the most likely token after the penalty, of equals
 * the lowest id.
 *
 * <p>Chance comes from {@link SplittableRandom}, whose algorithm is fixed, one number per token, so a seed gives the same tokens
 * for the same logits. Buffers are kept between steps. For one sequence and one thread at a time.
 */
public final class Sampler implements TokenChooser {
    private final SamplingOptions options;
    private final List<Warper> warpers;
    private final SplittableRandom random;
    private final Candidates candidates = new Candidates();
    private float[] penalised = new float[0];

    public Sampler(SamplingOptions options) {
        this.options = options;
        warpers = warpers(options);
        random = new SplittableRandom(options.seed());
    }

    private static List<Warper> warpers(SamplingOptions options) {
        List<Warper> warpers = new ArrayList<>();
        if (options.isGreedy()) return warpers;
        if (options.temperature() != 1) warpers.add(new Temperature(options.temperature()));
        if (options.topK() > 0) warpers.add(new TopK(options.topK()));
        if (options.topP() < 1) warpers.add(new TopP(options.topP()));
        if (options.minP() > 0) warpers.add(new MinP(options.minP()));
        return warpers;
    }

    /**
     * The id of the next token.
     *
     * @param logits        one per id, minus infinity for an impossible token; not changed
     * @param history       the tokens so far, prompt included, which the repetition penalty looks at
     * @param historyLength how many of them count
     * @throws IllegalStateException when a logit is NaN or plus infinity, or all are minus infinity
     */
    @Override
    public int next(float[] logits, int[] history, int historyLength) {
        candidates.reset(penalised(logits, history, historyLength));
        if (options.isGreedy()) return candidates.ids[candidates.best()];
        for (Warper warper : warpers) warper.warp(candidates);
        return draw();
    }

    /**
     * One where the most likely token is taken, k where the k most likely are drawn from (of those exactly as likely as the last of them
     * the lower ids); a penalty may raise any token.
     */
    @Override
    public int enough() {
        if (options.repetitionPenalty() != 1) return 0;
        return options.isGreedy() ? 1 : options.topK();
    }

    @Override
    public int among(int[] ids, float[] logits) {
        candidates.reset(ids, logits);
        if (options.isGreedy()) return candidates.ids[candidates.best()];
        for (Warper warper : warpers) warper.warp(candidates);
        return draw();
    }

    private float[] penalised(float[] logits, int[] history, int historyLength) {
        if (options.repetitionPenalty() == 1) return logits;
        if (penalised.length != logits.length) penalised = new float[logits.length];
        System.arraycopy(logits, 0, penalised, 0, logits.length);
        RepetitionPenalty.apply(options.repetitionPenalty(), logits, history, historyLength, penalised);
        return penalised;
    }

    private int draw() {
        double[] weights = candidates.weights();
        double total = 0;
        for (int i = 0; i < candidates.size; i++) total += weights[i];
        double left = random.nextDouble() * total;
        int place = 0;
        // rounding may leave a rest beyond the last weight, which then counts as the last candidate's
        while (place < candidates.size - 1 && (left -= weights[place]) >= 0) place++;
        return candidates.ids[place];
    }
}
