package dev.winnow.runtime.eval;

import dev.winnow.layers.Workers;
import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.Explanation;
import dev.winnow.runtime.RequestException;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.eval.questions.Question;
import dev.winnow.runtime.images.RgbImage;
import dev.winnow.runtime.models.ImageTextEncoder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * Asks a model questions, dense and under plans, and says what came of each. Questions are shared out over the cores of
 * {@link Workers#shared()}, each answered on one; outcomes come in the order of the questions and are the same in every run, measured
 * times aside.
 *
 * <p><b>Answers</b> are greedy: the most likely token, of equals the lowest id, until an end-of-sequence token or {@code maxTokens}.
 *
 * <p><b>Divergence</b> of a plan is KL(dense || plan) in nats between next-token distributions, teacher-forced: with t1..tm the tokens
 * the dense model answered, its end-of-sequence token included, place i compares the softmaxes of the logits after the prompt and
 * t1..t(i-1) in both models, so place 1 compares what follows the prompt. The plan reduces the prompt, and t1, t2, ... enter it as
 * decoding steps, with whatever the plan does to these. Of a question it is the mean over places. As long as a plan's own answer
 * agrees with the dense one these are the logits it was chosen from; a plan that says something else reads the prompt once more and
 * follows. Where a question has a reference text and no answers, t1..tm are the tokens of the reference, encoded without special
 * tokens; with a reference but no prompt, the first half of the text is the prompt and the second is followed. For a classifier the one
 * place is its distribution over labels.
 *
 * <p><b>Perplexity</b> comes from the probabilities of the reference text's tokens in the same way.
 *
 * <p>For use by one thread at a time.
 */
public final class Evaluation {
    private final Winnow model;
    private final List<Question> questions;
    private final Respondent respondent;
    private final Pictures pictures = new Pictures();
    /** Dense answers asked for by {@link #dense()} and {@link #under}, kept for the next plan while memory allows. */
    private final Map<Integer, DenseAnswer> kept = new ConcurrentHashMap<>();
    private final AtomicLong keptBytes = new AtomicLong();

    /**
     * What one question came to, dense and under each plan.
     *
     * @param plans in the order of the plans
     */
    public record Answered(Outcome dense, List<Outcome> plans) {
        public Answered {
            plans = List.copyOf(plans);
        }
    }

    /** Told of each question as it is done, from many threads and in any order. */
    public interface Progress {
        void answered(Answered question);
    }

    /**
     * @param maxTokens most tokens of an answer, and of a reference text that is followed
     * @throws RequestException naming the first question that the model has no use for
     */
    public Evaluation(Winnow model, List<Question> questions, Judge judge, int maxTokens) {
        this.model = model;
        this.questions = List.copyOf(questions);
        this.respondent = new Respondent(model, judge, maxTokens);
        if (model.model() instanceof ImageTextEncoder) {
            throw new RequestException("this model (" + model.model().family() + ") neither answers nor classifies");
        }
        for (Question q : this.questions) requireFit(q);
    }

    private void requireFit(Question q) {
        String family = " (" + model.model().family() + ")";
        if (respondent.classifies()) {
            if (q.pictures().size() != 1) {
                throw new RequestException("question " + q.id() + " has " + q.pictures().size() + " pictures, but this model" + family
                        + " classifies one");
            }
            return;
        }
        if (model.visionTower().isEmpty() && !q.pictures().isEmpty()) {
            throw new RequestException("question " + q.id() + " has a picture, but this model" + family + " does not take any");
        }
        boolean readsReference = q.reference().isPresent() && q.pictures().isEmpty();
        if (q.prompt().isBlank() && !readsReference) {
            throw new RequestException("question " + q.id() + " has no prompt, but this model" + family + " answers prompts");
        }
        if (q.label().isPresent() && q.answers().isEmpty()) {
            throw new RequestException("question " + q.id() + " has a label, but this model" + family + " is no classifier");
        }
    }

    /** The questions, in order. */
    public List<Question> questions() {
        return questions;
    }

    public Winnow model() {
        return model;
    }

    /** The pictures of a question. */
    public RgbImage[] pictures(int question) {
        return pictures.of(questions.get(question));
    }

    /** @throws PlanException when a plan does not fit the model */
    public void require(ReductionPlan plan) {
        plan.schedule(model.model().shape());
    }

    /**
     * Asks everything, each question dense and then under every plan, so that slow spells of the machine meet all plans alike.
     *
     * @param done     what is answered already, by the question's number; not asked again
     * @param progress told of what was asked
     */
    public List<Answered> run(List<ReductionPlan> plans, Map<Integer, Answered> done, Progress progress) {
        plans.forEach(this::require);
        return spread(IntStream.range(0, questions.size()).toArray(), number -> {
            if (done.containsKey(number)) return done.get(number);
            RgbImage[] images = pictures(number);
            DenseAnswer dense = respondent.dense(number, questions.get(number), images);
            List<Outcome> outcomes = new ArrayList<>();
            for (ReductionPlan plan : plans) outcomes.add(respondent.reduced(questions.get(number), images, plan, dense));
            Answered answered = new Answered(dense.outcome(), outcomes);
            progress.answered(answered);
            return answered;
        });
    }

    /** Outcomes of the dense model, by question. */
    public List<Outcome> dense() {
        return spread(IntStream.range(0, questions.size()).toArray(), number -> denseAnswer(number).outcome());
    }

    /** Outcomes of a plan, by question. Dense answers are computed once and kept, so that many plans can be tried one after another. */
    public List<Outcome> under(ReductionPlan plan) {
        return under(plan, IntStream.range(0, questions.size()).toArray());
    }

    /** Outcomes of a plan for some questions, in the order of their numbers given. */
    public List<Outcome> under(ReductionPlan plan, int[] numbers) {
        require(plan);
        return spread(numbers, n -> plan.isEmpty() ? denseAnswer(n).outcome()
                : respondent.reduced(questions.get(n), pictures(n), plan, denseAnswer(n)));
    }

    /** What a plan keeps of a question's pictures, event by event. The question is asked once more. */
    public Explanation explain(ReductionPlan plan, int question) {
        return respondent.explain(questions.get(question), pictures(question), plan);
    }

    private DenseAnswer denseAnswer(int number) {
        DenseAnswer known = kept.get(number);
        if (known != null) return known;
        DenseAnswer dense = respondent.dense(number, questions.get(number), pictures(number));
        if (keptBytes.addAndGet(dense.bytes()) <= Runtime.getRuntime().maxMemory() / 4) kept.put(number, dense);
        return dense;
    }

    /** A question that failed, and why. */
    private record Failure(int place, RuntimeException cause) {}

    /** One task per question, each on one core: a loop inside a task of the pool runs on its own thread alone. */
    private <T> List<T> spread(int[] numbers, IntFunction<T> task) {
        List<T> results = new ArrayList<>();
        for (int ignored : numbers) results.add(null);
        AtomicReference<Failure> failed = new AtomicReference<>();
        Workers.shared().each(numbers.length, i -> {
            if (failed.get() != null) return;
            try {
                results.set(i, task.apply(numbers[i]));
            } catch (RuntimeException e) {
                // of those that fail at the same time the first in order is reported
                failed.accumulateAndGet(new Failure(i, e), (a, b) -> a == null || b.place < a.place ? b : a);
            }
        });
        if (failed.get() != null) throw named(questions.get(numbers[failed.get().place]), failed.get().cause);
        return results;
    }

    private static RuntimeException named(Question question, RuntimeException e) {
        return switch (e) {
            case RequestException r -> new RequestException("question " + question.id() + ": " + r.getMessage());
            case PlanException p -> new PlanException("question " + question.id() + ": " + p.getMessage());
            default -> e;
        };
    }
}
