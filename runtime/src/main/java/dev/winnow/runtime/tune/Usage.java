package dev.winnow.runtime.tune;

import dev.winnow.runtime.eval.Outcome;
import java.util.List;

/**
 * What a plan uses on a question, or on several in the mean; everything counted from what ran.
 *
 * @param visualTokens      visual tokens that run a language layer, mean over the layers; those that go around a layer do not run it. Of a
 *                          classifier, tokens that run a layer of the tower
 * @param flops             operations of tower, projector and prompt pass
 * @param cacheBytes        keys and values alive after the prompt pass
 * @param firstTokenSeconds from pixels to the first token
 */
public record Usage(double visualTokens, double flops, double cacheBytes, double firstTokenSeconds) {
    static Usage of(Outcome outcome) {
        return new Usage(outcome.work().meanVisualTokens(), outcome.work().firstTokenFlops(), outcome.work().cacheBytes(),
                outcome.times().firstToken());
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
