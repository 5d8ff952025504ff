package dev.winnow.runtime;

import java.util.List;

/**
 * What one request really did; nothing here is taken from the plan.
 *
 * @param images          pictures looked at
 * @param imageTokens     tokens of the pictures that a dense run gives the language model
 * @param promptTokens    tokens that entered the language model
 * @param visionTokens    tokens that ran each vision layer to its end, summed over images; 0 for a skipped layer
 * @param languageTokens  tokens that ran each language layer to its end in the prompt pass, without those that went around it; 0 for a
 *                        skipped layer
 * @param generatedTokens tokens generated
 * @param draftedTokens   tokens drafted ahead by a speculating plan, 0 without one
 * @param acceptedDrafts  of these, tokens that turned out right
 * @param visionFlops     floating-point operations of tower and projector (a multiply-add counts two)
 * @param prefillFlops    of the prompt pass
 * @param decodeFlops     of all decoding steps
 * @param cacheBytes      keys and values alive after the prompt pass
 * @param cacheHeldBytes  keys and values allocated at the end, room to grow included
 * @param workspaceBytes  scratch of the request: what layers use and use again
 * @param visionSeconds   wall time, likewise below
 * @param reductionSeconds time inside reduction events, part of the two passes
 */
public record Stats(int images, int imageTokens, int promptTokens, List<Integer> visionTokens, List<Integer> languageTokens,
                    int generatedTokens, int draftedTokens, int acceptedDrafts, long visionFlops, long prefillFlops, long decodeFlops,
                    long cacheBytes, long cacheHeldBytes, long workspaceBytes, double visionSeconds, double prefillSeconds,
                    double decodeSeconds, double reductionSeconds) {

    /** From pixels to the first token. */
    public double firstTokenSeconds() {
        return visionSeconds + prefillSeconds;
    }

    /** Decoding steps per second; 0 when there was none. */
    public double tokensPerSecond() {
        return generatedTokens < 2 || decodeSeconds == 0 ? 0 : (generatedTokens - 1) / decodeSeconds;
    }

    /** All floating-point operations. */
    public long flops() {
        return visionFlops + prefillFlops + decodeFlops;
    }
}
