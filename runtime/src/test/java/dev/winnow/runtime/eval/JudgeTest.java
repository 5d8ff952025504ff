package dev.winnow.runtime.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.winnow.runtime.eval.questions.Question;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JudgeTest {
    private static Question question(List<String> answers, String... choices) {
        return new Question("1", "any", List.of(), "What?", answers, List.of(choices), OptionalInt.empty(), Optional.empty());
    }

    @Test
    void exactLooksAtEveryLetter() {
        Question q = question(List.of("red", " Blue "));
        assertThat(Judge.EXACT.score(" red\n", q)).isEqualTo(1);
        assertThat(Judge.EXACT.score("Blue", q)).isEqualTo(1);
        assertThat(Judge.EXACT.score("Red", q)).isZero();
        assertThat(Judge.EXACT.score("red.", q)).isZero();
    }

    @Test
    void normalisedLooksAtWords() {
        assertThat(Judge.NORMALISED.score("The Red.", question(List.of("red")))).isEqualTo(1);
        assertThat(Judge.NORMALISED.score("dark red", question(List.of("red")))).isZero();
    }

    @Test
    void containsLooksForWholeWords() {
        assertThat(Judge.CONTAINS.score("It is a red car.", question(List.of("red")))).isEqualTo(1);
        assertThat(Judge.CONTAINS.score("It is credible", question(List.of("red")))).isZero();
        assertThat(Judge.CONTAINS.score("anything", question(List.of("the")))).isZero();
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "1, 0.3333", "2, 0.6667", "3, 1", "10, 1"})
    void vqaCountsPeople(int people, double score) {
        List<String> answers = Stream.concat(Collections.nCopies(people, "Two.").stream(), Collections.nCopies(10 - people, "three").stream()).toList();
        assertThat(Judge.VQA.score("2", question(answers))).isCloseTo(score, within(1e-4));
    }

    @Test
    void vqaIsContentWithOneOfFewAnswers() {
        assertThat(Judge.VQA.score("yes", question(List.of("yes")))).isEqualTo(1);
        assertThat(Judge.VQA.score("yes", question(List.of("yes", "no")))).isEqualTo(0.5);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            B              | 1
            (b)            | 1
            B. a dog       | 1
            Answer: C      | 2
            The answer is (A). | 0
            dog            | 1
            It is a bird!  | 2
            a cat or a dog | -1
            D              | -1
            maybe          | -1
            """)
    void choosesByLetterOrText(String answer, int place) {
        assertThat(MultipleChoice.chosen(answer, List.of("a cat", "dog", "bird")).orElse(-1)).isEqualTo(place);
    }

    @Test
    void choiceIsRightWhenItIsAccepted() {
        Question q = question(List.of("dog"), "a cat", "dog", "bird");
        assertThat(Judge.CHOICE.score("B", q)).isEqualTo(1);
        assertThat(Judge.CHOICE.score("A", q)).isZero();
        assertThat(Judge.CHOICE.score("Dog!", question(List.of("dog")))).isEqualTo(1);
    }

    @Test
    void choicesAreAskedWithLettersUnlessThePromptHasThem() {
        assertThat(MultipleChoice.prompt("Which?", List.of("cat", "dog"))).startsWith("Which?\nA. cat\nB. dog\n");
        assertThat(MultipleChoice.prompt("A cat or a dog?", List.of("cat", "dog"))).isEqualTo("A cat or a dog?");
        assertThat(MultipleChoice.prompt("Which?", List.of())).isEqualTo("Which?");
    }

    @Test
    void withoutAnswersThereIsNoScore() {
        assertThat(Judge.EXACT.score("red", question(List.of()))).isNaN();
        assertThat(Judge.right(Double.NaN)).isFalse();
    }

    @Test
    void namesAreThoseOfTheCommandLine() {
        assertThat(Judge.named("vqa")).isEqualTo(Judge.VQA);
        assertThatThrownBy(() -> Judge.named("strict")).hasMessage("should be one of exact, normalised, contains, choice, vqa but is 'strict'");
    }
}
