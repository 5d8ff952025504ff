package dev.winnow.runtime.tune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.winnow.reduction.ModelShape;
import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.ReductionPlan;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BudgetFitTest {
    private static final ModelShape SHAPE = new ModelShape(Optional.empty(), 6);
    private final AtomicInteger asked = new AtomicInteger();

    /** Uses tokens as a function of the number after "keep=" of a plan; dense uses 144. */
    private BudgetFit fit(String budget, DoubleUnaryOperator tokens) {
        Examiner examiner = (plan, questions) -> {
            asked.incrementAndGet();
            double used = plan.isEmpty() ? 144 : tokens.applyAsDouble(Double.parseDouble(plan.toString().replaceAll(".*keep=", "")));
            Usage[] usage = new Usage[questions.length];
            Arrays.fill(usage, new Usage(used, used, used, used));
            return new Marks(new double[questions.length], new double[questions.length], usage);
        };
        return new BudgetFit(examiner, new int[] {0, 1}, TuningBudget.parse(budget), SHAPE);
    }

    private static ReductionPlan plan(double keep) {
        return ReductionPlan.parse(List.of("random:keep=" + String.format(Locale.ROOT, "%.4f", keep)));
    }

    @Test
    void aMethodThatKeepsWhatItSaysIsFittedAtOnce() {
        Optional<BudgetFit.Fitted> fitted = fit("25%", keep -> Math.rint(144 * keep)).fit(BudgetFitTest::plan, 0.25);
        assertThat(fitted.orElseThrow().number()).isEqualTo(0.25);
        assertThat(asked).hasValue(2);
    }

    @ParameterizedTest
    @CsvSource({"24, 120", "0, 288", "0, 60", "10, 500", "35, 109"})
    void whatUsesMoreOrLessThanItSaysIsTurnedUntilItFits(double least, double slope) {
        BudgetFit fit = fit("25%", keep -> Math.min(144, Math.rint(least + slope * keep)));
        Usage usage = fit.fit(BudgetFitTest::plan, 0.25).orElseThrow().usage();
        assertThat(usage.visualTokens()).isBetween(Math.min(33.0, Math.rint(least + slope)), 36.0);
    }

    @Test
    void whatNeverGetsDownToTheBudgetDoesNotFit() {
        assertThat(fit("25%", keep -> 48 + 96 * keep).fit(BudgetFitTest::plan, 0.25)).isEmpty();
        assertThat(asked).hasValueLessThan(5);
    }

    @Test
    void whatStaysWithinTheBudgetGetsAll() {
        assertThat(fit("50%", keep -> 20 * keep).fit(BudgetFitTest::plan, 0.5).orElseThrow().number()).isCloseTo(1, within(0.05));
    }

    @Test
    void whatTheModelRefusesDoesNotFit() {
        BudgetFit fit = fit("25%", keep -> 36);
        assertThat(fit.fit(keep -> {
            throw new PlanException("no");
        }, 0.25)).isEmpty();
        assertThat(fit.fit(keep -> ReductionPlan.parse(List.of("fastv:k=9,keep=5%")), 0.25)).isEmpty();
    }
}
