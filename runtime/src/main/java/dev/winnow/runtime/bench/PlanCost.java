package dev.winnow.runtime.bench;

import dev.winnow.runtime.Stats;

/**
 * What a request took under a plan, over some rounds.
 *
 * @param stats             of the last round: tokens, operations and bytes are the same in every one
 * @param request           the whole request, from words and pictures on
 * @param cpu               processor time of the whole request, all threads together
 * @param vision            tower and projector, preparing pictures included
 * @param prefill           the prompt pass
 * @param firstToken        both
 * @param decode            all steps after the first token, sampling and text included
 * @param stepMedian        seconds from one token to the next, median of all steps of all rounds; 0 without steps
 * @param step99            99 of 100 steps took no longer
 * @param requestSpeedup    the first plan's time of the request by this plan's, median over rounds; likewise below
 * @param cpuSpeedup        in processor time
 * @param firstTokenSpeedup up to the first token
 * @param decodeSpeedup     of the steps; 0 without steps
 */
public record PlanCost(String plan, Stats stats, Seconds request, Seconds cpu, Seconds vision, Seconds prefill, Seconds firstToken,
                       Seconds decode, double stepMedian, double step99, double requestSpeedup, double cpuSpeedup,
                       double firstTokenSpeedup, double decodeSpeedup) {
    /** The median and the least of all rounds. */
    public record Seconds(double median, double best) {}

    /** Tokens that entered the language model per second of the prompt pass, in the median round; 0 without a prompt. */
    public double prefillTokensPerSecond() {
        return rate(stats.promptTokens(), prefill.median);
    }

    /** Steps per second, in the median round; 0 without steps. */
    public double decodeTokensPerSecond() {
        return stats.generatedTokens() < 2 ? 0 : rate(stats.generatedTokens() - 1, decode.median);
    }

    /** Pictures per second of the request, in the median round. */
    public double imagesPerSecond() {
        return rate(stats.images(), request.median);
    }

    /** Operations of the tower and the prompt per second, in 10^9, in the median round. */
    public double gigaflopsPerSecond() {
        return rate(stats.visionFlops() + stats.prefillFlops(), firstToken.median) / 1e9;
    }

    /** Operations of the steps per second, in 10^9, in the median round; 0 without steps. */
    public double decodeGigaflopsPerSecond() {
        return stats.generatedTokens() < 2 ? 0 : rate(stats.decodeFlops(), decode.median) / 1e9;
    }

    private static double rate(double amount, double seconds) {
        return amount == 0 ? 0 : amount / seconds;
    }
}
