package dev.winnow.runtime.tune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.winnow.runtime.RequestException;
import dev.winnow.runtime.tune.TuningBudget.Measure;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TuningBudgetTest {
    private static final Usage DENSE = new Usage(144, 8e8, 4e6, 0.2);

    @ParameterizedTest
    @CsvSource({"25%, TOKENS, 36", "0.25, TOKENS, 36", "tokens=25%, TOKENS, 36", "36, TOKENS, 36", "tokens=36, TOKENS, 36",
            "tokens=12.5%, TOKENS, 18", "flops=50%, FLOPS, 4e8", "flops=0.4GFLOP, FLOPS, 4e8", "ttft=120ms, TTFT, 0.12", "ttft=2s, TTFT, 2",
            "cache=2MB, CACHE, 2e6", "cache=500kB, CACHE, 5e5", "cache=25%, CACHE, 1e6"})
    void comesToALimit(String text, Measure measure, double limit) {
        TuningBudget budget = TuningBudget.parse(text);
        assertThat(budget.measure()).isEqualTo(measure);
        assertThat(budget.limit(DENSE)).isCloseTo(limit, within(1e-9 * limit));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "tokens", "tokens=", "tokens=-3", "0", "0%", "100%", "150%", "1.0", "cache=2", "ttft=120", "ttft=50%", "flops=3",
            "watts=5%", "25%%", "tokens=25ms", "1e3", "Infinity"})
    void refusesWhatIsNoBudget(String text) {
        assertThatThrownBy(() -> TuningBudget.parse(text)).isInstanceOf(RequestException.class).hasMessageContaining("budget '" + text + "'");
    }

    @Test
    void leavesHalfAPercentForWholeTokens() {
        TuningBudget budget = TuningBudget.parse("25%");
        assertThat(budget.holds(new Usage(36.1, 0, 0, 0), DENSE)).isTrue();
        assertThat(budget.holds(new Usage(36.5, 0, 0, 0), DENSE)).isFalse();
    }

    @Test
    void printsWhatParsesBack() {
        assertThat(TuningBudget.parse("25%")).hasToString("tokens=25%");
        assertThat(TuningBudget.parse("flops=12.5%")).hasToString("flops=12.5%");
        assertThat(TuningBudget.parse("tokens=36")).hasToString("tokens=36.0 visual tokens");
    }

    @Test
    void onlyTimeIsNotRepeatable() {
        assertThat(TuningBudget.parse("ttft=120ms").repeatable()).isFalse();
        assertThat(TuningBudget.parse("cache=2MB").repeatable()).isTrue();
    }
}
