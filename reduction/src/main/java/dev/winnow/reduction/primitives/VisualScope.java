package dev.winnow.reduction.primitives;

import dev.winnow.reduction.Observation;
import dev.winnow.reduction.Options;
import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.PositionPolicy;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.TokenMap;
import java.util.stream.IntStream;

/**
 * The tokens that a method inside the language model may drop: those of pictures, or, for a prompt whose picture tokens are not
 * marked, a stretch of the original sequence.
 *
 * @param start  first token of the stretch
 * @param length its length, 0 to go by the kind of the tokens
 */
public record VisualScope(int start, int length) {
    /** The options that name a stretch, with the names of the FastV code as aliases. */
    public static final Options.Option START = new Options.Option("start", "0",
            "first image token, when tokens are not marked as visual", "sys_length", "image_start");
    public static final Options.Option LENGTH = new Options.Option("length", "0",
            "number of image tokens from start on; 0: the tokens marked as visual", "image_token_length", "image_tokens");


    public static VisualScope of(Options options) {
        return new VisualScope(options.integer("start", 0, Integer.MAX_VALUE), options.integer("length", 0, Integer.MAX_VALUE));
    }

    /** Live tokens in the scope, ascending. */
    public int[] candidates(TokenLedger ledger) {
        if (length == 0) return ledger.ofKind(TokenKind.VISUAL);
        return IntStream.range(0, ledger.count()).filter(i -> {
            int original = ledger.origin().anchor(i);
            return original >= start && original < start + length;
        }).toArray();
    }

    /** How many tokens were in the scope before anything was dropped. */
    public int originally(TokenLedger ledger) {
        return length == 0 ? ledger.originally(TokenKind.VISUAL) : length;
    }

    /** All live tokens but the candidates that are not among the given places in the list of candidates. */
    public static int[] keeping(int[] candidates, int[] places, int count) {
        boolean[] gone = new boolean[count];
        for (int c : candidates) gone[c] = true;
        for (int p : places) gone[candidates[p]] = false;
        return IntStream.range(0, count).filter(i -> !gone[i]).toArray();
    }

    /** The outcome that leaves of the candidates those at the given places, and all other tokens. */
    public static Outcome.Reduce dropping(int[] candidates, int[] places, int count, PositionPolicy positions) {
        return new Outcome.Reduce(TokenMap.select(keeping(candidates, places, count), count), positions);
    }

    /** The outcome that leaves of the candidates those with the highest scores, which it reports, and all other tokens. */
    public static Outcome.Reduce keepingHighest(Observation o, int[] candidates, float[] scores, int count, PositionPolicy positions) {
        o.report("score", scores);
        return dropping(candidates, TopK.highestInOrder(scores, count), o.tokens().count(), positions);
    }

    /** {@link #keepingHighest(Observation, int[], float[], int, PositionPolicy)} by scores that are ranked where they are. */
    public static Outcome.Reduce keepingHighest(Observation o, RowScores scores, int count, PositionPolicy positions) {
        o.report("score", scores::values);
        return dropping(scores.tokens(), scores.highestInOrder(count), o.tokens().count(), positions);
    }

    /** Scores of the candidates out of scores of all live tokens. */
    public static float[] pick(float[] scores, int[] candidates) {
        float[] picked = new float[candidates.length];
        for (int i = 0; i < picked.length; i++) picked[i] = scores[candidates[i]];
        return picked;
    }

    /** Scores of all of so many tokens, 0 for those that are no candidates: what {@link #pick} takes the candidates' out of. */
    public static float[] spread(float[] scores, int[] candidates, int count) {
        float[] spread = new float[count];
        for (int i = 0; i < candidates.length; i++) spread[candidates[i]] = scores[i];
        return spread;
    }
}
