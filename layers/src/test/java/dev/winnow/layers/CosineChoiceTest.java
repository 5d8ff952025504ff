package dev.winnow.layers;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class CosineChoiceTest {
    private static final CosineChoice FARTHEST = new CosineChoice.FarthestFirst();

    private static void refused(CosineChoice choice, int n, int[] tokens, int k, String message) {
        assertThatThrownBy(() -> choice.requireAmong(n, tokens, k)).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
    }

    @Test
    void refusesWhatCannotBeChosenAmong() {
        int[] tokens = {1, 4, 2};
        refused(FARTHEST, 5, tokens, 0, "cannot choose 0 of 3 tokens");
        refused(FARTHEST, 5, tokens, 4, "cannot choose 4 of 3 tokens");
        refused(FARTHEST, 4, tokens, 2, "token 4 is not in 0 .. 3");
        refused(FARTHEST, 5, new int[] {-1}, 1, "token -1 is not in 0 .. 4");
        refused(new CosineChoice.LeastAlike(3), 5, tokens, 2, "first place 3 is not in 0 .. 2");
        refused(new CosineChoice.Distinct(5, 0.9), 5, tokens, 2, "token to be like 5 is not in 0 .. 4");
    }

    @Test
    void letsTheOthersPass() {
        int[] tokens = {1, 4, 2};
        for (CosineChoice choice : new CosineChoice[] {FARTHEST, new CosineChoice.LeastAlike(2), new CosineChoice.Distinct(0, 0.9)}) {
            assertThatCode(() -> choice.requireAmong(5, tokens, 3)).doesNotThrowAnyException();
        }
    }
}
