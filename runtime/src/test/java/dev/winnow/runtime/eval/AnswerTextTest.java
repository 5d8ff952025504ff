package dev.winnow.runtime.eval;

import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AnswerTextTest {
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', textBlock = """
            Yes.                | yes
            The red car         | red car
            two dogs            | 2 dogs
            None                | 0
            dont know           | don't know
            couldnt've          | couldn't've
            couldn'tve          | couldn't've
            1,000               | 1000
            3.5 m               | 3.5 m
            black-and-white     | black and white
            black - white       | black white
            a, b                | b
            what?!              | what
            U.S.A.              | usa
            (left)              | left
            an apple / a pear   | apple pear
            """)
    void normalisesAsVqaDoes(String text, String normalised) {
        assertThat(AnswerText.normalised(text)).isEqualTo(normalised);
    }

    @Test
    void nothingButArticlesAndMarksIsNothing() {
        assertThat(AnswerText.normalised(" The a? \n")).isEmpty();
    }

    @Property(tries = 300)
    void neverHoldsCapitalsOrDoubleSpaces(@ForAll String text) {
        String normalised = AnswerText.normalised(text);
        assertThat(normalised).doesNotContain("  ").isEqualTo(normalised.strip()).doesNotContainPattern("[A-Z?!,;]");
    }
}
