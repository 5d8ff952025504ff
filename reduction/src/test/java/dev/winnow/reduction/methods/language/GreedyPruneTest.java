package dev.winnow.reduction.methods.language;

import static dev.winnow.reduction.Features.cosine;
import static dev.winnow.reduction.SmallModel.WIDTH;
import static dev.winnow.reduction.methods.language.Prompts.FRONT;
import static dev.winnow.reduction.methods.language.Prompts.LENGTH;
import static dev.winnow.reduction.methods.language.Prompts.PICTURE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.winnow.reduction.SmallModel;
import dev.winnow.reduction.StackListener;
import dev.winnow.reduction.TokenKind;
import dev.winnow.reduction.TokenLedger;
import dev.winnow.reduction.Tokens;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class GreedyPruneTest {
    private final SmallModel model = Prompts.model();
    private final float[] prompt = SmallModel.states(2, LENGTH);

    private int[] kept(float[] states, String spec) {
        Tokens tokens = model.run(states, Prompts.ledger(), model.cache(), model.schedule(spec), StackListener.NONE);
        return IntStream.of(SmallModel.kept(tokens)).filter(i -> i >= FRONT && i < FRONT + PICTURE).toArray();
    }

    /** In front of layer 0, where hidden states are those of the prompt. */
    @Test
    void theTokensMostLikeTheLastTextStayIfTheyDiffer() {
        double threshold = 0.1;
        List<Integer> expected = new ArrayList<>();
        for (int i : IntStream.range(FRONT, FRONT + PICTURE).boxed()
                .sorted(Comparator.comparingDouble(i -> -cosine(prompt, WIDTH, i, LENGTH - 1))).toList()) {
            if (expected.size() < 5 && expected.stream().noneMatch(j -> cosine(prompt, WIDTH, i, j) > threshold)) expected.add(i);
        }
        assertThat(kept(prompt, "greedyprune:layer=0,keep=5,threshold=" + threshold)).containsExactly(expected.stream().sorted()
                .mapToInt(i -> i).toArray());
    }

    @Test
    void copiesOfOneTokenCountOnce() {
        float[] states = prompt.clone();
        for (int i = FRONT; i < FRONT + 12; i++) System.arraycopy(prompt, (LENGTH - 1) * WIDTH, states, i * WIDTH, WIDTH);
        assertThat(kept(states, "greedyprune:layer=0,keep=8")).startsWith(FRONT).hasSize(5);
    }

    @Test
    void aPromptThatIsAllPictureIsLeftAlone() {
        TokenKind[] kinds = new TokenKind[LENGTH];
        Arrays.fill(kinds, TokenKind.VISUAL);
        TokenLedger ledger = TokenLedger.of(IntStream.range(0, LENGTH).toArray(), kinds, new int[LENGTH]);
        assertThat(model.run(prompt, ledger, model.cache(), model.schedule("greedyprune"), StackListener.NONE).count()).isEqualTo(LENGTH);
    }
}
