package dev.winnow.runtime;

import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.images.RgbImage;
import dev.winnow.runtime.images.Video;
import dev.winnow.runtime.sampling.SamplingOptions;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * One thing to ask a model.
 *
 * @param prompt    the user's words; {@code <image>} or {@code <video>} in them says where a picture or a film stands, else they come first
 * @param ids       token ids in place of words, sent as they are; null for words
 * @param images    pictures the prompt is about, in order
 * @param videos    films the prompt is about, in order
 * @param plan      token reduction
 * @param sampling  how tokens are chosen
 * @param maxTokens most tokens to generate
 * @param stops     texts that end the answer, themselves left out
 * @param verbatim  send the prompt as it is instead of through the chat template
 * @param ignoreEos go on at the end-of-sequence token
 * @param cancelled polled between tokens; generation ends once it is true
 */
public record Request(String prompt, int[] ids, List<RgbImage> images, List<Video> videos, ReductionPlan plan,
                      SamplingOptions sampling, int maxTokens, List<String> stops, boolean verbatim, boolean ignoreEos,
                      BooleanSupplier cancelled) {

    public Request {
        images = List.copyOf(images);
        videos = List.copyOf(videos);
        stops = List.copyOf(stops);
        if (maxTokens < 1) throw new IllegalArgumentException("the number of tokens to generate should be at least 1 but is " + maxTokens);
    }

    /** A dense, greedy request for up to 256 tokens. */
    public static Request of(String prompt, RgbImage... images) {
        return dense(prompt, null, images);
    }

    /** As {@link #of}, of token ids: measurements want prompts of a length, whatever they say. */
    public static Request ofIds(int[] ids, RgbImage... images) {
        return dense("", ids.clone(), images);
    }

    private static Request dense(String prompt, int[] ids, RgbImage... images) {
        return new Request(prompt, ids, List.of(images), List.of(), ReductionPlan.NONE, SamplingOptions.greedy(), 256, List.of(), false,
                false, () -> false);
    }

    public Request withPlan(ReductionPlan plan) {
        return new Request(prompt, ids, images, videos, plan, sampling, maxTokens, stops, verbatim, ignoreEos, cancelled);
    }

    /** With reduction methods given as specs, such as {@code "visionzip:dominant=24,contextual=4"}. */
    public Request withReduction(String... specs) {
        return withPlan(ReductionPlan.parse(List.of(specs)));
    }

    public Request withVideos(List<Video> videos) {
        return new Request(prompt, ids, images, videos, plan, sampling, maxTokens, stops, verbatim, ignoreEos, cancelled);
    }

    public Request withSampling(SamplingOptions sampling) {
        return new Request(prompt, ids, images, videos, plan, sampling, maxTokens, stops, verbatim, ignoreEos, cancelled);
    }

    public Request withMaxTokens(int maxTokens) {
        return new Request(prompt, ids, images, videos, plan, sampling, maxTokens, stops, verbatim, ignoreEos, cancelled);
    }

    public Request withStops(List<String> stops) {
        return new Request(prompt, ids, images, videos, plan, sampling, maxTokens, stops, verbatim, ignoreEos, cancelled);
    }

    public Request withVerbatim(boolean verbatim) {
        return new Request(prompt, ids, images, videos, plan, sampling, maxTokens, stops, verbatim, ignoreEos, cancelled);
    }

    public Request withIgnoreEos(boolean ignoreEos) {
        return new Request(prompt, ids, images, videos, plan, sampling, maxTokens, stops, verbatim, ignoreEos, cancelled);
    }

    public Request withCancelled(BooleanSupplier cancelled) {
        return new Request(prompt, ids, images, videos, plan, sampling, maxTokens, stops, verbatim, ignoreEos, cancelled);
    }
}
