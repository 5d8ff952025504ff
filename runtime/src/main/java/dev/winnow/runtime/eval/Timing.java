package dev.winnow.runtime.eval;

import dev.winnow.runtime.bench.Rounds;
import java.util.List;

/**
 * Measured times of one plan; different in every run, and only to be compared within one.
 *
 * @param firstToken   seconds from pixels to the first token or label, median over questions
 * @param firstToken90 its 90th percentile
 * @param decodeRate   tokens per second after the first, all questions together; 0 where there were none
 * @param reduction    seconds inside reduction events, median
 * @param cpu          processor seconds of an answer, median
 */
public record Timing(double firstToken, double firstToken90, double decodeRate, double reduction, double cpu) {
    static Timing of(List<Outcome> outcomes) {
        double[] first = outcomes.stream().mapToDouble(o -> o.times().firstToken()).toArray();
        double seconds = outcomes.stream().mapToDouble(o -> o.times().decode()).sum();
        long steps = outcomes.stream().mapToLong(o -> o.times().steps()).sum();
        return new Timing(Rounds.quantile(first, 0.5), Rounds.quantile(first, 0.9), steps == 0 || seconds == 0 ? 0 : steps / seconds,
                Rounds.quantile(outcomes.stream().mapToDouble(o -> o.times().reduction()).toArray(), 0.5),
                Rounds.quantile(outcomes.stream().mapToDouble(o -> o.times().cpu()).toArray(), 0.5));
    }
}
