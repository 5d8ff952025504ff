package dev.winnow.runtime.eval;

import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.Answer;
import dev.winnow.runtime.Classification;
import dev.winnow.runtime.Explanation;
import dev.winnow.runtime.Request;
import dev.winnow.runtime.RequestException;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.eval.questions.Question;
import dev.winnow.runtime.images.RgbImage;
import dev.winnow.runtime.models.VisionTransformer;
import dev.winnow.runtime.sampling.Sampler;
import dev.winnow.runtime.sampling.SamplingOptions;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.function.Supplier;

/** Puts one question to the model, dense or under a plan, on the calling thread. */
final class Respondent {
    private final Winnow model;
    private final Judge judge;
    private final int maxTokens;

    /** @param maxTokens most tokens of an answer, and of a reference text that is followed */
    Respondent(Winnow model, Judge judge, int maxTokens) {
        this.model = model;
        this.judge = judge;
        this.maxTokens = maxTokens;
    }

    boolean classifies() {
        return model.model() instanceof VisionTransformer;
    }

    /** The dense answer. */
    DenseAnswer dense(int number, Question question, RgbImage[] pictures) {
        DenseAnswer dense = new DenseAnswer();
        if (classifies()) {
            Timed<Classification> run = timed(() -> model.classify(pictures[0], ReductionPlan.NONE));
            dense.see(logits(run.result));
            return dense.finish(new int[0], 0, classified(number, question, run, 1, 0, 1));
        }
        Text text = text(question, pictures);
        if (text.follows != null && !asks(question)) {
            Surprise surprise = new Surprise();
            Timed<Answer> run = follow(text, ReductionPlan.NONE, (logits, token) -> {
                dense.see(logits);
                surprise.step(logits, token);
            });
            int words = textTokens(run.result);
            return dense.finish(run.result.tokens(), words, outcome(number, "", Double.NaN, 1, 0, dense.places(), surprise, words, run));
        }
        Timed<Answer> run = ask(text, ReductionPlan.NONE, (logits, token) -> dense.see(logits));
        String answer = run.result.text().strip();
        int words = textTokens(run.result);
        return dense.finish(run.result.tokens(), words, outcome(number, answer, judge.score(answer, question), 1, 0, dense.places(),
                surprise(text, ReductionPlan.NONE), words, run));
    }

    /** The answer under a plan, compared with the dense one. */
    Outcome reduced(Question question, RgbImage[] pictures, ReductionPlan plan, DenseAnswer dense) {
        int number = dense.outcome().question();
        if (classifies()) {
            Timed<Classification> run = timed(() -> model.classify(pictures[0], plan));
            boolean same = name(run.result).equals(dense.outcome().answer());
            return classified(number, question, run, same ? 1 : 0, Divergence.kl(dense.logits(0), logits(run.result)), 1);
        }
        Text text = text(question, pictures);
        Walk walk = new Walk(dense);
        if (text.follows != null && !asks(question)) {
            Surprise surprise = new Surprise();
            Timed<Answer> run = follow(new Text(text.request, dense.tokens()), plan, (logits, token) -> {
                walk.step(logits, token);
                surprise.step(logits, token);
            });
            return outcome(number, "", Double.NaN, walk.sameChoice(), walk.divergence(), walk.compared(), surprise, dense.textTokens(), run);
        }
        Timed<Answer> run = ask(text, plan, walk::step);
        if (walk.unfinished()) {
            walk.restart();
            follow(new Text(text.request, dense.tokens()), plan, walk::step);
        }
        String answer = run.result.text().strip();
        return outcome(number, answer, judge.score(answer, question), answer.equals(dense.outcome().answer()) ? 1 : 0, walk.divergence(),
                walk.compared(), surprise(text, plan), dense.textTokens(), run);
    }

    /** What the plan keeps of the pictures. */
    Explanation explain(Question question, RgbImage[] pictures, ReductionPlan plan) {
        if (classifies()) return model.classify(pictures[0], plan).explanation();
        return ask(text(question, pictures), plan, (logits, token) -> { }).result.explanation();
    }

    /** Whether an answer in the model's own words is wanted: always, but where there is a reference text and nothing to judge. */
    private static boolean asks(Question question) {
        return question.reference().isEmpty() || !question.answers().isEmpty();
    }

    /**
     * A request, with the ids that the model shall follow.
     *
     * @param follows null where there is no reference text
     */
    private record Text(Request request, int[] follows) {}

    private Text text(Question question, RgbImage[] pictures) {
        if (question.prompt().isBlank() && question.reference().isPresent() && pictures.length == 0) return halves(question.reference().get());
        Request request = Request.of(MultipleChoice.prompt(question.prompt(), question.choices()), pictures).withMaxTokens(maxTokens);
        return new Text(request, question.reference().map(r -> firsts(model.tokens(r, false))).orElse(null));
    }

    /** A text without a prompt: the model reads its first half and is held against the second. */
    private Text halves(String reference) {
        int[] ids = model.tokens(reference, true);
        if (ids.length < 2) throw new RequestException("the reference text has " + ids.length + " tokens, which are no two halves");
        int half = ids.length / 2;
        return new Text(Request.ofIds(Arrays.copyOf(ids, half)), firsts(Arrays.copyOfRange(ids, half, ids.length)));
    }

    private int[] firsts(int[] ids) {
        if (ids.length == 0) throw new RequestException("the reference text is empty");
        return ids.length <= maxTokens ? ids : Arrays.copyOf(ids, maxTokens);
    }

    /** Told of every step of an answer. */
    private interface Step {
        void take(float[] logits, int token);
    }

    /** The model's own words, the most likely token always. */
    private Timed<Answer> ask(Text text, ReductionPlan plan, Step step) {
        Sampler greedy = new Sampler(SamplingOptions.greedy());
        return timed(() -> model.generate(text.request.withPlan(plan), (logits, history, length) -> {
            int token = greedy.next(logits, history, length);
            step.take(logits, token);
            return token;
        }, piece -> { }));
    }

    /** Given words. */
    private Timed<Answer> follow(Text text, ReductionPlan plan, Step step) {
        Request request = text.request.withPlan(plan).withMaxTokens(text.follows.length).withIgnoreEos(true);
        int[] place = {0};
        return timed(() -> model.generate(request, (logits, history, length) -> {
            int token = text.follows[place[0]++];
            step.take(logits, token);
            return token;
        }, piece -> { }));
    }

    private Surprise surprise(Text text, ReductionPlan plan) {
        Surprise surprise = new Surprise();
        if (text.follows != null) follow(text, plan, surprise::step);
        return surprise;
    }

    /** How unlikely a reference text is, token by token. */
    private static final class Surprise {
        private double sum;
        private int count;

        void step(float[] logits, int token) {
            sum += Divergence.logSum(logits) - logits[token];
            count++;
        }
    }

    private static int textTokens(Answer dense) {
        return dense.stats().promptTokens() - dense.stats().imageTokens();
    }

    private static Outcome outcome(int number, String answer, double score, double agreement, double divergence, int compared,
                                   Surprise surprise, int textTokens, Timed<Answer> run) {
        return new Outcome(number, answer, score, agreement, divergence, compared,
                surprise.count == 0 ? Double.NaN : surprise.sum / surprise.count, surprise.count,
                Work.of(run.result.stats(), textTokens), Times.of(run.result.stats(), run.cpu));
    }

    private Outcome classified(int number, Question question, Timed<Classification> run, double agreement, double divergence, int compared) {
        Classification.Label best = run.result.labels().getFirst();
        double score = question.label().isEmpty() ? judge.score(best.name(), question) : best.index() == question.label().getAsInt() ? 1 : 0;
        return new Outcome(number, best.name(), score, agreement, divergence, compared, Double.NaN, 0, Work.of(run.result.stats(), 0),
                Times.of(run.result.stats(), run.cpu));
    }

    private static String name(Classification c) {
        return c.labels().getFirst().name();
    }

    /** Logarithms of the probabilities, which are logits of the same distribution. */
    private static float[] logits(Classification c) {
        float[] logits = new float[c.labels().size()];
        for (Classification.Label l : c.labels()) logits[l.index()] = (float) Math.log(l.probability());
        return logits;
    }

    /** @param cpu processor seconds of this thread */
    private record Timed<T>(T result, double cpu) {}

    private static <T> Timed<T> timed(Supplier<T> work) {
        long began = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
        T result = work.get();
        return new Timed<>(result, (ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - began) / 1e9);
    }
}
