package dev.winnow.runtime.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.winnow.reduction.PlanException;
import dev.winnow.reduction.ReductionPlan;
import dev.winnow.runtime.Request;
import dev.winnow.runtime.RequestException;
import dev.winnow.runtime.Winnow;
import dev.winnow.runtime.eval.Evaluation.Answered;
import dev.winnow.runtime.eval.questions.Picture;
import dev.winnow.runtime.eval.questions.Question;
import dev.winnow.runtime.eval.questions.Questions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class EvaluationTest {
    private static final int STRIDE = 24;
    private static final ReductionPlan FEW = plan("visionzip:keep=8");

    private static Winnow model;
    private static List<Question> questions;
    private static Evaluation evaluation;

    @BeforeAll
    static void open() {
        model = Winnow.open(DemoQuestions.VLM);
        questions = DemoQuestions.every(STRIDE);
        evaluation = new Evaluation(model, questions, Judge.EXACT, 96);
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static ReductionPlan plan(String... specs) {
        return ReductionPlan.parse(List.of(specs));
    }

    private static Outcome withoutTimes(Outcome o) {
        return new Outcome(o.question(), o.answer(), o.score(), o.agreement(), o.divergence(), o.compared(), o.surprise(), o.followed(), o.work(), null);
    }

    private static List<Outcome> withoutTimes(List<Outcome> outcomes) {
        return outcomes.stream().map(EvaluationTest::withoutTimes).toList();
    }

    @Test
    void denseAnswersAreThoseOfTheReferenceImplementation() throws IOException {
        List<String> predictions = DemoQuestions.predictions();
        List<Outcome> dense = evaluation.dense();
        for (Outcome o : dense) {
            assertThat(o.answer()).isEqualTo(predictions.get(STRIDE * o.question()));
            assertThat(o.agreement()).isEqualTo(1);
            assertThat(o.divergence()).isZero();
            assertThat(o.work().visualTokens()).containsOnly(144).hasSize(6);
            assertThat(o.work().imageTokens()).isEqualTo(144);
        }
        assertThat(dense).extracting(Outcome::question).isEqualTo(IntStream.range(0, questions.size()).boxed().toList());
    }

    @Test
    void allWaysOfAskingGiveTheSameOutcomesInTheSameOrder() {
        List<ReductionPlan> plans = List.of(FEW, plan("fastv:k=2,keep=25%"));
        AtomicInteger told = new AtomicInteger();
        List<Answered> run = evaluation.run(plans, Map.of(), answered -> told.incrementAndGet());
        assertThat(told.get()).isEqualTo(questions.size());
        assertThat(withoutTimes(run.stream().map(Answered::dense).toList())).isEqualTo(withoutTimes(evaluation.dense()));
        for (int p = 0; p < plans.size(); p++) {
            int number = p;
            assertThat(withoutTimes(run.stream().map(a -> a.plans().get(number)).toList())).isEqualTo(withoutTimes(evaluation.under(plans.get(p))));
        }
        assertThat(withoutTimes(evaluation.under(FEW, new int[] {7, 3})))
                .isEqualTo(List.of(withoutTimes(run.get(7).plans().getFirst()), withoutTimes(run.get(3).plans().getFirst())));
    }

    @Test
    void whatIsDoneIsNotAskedAgain() {
        List<Answered> first = evaluation.run(List.of(FEW), Map.of(), answered -> { });
        AtomicInteger told = new AtomicInteger();
        List<Answered> second = evaluation.run(List.of(FEW), Map.of(0, first.get(0), 5, first.get(5)), answered -> told.incrementAndGet());
        assertThat(told.get()).isEqualTo(questions.size() - 2);
        assertThat(second.get(5)).isSameAs(first.get(5));
    }

    @Test
    void aPlanThatKeepsEverythingIsTheDenseModel() {
        for (Outcome o : evaluation.under(plan("fastv:k=2,keep=100%"))) {
            assertThat(o.agreement()).isEqualTo(1);
            assertThat(o.divergence()).isZero();
        }
    }

    @Test
    void divergenceIsThatOfFollowingTheDenseAnswer() {
        List<Outcome> reduced = evaluation.under(FEW);
        assertThat(reduced).anyMatch(o -> o.agreement() == 0).allMatch(o -> o.divergence() > 0);
        // a caption, long enough to leave the dense answer half way
        Outcome caption = reduced.stream().filter(o -> o.agreement() == 0 && o.compared() > 5).findFirst().orElseThrow();
        Question q = questions.get(caption.question());
        Request request = Request.of(q.prompt(), evaluation.pictures(caption.question()));
        int[] dense = model.generate(request.withMaxTokens(96), piece -> { }).tokens();
        assertThat(caption.compared()).isEqualTo(dense.length);
        List<float[]> expected = followed(request, dense);
        List<float[]> found = followed(request.withPlan(FEW), dense);
        double sum = 0;
        for (int i = 0; i < dense.length; i++) sum += Divergence.kl(expected.get(i), found.get(i));
        assertThat(caption.divergence()).isCloseTo(sum / dense.length, within(1e-12));
    }

    private static List<float[]> followed(Request request, int[] tokens) {
        List<float[]> logits = new ArrayList<>();
        model.generate(request.withMaxTokens(tokens.length).withIgnoreEos(true), (row, history, length) -> {
            logits.add(row.clone());
            return tokens[logits.size() - 1];
        }, piece -> { });
        return logits;
    }

    @Test
    void workIsWhatReallyRan() {
        for (Outcome o : evaluation.under(plan("fastv:k=2,keep=36"))) {
            assertThat(o.work().visualTokens()).containsExactly(144, 144, 36, 36, 36, 36);
            assertThat(o.work().meanVisualTokens()).isEqualTo(72);
            assertThat(o.work().cacheBytes()).isLessThan(evaluation.dense().get(o.question()).work().cacheBytes());
            assertThat(o.work().firstTokenFlops()).isLessThan(evaluation.dense().get(o.question()).work().firstTokenFlops());
            assertThat(o.times().firstToken()).isPositive();
        }
    }

    @Test
    void referenceTextsHaveAPerplexity() {
        String text = "a red circle is left of a blue square";
        List<Question> asked = List.of(reference("1", "Describe the picture.", text), reference("2", "", text + " and " + text));
        Evaluation texts = new Evaluation(model, asked, Judge.EXACT, 96);
        List<Outcome> dense = texts.dense();
        int[] ids = model.tokens(text, false);
        List<float[]> logits = followed(Request.of("Describe the picture."), ids);
        double sum = 0;
        for (int i = 0; i < ids.length; i++) sum += Divergence.logSum(logits.get(i)) - logits.get(i)[ids[i]];
        assertThat(dense.getFirst().surprise()).isCloseTo(sum / ids.length, within(1e-12));
        assertThat(dense.getFirst().followed()).isEqualTo(ids.length);
        assertThat(dense.getFirst().score()).isNaN();
        assertThat(dense.get(1).followed()).isBetween(ids.length - 1, ids.length + 2);
        List<Outcome> compacted = texts.under(plan("streamingllm:keep=8,sinks=2"));
        assertThat(compacted.get(1).divergence()).isPositive();
        assertThat(compacted.get(1).surprise()).isNotEqualTo(dense.get(1).surprise());
        Results results = Results.of(asked, List.of(), texts.run(List.of(), Map.of(), a -> { }));
        assertThat(results.judged()).isFalse();
        assertThat(results.dense().perplexity()).isCloseTo(Math.exp((sum + dense.get(1).surprise() * dense.get(1).followed())
                / (ids.length + dense.get(1).followed())), within(1e-9));
    }

    private static Question reference(String id, String prompt, String text) {
        return new Question(id, "text", List.of(), prompt, List.of(), List.of(), OptionalInt.empty(), Optional.of(text));
    }

    @Test
    void classifiersAreJudgedByTheirLabels() {
        List<Question> labelled = Questions.read(DemoQuestions.LABELLED).limit(20).list();
        try (Winnow vit = Winnow.open(DemoQuestions.VIT)) {
            Evaluation labels = new Evaluation(vit, labelled, Judge.EXACT, 1);
            for (Outcome o : labels.dense()) {
                boolean right = labelled.get(o.question()).answers().contains(o.answer());
                assertThat(o.score()).isEqualTo(right ? 1 : 0);
                assertThat(o.work().towerTokens()).containsOnly(145);
            }
            List<Outcome> merged = labels.under(plan("tome:r=16"));
            assertThat(merged).allMatch(o -> o.divergence() > 0 && o.compared() == 1);
            assertThat(merged.getFirst().work().meanVisualTokens()).isLessThan(145);
            assertThat(merged.getFirst().work().visualTokens()).isEmpty();
        }
    }

    @Test
    void questionsThatDoNotFitTheModelAreRefused() {
        Picture picture = new Picture.InFile("0.png", Path.of("0.png"));
        Question label = Question.labelled("7", picture, 3, "");
        assertThatThrownBy(() -> new Evaluation(model, List.of(label), Judge.EXACT, 9)).isInstanceOf(RequestException.class)
                .hasMessageContaining("question 7 has no prompt");
        Question silent = new Question("8", "any", List.of(), "What?", List.of(), List.of(), OptionalInt.of(1), Optional.empty());
        assertThatThrownBy(() -> new Evaluation(model, List.of(silent), Judge.EXACT, 9)).hasMessageContaining("is no classifier");
        try (Winnow vit = Winnow.open(DemoQuestions.VIT)) {
            assertThatThrownBy(() -> new Evaluation(vit, List.of(silent), Judge.EXACT, 9)).hasMessageContaining("question 8 has 0 pictures");
        }
    }

    @Test
    void failuresNameTheFirstQuestionThatFailed() {
        Question lost = new Question("lost", "any", List.of(new Picture.InFile("gone.png", Path.of("gone.png"))), "What?", List.of("x"), List.of(),
                OptionalInt.empty(), Optional.empty());
        Evaluation broken = new Evaluation(model, List.of(questions.getFirst(), lost), Judge.EXACT, 9);
        assertThatThrownBy(broken::dense).hasMessageContaining("gone.png");
        assertThatThrownBy(() -> evaluation.under(plan("fastv:k=99"))).isInstanceOf(PlanException.class);
    }
}
