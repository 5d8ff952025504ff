package dev.winnow.runtime.tune;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * Asynchronous successive halving (Li et al. 2020, arXiv 1810.05934): everyone is asked a few questions, the better half more, the better
 * half of those all. Who is promoted is decided anew whenever someone arrives, so that later starters may learn from earlier ones. All
 * runners of a rung were asked the same questions, so their differences do not come from the questions.
 *
 * @param <C> who runs
 */
final class Race<C> {
    private static final int PROMOTED_ONE_OF = 2;

    private final int[] rungs;
    private final BiFunction<C, Integer, Optional<Marks>> ask;
    private final List<Runner> runners = new ArrayList<>();

    /** Who runs, and how far it came. */
    final class Runner {
        private final C who;
        private Marks marks;
        private int rung;
        private boolean out;

        private Runner(C who, Marks marks) {
            this.who = who;
            this.marks = marks;
        }

        C who() {
            return who;
        }

        Marks marks() {
            return marks;
        }
    }

    /**
     * @param rungs questions that one has been asked after each rung, ascending
     * @param ask   marks on so many questions, those asked before included; empty when the runner turns out not to be allowed
     */
    Race(int[] rungs, BiFunction<C, Integer, Optional<Marks>> ask) {
        this.rungs = rungs.clone();
        this.ask = ask;
    }

    /**
     * Runs until nobody starts any more and all who earned it are promoted.
     *
     * @param starters  the next to start, or nobody
     * @param isOver    whether time is up
     */
    void run(Supplier<Optional<C>> starters, BooleanSupplier isOver) {
        while (!isOver.getAsBoolean()) {
            if (promoteOne()) continue;
            Optional<C> next = starters.get();
            if (next.isEmpty()) return;
            ask.apply(next.get(), rungs[0]).ifPresent(marks -> runners.add(new Runner(next.get(), marks)));
        }
    }

    private boolean promoteOne() {
        for (int rung = rungs.length - 2; rung >= 0; rung--) {
            List<Runner> ranked = ranked(rung);
            for (Runner r : ranked.subList(0, ranked.size() / PROMOTED_ONE_OF)) {
                if (r.rung > rung) continue;
                promote(r);
                return true;
            }
        }
        return false;
    }

    private void promote(Runner r) {
        Optional<Marks> marks = ask.apply(r.who, rungs[r.rung + 1]);
        r.out = marks.isEmpty();
        marks.ifPresent(m -> {
            r.marks = m;
            r.rung++;
        });
    }

    /** Those who passed a rung, the best on its questions first. */
    private List<Runner> ranked(int rung) {
        List<Runner> passed = runners.stream().filter(r -> r.rung >= rung && !r.out).toList();
        double[] merit = Merit.of(passed.stream().map(r -> r.marks.first(rungs[rung])).toList());
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < passed.size(); i++) order.add(i);
        // a stable sort: of equals the earlier starter is first
        order.sort(Comparator.comparingDouble(i -> -merit[i]));
        return order.stream().map(passed::get).toList();
    }

    /** All still in the race, those who came furthest first, of these the best. */
    List<Runner> standing() {
        List<Runner> standing = new ArrayList<>();
        for (int rung = rungs.length - 1; rung >= 0; rung--) {
            int at = rung;
            ranked(rung).stream().filter(r -> r.rung == at).forEach(standing::add);
        }
        return standing;
    }
}
