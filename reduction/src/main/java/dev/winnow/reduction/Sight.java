package dev.winnow.reduction;

import dev.winnow.layers.AttentionMode;
import java.util.Arrays;
import java.util.stream.IntStream;

/** What the tokens of a prompt or a picture see of each other where the masks of the layers do not say it all. */
public interface Sight {
    /** As the masks say. */
    Sight MASKED = (layer, ledger) -> null;

    /** All tokens of a prompt see each other (prefix language models). */
    Sight WHOLE_PROMPT = (layer, ledger) -> {
        int[] ends = new int[ledger.count()];
        Arrays.fill(ends, ends.length);
        return new AttentionMode.Reaching(ends);
    };

    /** The tokens of a picture see each other; text sees what came before. */
    Sight WHOLE_PICTURES = (layer, ledger) -> {
        int[] ends = IntStream.rangeClosed(1, ledger.count()).toArray();
        for (int i = ends.length - 2; i >= 0; i--) {
            boolean same = ledger.image(i) >= 0 && ledger.image(i) == ledger.image(i + 1);
            if (same) ends[i] = ends[i + 1];
        }
        return new AttentionMode.Reaching(ends);
    };

    /** How attention runs in a layer, or null for as its mask says. */
    AttentionMode in(int layer, TokenLedger ledger);
}
