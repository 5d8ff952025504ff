package dev.winnow.runtime.eval.report;

import dev.winnow.runtime.eval.Outcome;
import dev.winnow.runtime.eval.PlanResult;
import dev.winnow.runtime.eval.Results;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Questions worth looking at: where a plan says something else than the dense model. The choice is the same in every run. */
final class Disagreements {
    /** Of each plan so many, and of all plans together. */
    private static final int OF_PLAN = 4;
    private static final int IN_ALL = 24;

    /**
     * A question under a plan.
     *
     * @param plan     its place among the plans
     * @param question its number
     */
    record Example(int plan, int question) {}

    private Disagreements() {}

    /** Right answers that were lost first, one of each type, types with the most losses first; then other answers that differ. */
    static List<Example> of(Results results) {
        int each = Math.max(1, Math.min(OF_PLAN, IN_ALL / Math.max(1, results.reduced().size())));
        List<Example> examples = new ArrayList<>();
        for (int i = 1; i < results.plans().size() && examples.size() < IN_ALL; i++) {
            PlanResult p = results.plans().get(i);
            List<Integer> numbers = inTurns(results, p.numbers().lost());
            for (int n : inTurns(results, different(results, i))) if (!numbers.contains(n)) numbers.add(n);
            for (int n : numbers.subList(0, Math.min(each, numbers.size()))) examples.add(new Example(i, n));
        }
        return examples;
    }

    private static List<Integer> different(Results results, int plan) {
        List<Outcome> outcomes = results.outcomes(plan);
        return outcomes.stream().filter(o -> !o.answer().equals(results.answers().get(o.question()).dense().answer())).map(Outcome::question).toList();
    }

    /** One number of each type, then the second of each, and so on. */
    private static List<Integer> inTurns(Results results, List<Integer> numbers) {
        Map<String, List<Integer>> types = new TreeMap<>();
        for (int n : numbers) types.computeIfAbsent(results.questions().get(n).type(), t -> new ArrayList<>()).add(n);
        List<List<Integer>> order = new ArrayList<>(types.values());
        order.sort(Comparator.comparingInt(list -> -list.size()));
        List<Integer> turns = new ArrayList<>();
        for (int round = 0; turns.size() < numbers.size(); round++) for (List<Integer> of : order) if (round < of.size()) turns.add(of.get(round));
        return turns;
    }
}
