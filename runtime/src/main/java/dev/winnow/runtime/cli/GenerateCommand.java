package dev.winnow.runtime.cli;

import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.Answer;
import dev.winnow.runtime.Request;
import dev.winnow.runtime.Stats;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.eval.questions.Picture;
import dev.winnow.runtime.eval.questions.Question;
import dev.winnow.runtime.eval.questions.Questions;
import dev.winnow.runtime.images.RgbImage;
import dev.winnow.runtime.images.Video;
import dev.winnow.runtime.sampling.SamplingOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Text from a prompt and pictures, streamed; what it cost goes to stderr. */
// picocli would look through its methods for commands, at a hundredth of the time to a short answer
@Command(name = "generate", addMethodSubcommands = false, description = "Answers a prompt, about pictures if there are any.")
final class GenerateCommand implements Callable<Integer> {
    @Mixin
    private Common common;
    @Mixin
    private ModelOption model;
    @Mixin
    private ExplainOption explain;
    @Mixin
    private VideoOption video;

    @Option(names = "--prompt", paramLabel = "TEXT", description = "what to ask; <image> or <video> in it says where a picture or a video"
            + " stands, else they come first")
    private String prompt;
    @Option(names = "--questions", paramLabel = "FILE", description = "instead of --prompt: several prompts, each with its pictures, in any"
            + " format that eval reads, such as JSON lines with prompt and image; writes a line for each")
    private Path questions;
    @Option(names = "--image", paramLabel = "FILE", description = "a picture (PNG, JPEG, GIF, BMP, WebP); may be repeated")
    private List<Path> images = new ArrayList<>();
    @Option(names = {"--max-new-tokens", "-n"}, paramLabel = "N", description = "most tokens to generate; default: the model's, else 256")
    private Integer maxTokens;
    @Option(names = "--temperature", paramLabel = "T",
            description = "0 takes the most likely token, more draws more freely; default: the model's")
    private Double temperature;
    @Option(names = "--top-k", paramLabel = "K", description = "draw from the K most likely tokens")
    private Integer topK;
    @Option(names = "--top-p", paramLabel = "P",
            description = "draw from the most likely tokens that together reach probability P")
    private Double topP;
    @Option(names = "--min-p", paramLabel = "P",
            description = "leave out tokens less than P times as likely as the most likely one")
    private Double minP;
    @Option(names = "--repetition-penalty", paramLabel = "X", description = "above 1 makes repeated tokens less likely")
    private Double repetitionPenalty;
    @Option(names = "--seed", paramLabel = "N", defaultValue = "0",
            description = "the same seed draws the same tokens; default ${DEFAULT-VALUE}")
    private long seed;
    @Option(names = "--stop", paramLabel = "TEXT", description = "end the answer at this text; may be repeated")
    private List<String> stops = new ArrayList<>();
    @Option(names = "--raw", description = "send the prompt as it is, without the chat template")
    private boolean raw;
    @Option(names = "--ignore-eos", description = "go on at the end-of-sequence token")
    private boolean ignoreEos;

    @Override
    public Integer call() {
        if (maxTokens != null && maxTokens < 1) throw new UsageException("--max-new-tokens should be at least 1 but is " + maxTokens);
        if ((prompt == null) == (questions == null)) {
            throw new UsageException("generate takes either a '--prompt=TEXT' or --questions=FILE");
        }
        if (questions != null && (!images.isEmpty() || video.isGiven() || explain.isGiven())) {
            throw new UsageException("--questions name their own pictures, so they go without --image, --video and --explain");
        }
        if (stops.contains("")) throw new UsageException("--stop should not be empty");
        ReductionPlan plan = common.plan();
        List<Path> shown = new ArrayList<>(images);
        shown.addAll(video.files());
        explain.check(shown, plan);
        try (Winnow winnow = model.open(questions == null ? common.backendForOneRequest() : common.backend())) {
            plan.schedule(winnow.model().shape());
            if (questions != null) return answerAll(winnow, plan);
            explain.check(shown, plan, winnow.model().shape());
            List<RgbImage> pictures = images.stream().map(RgbImage::read).toList();
            List<Video> videos = video.read();
            explain.check(pictures, winnow);
            Request request = request(prompt, pictures, winnow, plan).withVideos(videos);
            Answer answer = winnow.generate(request, piece -> {
                if (common.json()) return;
                common.out().print(piece);
                common.out().flush();
            });
            if (common.json()) {
                common.printJson(json(answer, plan));
            } else {
                common.out().println();
                describe(answer.stats(), plan.toString());
            }
            explain.write(explained(answer), plan, prompt, images, pictures, videos, winnow,
                    other -> explained(winnow.generate(request.withPlan(other), piece -> { })), common.err());
        }
        return 0;
    }

    private Request request(String words, List<RgbImage> pictures, Winnow winnow, ReductionPlan plan) {
        int most = maxTokens != null ? maxTokens : winnow.defaults().maxNewTokens().orElse(256);
        return Request.of(words, pictures.toArray(RgbImage[]::new)).withPlan(plan).withSampling(sampling(winnow)).withMaxTokens(most)
                .withStops(stops).withVerbatim(raw).withIgnoreEos(ignoreEos)
                // nobody reads on
                .withCancelled(common.out()::checkError);
    }

    /** A line for each question: its id, a tab and the answer; or JSON. */
    private int answerAll(Winnow winnow, ReductionPlan plan) {
        List<Map<String, Object>> results = new ArrayList<>();
        for (Question question : Questions.read(questions).list()) {
            List<RgbImage> pictures = question.pictures().stream().map(Picture::read).toList();
            Answer answer = winnow.generate(request(question.prompt(), pictures, winnow, plan), piece -> { });
            if (!common.json()) {
                common.out().println(question.id() + "\t" + answer.text().strip().replaceAll("\\s*\\R\\s*", " "));
                common.out().flush();
                continue;
            }
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("id", question.id());
            result.putAll(json(answer, plan));
            results.add(result);
        }
        if (common.json()) common.printJson(results);
        return 0;
    }

    private static Map<String, Object> json(Answer answer, ReductionPlan plan) {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("text", answer.text());
        result.put("tokens", answer.tokens());
        result.put("end", answer.end());
        result.put("plan", plan.toString());
        result.put("stats", answer.stats());
        return result;
    }

    private static ExplainOption.Run explained(Answer answer) {
        return new ExplainOption.Run(answer.text().strip(), answer.stats(), answer.explanation());
    }

    private SamplingOptions sampling(Winnow winnow) {
        SamplingOptions s = winnow.defaults().sampling(seed);
        try {
            if (temperature != null) s = s.withTemperature(temperature);
            else if (s.isGreedy() && (topK != null || topP != null || minP != null)) s = s.withTemperature(1);
            if (topK != null) s = s.withTopK(topK);
            if (topP != null) s = s.withTopP(topP);
            if (minP != null) s = s.withMinP(minP);
            if (repetitionPenalty != null) s = s.withRepetitionPenalty(repetitionPenalty);
        } catch (IllegalArgumentException e) {
            throw new UsageException("--" + e.getMessage());
        }
        return s;
    }

    private void describe(Stats s, String plan) {
        StringBuilder line = new StringBuilder(plan).append(": ");
        if (s.images() > 0) line.append(s.imageTokens()).append(" image tokens, ");
        line.append(s.promptTokens()).append(" prompt tokens");
        int last = s.languageTokens().stream().reduce((a, b) -> b).orElse(0);
        if (last != s.promptTokens()) line.append(" (").append(last).append(" in the last layer)");
        common.err().println(line);
        String rate = s.generatedTokens() < 2 ? "1 token" : s.generatedTokens() + " tokens at "
                + String.format(Locale.ROOT, "%.1f", s.tokensPerSecond()) + "/s";
        common.err().println("first token " + Tables.seconds(s.firstTokenSeconds()) + " (vision " + Tables.seconds(s.visionSeconds())
                + ", prompt " + Tables.seconds(s.prefillSeconds()) + "; reduction " + Tables.seconds(s.reductionSeconds()) + "), "
                + rate + drafts(s) + "; " + Tables.quantity(s.flops(), "FLOP") + ", cache " + Tables.quantity(s.cacheBytes(), "B"));
    }

    private static String drafts(Stats s) {
        return s.draftedTokens() == 0 ? "" : ", " + s.acceptedDrafts() + " of " + s.draftedTokens() + " drafts right";
    }
}
