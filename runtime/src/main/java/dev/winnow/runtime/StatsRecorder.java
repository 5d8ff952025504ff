package dev.winnow.runtime;

import dev.winnow.reduction.Outcome;
import dev.winnow.reduction.ReductionEvent;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.Stage;
import dev.winnow.reduction.Tokens;
import java.util.ArrayList;
import java.util.List;

/** Counts tokens per layer and the time that reduction takes. */
final class StatsRecorder implements StackListener {
    private final List<Integer> vision = new ArrayList<>();
    private final List<Integer> language = new ArrayList<>();
    private long reductionNanos;

    @Override
    public void ran(Stage stage, int layer, int count) {
        counts(stage, layer).set(layer, counts(stage, layer).get(layer) + count);
    }

    @Override
    public void layer(Stage stage, int layer, Tokens tokens) {
        // a skipped layer has its place too
        counts(stage, layer);
    }

    private List<Integer> counts(Stage stage, int layer) {
        List<Integer> counts = stage == Stage.VISION ? vision : language;
        while (counts.size() <= layer) counts.add(0);
        return counts;
    }

    @Override
    public boolean hears() {
        return false;
    }

    @Override
    public void acted(ReductionEvent event, Outcome outcome, Tokens tokens, long nanos) {
        reductionNanos += nanos;
    }

    List<Integer> vision() {
        return List.copyOf(vision);
    }

    List<Integer> language() {
        return List.copyOf(language);
    }

    double reductionSeconds() {
        return reductionNanos / 1e9;
    }
}
