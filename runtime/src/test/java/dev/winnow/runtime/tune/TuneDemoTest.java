package dev.winnow.runtime.tune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.RequestException;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.eval.Evaluation;
import dev.winnow.runtime.eval.Judge;
import dev.winnow.runtime.eval.questions.Question;
import dev.winnow.runtime.eval.questions.Questions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The demo model tuned on a few of its questions: enough to see that everything holds together, too few to find much. */
class TuneDemoTest {
    private static final Path DEMO = Path.of("../examples/demo");
    private static Winnow model;
    private static List<Question> questions;
    private final List<String> told = new ArrayList<>();

    @BeforeAll
    static void open() {
        model = Winnow.open(DEMO.resolve("shapes-vlm"));
        questions = Questions.read(DEMO.resolve("questions-vlm/qa.jsonl")).list().subList(0, 40);
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private Tuner tuner(String budget, int evaluations, List<Question> asked) {
        return new Tuner(new Evaluation(model, asked, Judge.EXACT, 32), TuningBudget.parse(budget),
                new Tuner.Settings(evaluations, 600, 0.5, 1), told::add);
    }

    @Test
    void findsAPlanWithinABudgetOfTokensAndTheSameAgain() {
        Tuning tuning = tuner("25%", 14, questions).tune();
        assertThat(tuning.budget().limit()).isEqualTo(36);
        assertThat(tuning.budget().used()).isLessThanOrEqualTo(36 * 1.005);
        assertThat(tuning.heldOut().usage().visualTokens()).isEqualTo(tuning.budget().used());
        assertThat(tuning.measure()).isEqualTo("accuracy");
        assertThat(tuning.effort().evaluations()).isLessThanOrEqualTo(14);
        assertThat(tuning.tuning().questions() + tuning.heldOut().questions()).isEqualTo(40);
        assertThat(tuning.predicted().questions()).isBetween(4, 10);
        assertThat(tuning.preset().value().value())
                .isEqualTo(tuning.presets().stream().mapToDouble(s -> s.value().value()).max().orElseThrow());
        ReductionPlan.parse(tuning.plan()).schedule(model.model().shape());
        assertThat(told).anyMatch(line -> line.contains("methods can be kept within the budget"));
        Tuning again = tuner("25%", 14, questions).tune();
        assertThat(again.plan()).isEqualTo(tuning.plan());
        assertThat(again.heldOut().value()).isEqualTo(tuning.heldOut().value());
    }

    @ParameterizedTest
    @ValueSource(strings = {"flops=60%", "cache=40%", "ttft=3ms"})
    void keepsOtherBudgets(String budget) {
        Tuning tuning;
        try {
            tuning = tuner(budget, 4, questions.subList(0, 28)).tune();
        } catch (RequestException e) {
            // whether a time can be kept is the machine's to say
            assertThat(budget).startsWith("ttft");
            assertThat(e).hasMessageContaining("budget");
            return;
        }
        if (!budget.startsWith("ttft")) assertThat(tuning.budget().used()).isLessThanOrEqualTo(1.02 * tuning.budget().limit());
    }

    @Test
    void withoutAnswersDivergenceDecides() {
        List<Question> unanswered = questions.stream().map(q -> Question.of(q.id(), q.type(), q.pictures().getFirst(), q.prompt(), List.of()))
                .toList();
        Tuning tuning = tuner("50%", 8, unanswered).tune();
        assertThat(tuning.measure()).isEqualTo("divergence");
        assertThat(tuning.dense().value().value()).isZero();
        assertThat(tuning.overDense().value()).isLessThan(0);
        assertThat(tuning.preset().value().value())
                .isEqualTo(tuning.presets().stream().mapToDouble(s -> s.value().value()).min().orElseThrow());
    }

    @Test
    void thePublishedSearchesKeepTheBudgetToo() {
        for (Tuner.Search search : List.of(Tuner.Search.GREEDY, Tuner.Search.SIGMOID)) {
            Tuning tuning = tuner("50%", 30, questions).tune(search);
            assertThat(tuning.plan().getFirst()).startsWith("pyramiddrop:layers=0/1/2/3/4/5");
            assertThat(tuning.budget().used()).isBetween(60.0, 72.4);
            assertThat(tuning.effort().evaluations()).isLessThanOrEqualTo(31);
        }
    }

    @Test
    void saysWhatCannotBe() {
        assertThatThrownBy(() -> tuner("25%", 4, questions.subList(0, 20))).isInstanceOf(RequestException.class)
                .hasMessageContaining("at least 24 questions");
        assertThatThrownBy(() -> tuner("tokens=200", 4, questions).tune()).isInstanceOf(RequestException.class)
                .hasMessageContaining("nothing to tune").hasMessageContaining("144");
        assertThatThrownBy(() -> tuner("flops=1%", 4, questions).tune()).isInstanceOf(RequestException.class)
                .hasMessageContaining("no method can be kept within the budget flops=1%");
    }
}
