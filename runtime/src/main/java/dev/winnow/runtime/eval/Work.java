package dev.winnow.runtime.eval;

import dev.winnow.runtime.Stats;
import java.util.List;

/**
 * What one question cost, counted while it ran; the same in every run.
 *
 * @param imageTokens    tokens of the pictures that a dense run gives the language model
 * @param promptTokens   tokens that entered the language model
 * @param towerTokens    tokens that ran each vision layer, summed over pictures
 * @param visualTokens   tokens of the pictures that ran each language layer in the prompt pass: all that ran it, less those of the text
 * @param generated      tokens generated or followed
 * @param visionFlops    floating-point operations of tower and projector
 * @param prefillFlops   of the prompt pass
 * @param decodeFlops    of the steps after it
 * @param cacheBytes     keys and values alive after the prompt pass
 * @param workspaceBytes scratch that layers use and use again
 */
public record Work(int imageTokens, int promptTokens, List<Integer> towerTokens, List<Integer> visualTokens, int generated,
                   long visionFlops, long prefillFlops, long decodeFlops, long cacheBytes, long workspaceBytes) {

    /** @param textTokens tokens of the prompt that are not of pictures, as a dense run has them */
    static Work of(Stats s, int textTokens) {
        return new Work(s.imageTokens(), s.promptTokens(), s.visionTokens(),
                s.images() == 0 ? List.of() : s.languageTokens().stream().map(n -> Math.max(0, n - textTokens)).toList(), s.generatedTokens(),
                s.visionFlops(), s.prefillFlops(), s.decodeFlops(), s.cacheBytes(), s.workspaceBytes());
    }

    /** Operations from pixels to the first token. */
    public long firstTokenFlops() {
        return visionFlops + prefillFlops;
    }

    /** Visual tokens of a language layer, mean over layers; of a tower where no language model follows. */
    public double meanVisualTokens() {
        List<Integer> layers = visualTokens.isEmpty() ? towerTokens : visualTokens;
        return layers.stream().mapToInt(n -> n).average().orElse(0);
    }
}
