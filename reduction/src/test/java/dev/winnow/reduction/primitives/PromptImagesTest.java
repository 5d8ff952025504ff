package dev.winnow.reduction.primitives;

import static org.assertj.core.api.Assertions.assertThat;

import dev.winnow.layers.CosineChoice;
import org.junit.jupiter.api.Test;

class PromptImagesTest {
    /** Neither a device nor the host is asked: there is nothing to observe. */
    @Test
    void noneAreChosenWithoutLooking() {
        int[] chosen = PromptImages.choose(null, new CosineChoice.FarthestFirst(), new int[] {3, 4}, 0, similarity -> new int[] {0});
        assertThat(chosen).isEmpty();
    }
}
