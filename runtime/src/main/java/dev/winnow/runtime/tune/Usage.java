package dev.winnow.runtime.tune;

import dev.winnow.runtime.Stats;
import java.util.List;

/**
 * What a plan uses on a question, or on several in the mean; everything counted from what ran.
 *
 * @param visualTokens       visual tokens that run a language layer, mean over the layers; those that go around a layer do not run it
 * @param flops              operations of tower, projector and prompt pass
 * @param cacheBytes         keys and values alive after the prompt pass
 * @param firstTokenSeconds  from pixels to the first token
 */
public record Usage(double visualTokens, double flops, double cacheBytes, double firstTokenSeconds) {

    /** @param textTokens tokens of the prompt that are of no picture */
    static Usage of(Stats stats, int textTokens) {
        // a layer that the plan skips altogether has no visual tokens, not fewer than none
        double visual = stats.languageTokens().stream().mapToInt(n -> Math.max(0, n - textTokens)).average().orElse(0);
        return new Usage(visual, stats.visionFlops() + stats.prefillFlops(), stats.cacheBytes(), stats.firstTokenSeconds());
    }

    /** The mean, but of times the median, which one slow moment does not move. */
    static Usage mean(List<Usage> usages) {
        double[] seconds = usages.stream().mapToDouble(Usage::firstTokenSeconds).sorted().toArray();
        return new Usage(usages.stream().mapToDouble(Usage::visualTokens).average().orElse(0),
                usages.stream().mapToDouble(Usage::flops).average().orElse(0),
                usages.stream().mapToDouble(Usage::cacheBytes).average().orElse(0),
                seconds.length == 0 ? 0 : seconds[seconds.length / 2]);
    }
}
