package dev.winnow.runtime.eval;

import dev.winnow.runtime.eval.questions.Question;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * What one plan came to over all questions. All but the timing is the same in every run.
 *
 * @param plan       "dense" for the reference
 * @param accuracy   mean score with its bootstrap interval; NaN where no answers are known
 * @param judged     questions with a known answer
 * @param right      of these, how many count as right
 * @param difference accuracy less the dense one's, with its paired bootstrap interval
 * @param flips      questions that changed sides
 * @param p          of McNemar's exact test on the flips
 * @param agreement  mean over questions
 * @param divergence KL(dense || plan), mean over questions, NaN where nothing was compared: see {@link Evaluation}
 * @param perplexity of the reference texts, all tokens together; NaN without any
 * @param types      by type of question, in alphabetical order
 * @param numbers    numbers of the flipped questions
 */
public record PlanResult(String plan, Interval accuracy, int judged, int right, Interval difference, Flips flips, double p, double agreement,
                         double divergence, double perplexity, Map<String, TypeResult> types, Flipped numbers, Cost cost, Timing timing) {

    /**
     * Answers that changed sides.
     *
     * @param lost   right dense, wrong under the plan
     * @param gained wrong dense, right under the plan
     */
    public record Flips(int lost, int gained) {}

    /** Numbers of the questions that changed sides, in order. */
    public record Flipped(List<Integer> lost, List<Integer> gained) {
        public Flipped {
            lost = List.copyOf(lost);
            gained = List.copyOf(gained);
        }
    }

    /**
     * One type of question.
     *
     * @param accuracy mean score; NaN where no answers are known
     */
    public record TypeResult(int questions, double accuracy, int right, Flips flips, double agreement, double divergence) {}

    /**
     * Counted work, means over questions.
     *
     * @param visualTokens    of a language layer in the prompt pass, mean over layers; of a tower where no language model follows
     * @param layers          visual tokens of each language layer; empty without pictures or language model
     * @param towerLayers     tokens of each vision layer; empty without pictures
     * @param firstTokenFlops operations from pixels to the first token
     * @param decodeFlops     operations after it
     * @param cacheBytes      keys and values alive after the prompt pass
     */
    public record Cost(double visualTokens, List<Double> layers, List<Double> towerLayers, double promptTokens, double firstTokenFlops,
                       double decodeFlops, double cacheBytes) {}

    static PlanResult of(String plan, List<Question> questions, List<Outcome> dense, List<Outcome> outcomes) {
        List<Integer> judged = IntStream.range(0, outcomes.size()).filter(i -> !Double.isNaN(outcomes.get(i).score())).boxed().toList();
        double[] scores = judged.stream().mapToDouble(i -> outcomes.get(i).score()).toArray();
        double[] before = judged.stream().mapToDouble(i -> dense.get(i).score()).toArray();
        List<Integer> lost = judged.stream().filter(i -> dense.get(i).right() && !outcomes.get(i).right()).toList();
        List<Integer> gained = judged.stream().filter(i -> !dense.get(i).right() && outcomes.get(i).right()).toList();
        Map<String, List<Integer>> byType = new TreeMap<>();
        for (int i = 0; i < questions.size(); i++) byType.computeIfAbsent(questions.get(i).type(), t -> new ArrayList<>()).add(i);
        Map<String, TypeResult> types = new LinkedHashMap<>();
        byType.forEach((type, numbers) -> types.put(type, type(numbers, dense, outcomes)));
        int right = (int) outcomes.stream().filter(Outcome::right).count();
        return new PlanResult(plan, Bootstrap.mean(scores), judged.size(), right, Bootstrap.difference(scores, before),
                new Flips(lost.size(), gained.size()), McNemar.p(lost.size(), gained.size()), mean(outcomes, Outcome::agreement),
                mean(outcomes, Outcome::divergence), perplexity(outcomes), types, new Flipped(lost, gained), cost(outcomes),
                Timing.of(outcomes));
    }

    private static TypeResult type(List<Integer> numbers, List<Outcome> dense, List<Outcome> outcomes) {
        List<Outcome> these = numbers.stream().map(outcomes::get).toList();
        int lost = (int) numbers.stream().filter(i -> dense.get(i).right() && !outcomes.get(i).right()).count();
        int gained = (int) numbers.stream().filter(i -> !dense.get(i).right() && outcomes.get(i).right()).count();
        return new TypeResult(these.size(), mean(these, Outcome::score), (int) these.stream().filter(Outcome::right).count(),
                new Flips(lost, gained), mean(these, Outcome::agreement), mean(these, Outcome::divergence));
    }

    /** Of those that have a number; NaN where none has. */
    private static double mean(List<Outcome> outcomes, ToDoubleFunction<Outcome> of) {
        return outcomes.stream().mapToDouble(of).filter(x -> !Double.isNaN(x)).average().orElse(Double.NaN);
    }

    private static double perplexity(List<Outcome> outcomes) {
        double sum = 0;
        long tokens = 0;
        for (Outcome o : outcomes) {
            if (o.followed() == 0) continue;
            sum += o.surprise() * o.followed();
            tokens += o.followed();
        }
        return tokens == 0 ? Double.NaN : Math.exp(sum / tokens);
    }

    private static Cost cost(List<Outcome> outcomes) {
        return new Cost(mean(outcomes, o -> o.work().meanVisualTokens()), layers(outcomes, Work::visualTokens),
                layers(outcomes, Work::towerTokens), mean(outcomes, o -> o.work().promptTokens()),
                mean(outcomes, o -> o.work().firstTokenFlops()), mean(outcomes, o -> o.work().decodeFlops()),
                mean(outcomes, o -> o.work().cacheBytes()));
    }

    /** Layer by layer, means over the questions that have the layer. */
    private static List<Double> layers(List<Outcome> outcomes, Function<Work, List<Integer>> of) {
        int depth = outcomes.stream().mapToInt(o -> of.apply(o.work()).size()).max().orElse(0);
        return IntStream.range(0, depth).mapToObj(l -> outcomes.stream().map(o -> of.apply(o.work())).filter(counts -> l < counts.size())
                .mapToInt(counts -> counts.get(l)).average().orElse(0)).toList();
    }
}
